"""`precog doctor`."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg2.extensions
import pytest
from typer.testing import Result

from precog import log_alert
from precog.domain.alerts import Environment, Severity
from precog.domain.routes import Route
from precog.queue import CHANNELS, queue_name
from precog.store import channels, interlock

Run = Callable[..., Result]

pytestmark = pytest.mark.integration


@pytest.fixture
def findings(run: Run) -> Callable[[], dict[str, str]]:
    """What each finding says, with its grade."""

    def look() -> dict[str, str]:
        return {each["what"]: each["grade"] for each in json.loads(run("doctor", "--json").stdout)}

    return look


Findings = Callable[[], dict[str, str]]


def _like(findings: dict[str, str], part: str) -> list[str]:
    return [grade for what, grade in findings.items() if part in what]


def test_each_finding_that_is_not_ok_names_the_command_that_mends_it(run: Run) -> None:
    found = json.loads(run("doctor", "--json").stdout)
    assert all(bool(each["mend"]) is (each["grade"] != "ok") for each in found)
    assert {"precog config apply"} < {each["mend"] for each in found}


def test_a_fresh_database_lacks_routes_until_they_are_applied(run: Run, findings: Findings) -> None:
    assert _like(findings(), "demo has no routes") == ["problem"]
    run("config", "apply")
    assert _like(findings(), "routes, as configured here") == ["ok"]


def test_routes_that_are_not_the_configured_ones_are_a_warning(findings: Findings) -> None:
    other = Route(environment=Environment.DEMO, severity=Severity.LOW, channel="email", recipient="ann@example.com")
    channels.write_routes(Environment.DEMO, [other])
    assert _like(findings(), "7 are missing, 1 are not configured") == ["warning"]


def test_variables_that_are_missing_are_problems(findings: Findings, precog_env: pytest.MonkeyPatch) -> None:
    precog_env.delenv("DATABASE_URL")
    found = findings()
    assert _like(found, "DATABASE_URL is not set") == ["problem"]
    assert _like(found, "Redis answers") == ["ok"]


def test_a_webhook_without_a_secret_is_a_warning(findings: Findings, precog_env: pytest.MonkeyPatch) -> None:
    assert _like(findings(), "is not signed") == []
    precog_env.setenv("CUSTOM_WEBHOOK_URL", "https://hooks.example.com/alerts")
    assert _like(findings(), "what is posted to the webhook is not signed") == ["warning"]
    precog_env.setenv("CUSTOM_WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert _like(findings(), "is not signed") == []


def test_a_place_where_no_alert_could_wait_is_a_problem_before_one_has_to(
    findings: Findings, precog_env: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    precog_env.setenv("PRECOG_JOURNAL_DIR", str(tmp_path / "file" / "journal"))
    assert _like(findings(), "PRECOG_JOURNAL_DIR must name a directory") == ["problem"]
    precog_env.setenv("PRECOG_JOURNAL_DIR", str(tmp_path / "not" / "yet"))
    assert _like(findings(), "no alert waits on this machine") == ["ok"]
    assert not (tmp_path / "not").exists(), "whoever asks may not be who writes"


def test_servers_that_are_away_are_problems_and_no_crash(
    run: Run, findings: Findings, precog_env: pytest.MonkeyPatch
) -> None:
    precog_env.setenv("DATABASE_URL", "postgresql://precog:geheim@127.0.0.1:1/precog")
    precog_env.setenv("REDIS_URL", "redis://:geheim@127.0.0.1:1/0")
    found = findings()
    assert _like(found, "PostgreSQL does not answer") == ["problem"]
    assert _like(found, "Redis does not answer") == ["problem"]
    ended = run("doctor")
    assert ended.exit_code == 1
    assert "geheim" not in ended.output


def test_a_schema_that_lacks_a_migration_is_a_problem(
    run: Run, precog_env: pytest.MonkeyPatch, empty_database_url: str
) -> None:
    precog_env.setenv("DATABASE_URL", empty_database_url)
    assert "→ run `precog db migrate`" in run("doctor").stdout


def test_a_delivery_that_nobody_takes_is_a_problem_after_a_minute(
    findings: Findings, routes: None, db_cursor: psycopg2.extensions.cursor
) -> None:
    log_alert("data_stale", "high", "feed", "no data")
    assert _like(findings(), "deliveries are on time, 2 due") == ["ok"]
    db_cursor.execute("UPDATE alert_deliveries SET next_attempt_at = clock_timestamp() - interval '2 minutes'")
    assert _like(findings(), "2 deliveries are due, the oldest for 2 min") == ["problem"]


def test_a_paused_channel_is_a_problem_and_a_critical_alert_that_waits_a_warning(findings: Findings) -> None:
    assert _like(findings(), "no critical alert waits") == ["ok"]
    channels.pause(Environment.DEMO, "sms", error_code="20003", reason="Twilio refused the account")
    log_alert("rapid_loss", "critical", "risk_manager", "losing")
    found = findings()
    assert _like(found, "sms is paused for 0 s: Twilio refused the account") == ["problem"]
    assert _like(found, "nobody has taken on: 1") == ["warning"]


def test_that_everybody_may_release_orders_is_a_warning_until_roles_are_named(
    run: Run, findings: Findings, precog_env: pytest.MonkeyPatch, database_url: str
) -> None:
    precog_env.setenv("PRECOG_OWNER_URL", database_url)
    assert _like(findings(), "the interlock has no rules") == ["warning"]
    run("config", "apply")
    assert _like(findings(), "may release the orders that an alert blocks: public") == ["ok"], "in demo"
    precog_env.setenv("PRECOG_ENVIRONMENT", "prod")
    run("config", "apply")
    assert _like(findings(), "everybody who can log in to the database may release") == ["warning"]
    shipped = interlock.rules(Environment.PROD)
    interlock.write_rules(Environment.PROD, replace(shipped, releasers=frozenset({"ann", "risk_desk"})))
    assert _like(findings(), "may release the orders that an alert blocks: ann, risk_desk") == ["ok"]


@pytest.fixture
def worker(precog_env: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    """A real worker that takes from every queue but that of SMS."""
    precog_env.setenv("TWILIO_ACCOUNT_SID", "AC" + "0" * 32)
    precog_env.setenv("TWILIO_AUTH_TOKEN", "0" * 32)
    precog_env.setenv("TWILIO_FROM_NUMBER", "+12025550123")
    precog_env.setenv("CRITICAL_ALERT_PHONE_NUMBERS", "+12025550124")
    queues = ",".join(queue_name(channel) for channel in CHANNELS if channel != "sms")
    command = [sys.executable, "-m", "celery", "-A", "workers", "worker", "-Q", queues, "-c", "1", "--without-mingle"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "ready" in line:
                break
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_the_queue_that_no_worker_takes_from_is_named(findings: Findings, worker: object) -> None:
    assert _like(findings(), "no worker takes from notifications.sms") == ["problem"]


def test_no_worker_at_all_is_a_problem(findings: Findings) -> None:
    assert _like(findings(), "no worker answers") == ["problem"]
