"""`precog config`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from precog.domain.alerts import Environment
from precog.resources import resource
from precog.store import channels

Run = Callable[..., Result]

pytestmark = pytest.mark.integration


def test_check_names_each_channel_with_the_reason_why_it_is_off(run: Run) -> None:
    shown = run("config", "check")
    assert shown.exit_code == 0
    assert "email    off: SMTP_HOST, ALERT_FROM_EMAIL are not set" in shown.stdout
    assert "file     on, 1 recipient" in shown.stdout


def test_check_needs_no_server(run: Run, precog_env: pytest.MonkeyPatch) -> None:
    precog_env.delenv("DATABASE_URL")
    precog_env.delenv("REDIS_URL")
    assert run("config", "check").exit_code == 0


def test_check_shows_every_problem_and_fails(run: Run, precog_env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for file in resource("config").glob("*.yaml"):
        (tmp_path / file.name).write_text(file.read_text().replace("level: INFO ", "level: LOUD "))
    (tmp_path / "markets.yaml").write_text("[]")
    precog_env.setenv("PRECOG_CONFIG_DIR", str(tmp_path))
    shown = run("config", "check")
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert "2 problems" in shown.stderr
    assert "logging.level" in shown.stderr
    assert "markets.yaml" in shown.stderr
    found = json.loads(run("config", "check", "--json").stdout)["problems"]
    assert len(found) == 2
    assert all(set(problem) == {"place", "text"} for problem in found)


def test_apply_writes_the_routes_and_says_what_changed(run: Run, precog_env: pytest.MonkeyPatch) -> None:
    first = run("config", "apply")
    assert "7 routes in demo: +7 -0." in first.stdout
    precog_env.setenv("SMTP_HOST", "mail.example.com")
    precog_env.setenv("ALERT_FROM_EMAIL", "precog@example.com")
    precog_env.setenv("CRITICAL_ALERT_EMAILS", "ann@example.com")
    second = run("config", "apply")
    assert second.stdout == "+ critical email ann@example.com\n8 routes in demo: +1 -0.\n"
    precog_env.delenv("SMTP_HOST")
    precog_env.delenv("ALERT_FROM_EMAIL")
    precog_env.delenv("CRITICAL_ALERT_EMAILS")
    assert run("config", "apply").stdout == "- critical email ann@example.com\n7 routes in demo: +0 -1.\n"
    assert len(channels.routes(Environment.DEMO)) == 7


def test_what_apply_writes_is_what_check_shows(run: Run) -> None:
    run("config", "apply")
    shown = json.loads(run("config", "check", "--json").stdout)["routes"]
    written = {(each.severity, each.channel, each.recipient) for each in channels.routes(Environment.DEMO)}
    assert {(each["severity"], each["channel"], each["recipient"]) for each in shown} == written


def test_apply_with_problems_changes_nothing(run: Run, precog_env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run("config", "apply")
    precog_env.setenv("PRECOG_CONFIG_DIR", str(tmp_path))
    assert run("config", "apply").exit_code == 1
    assert len(channels.routes(Environment.DEMO)) == 7
