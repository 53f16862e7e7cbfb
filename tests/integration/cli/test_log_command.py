"""`precog log`, and what every command does with errors and with what the library logs."""

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

from precog.domain.alerts import Environment
from precog.store import alerts, deliveries

Run = Callable[..., Result]

pytestmark = pytest.mark.integration

CALL = ("log", "api_failures", "high", "kalshi_api", "5 failures in 5 minutes")


def _stored(shown: str) -> Any:
    return alerts.get(int(shown), Environment.DEMO)


@pytest.mark.usefixtures("routes")
def test_log_prints_the_id_of_the_stored_alert_and_nothing_else(run: Run) -> None:
    ended = run(*CALL, "--source-table", "trades", "--source-id", 7)
    assert (ended.exit_code, ended.stderr) == (0, "")
    stored = _stored(ended.stdout)
    assert (stored["component"], stored["message"]) == ("kalshi_api", "5 failures in 5 minutes")
    assert (stored["source_table"], stored["source_id"]) == ("trades", "7")
    assert {each["channel"] for each in deliveries.of_alert(stored["alert_id"])} == {"email", "file"}


def test_details_come_as_pairs_and_as_json_with_exact_fractions(run: Run) -> None:
    details = ("--detail", "market=A=B", "--detail", "note=", "--details-json", '{"loss": 512.30, "n": 3}')
    stored = _stored(run(*CALL, *details).stdout)
    assert stored["details"] == {"market": "A=B", "note": "", "loss": "512.30", "n": 3}


@pytest.mark.usefixtures("routes")
def test_no_notify_tells_nobody(run: Run) -> None:
    assert deliveries.of_alert(int(run(*CALL, "--no-notify").stdout)) == []


def test_the_same_key_stores_one_alert_and_another_content_is_refused(run: Run) -> None:
    first = run(*CALL, "--key", "k1")
    assert run(*CALL, "--key", "k1").stdout == first.stdout
    other = run("log", "api_failures", "high", "kalshi_api", "something else", "--key", "k1")
    assert other.exit_code == 1
    assert "use a new key" in other.stderr


def test_a_warning_of_the_library_goes_to_standard_error_and_leaves_the_id_alone(run: Run) -> None:
    ended = run(*CALL)
    assert ended.stdout.strip().isdigit()
    assert ended.stderr.startswith("warning: the alert is stored, but this environment has no routes")


@pytest.mark.parametrize(
    "wrong",
    [
        ("log", "t", "dire", "c", "m"),
        ("log", "t", "high", "c", " "),
        ("log", "t", "high", "c"),
        (*CALL, "--detail", "no value"),
        (*CALL, "--details-json", "{"),
        (*CALL, "--details-json", "[1]"),
        (*CALL, "--source-id", "7"),
    ],
)
def test_a_mistake_in_the_call_is_status_2_and_stores_nothing(run: Run, wrong: tuple[str, ...]) -> None:
    ended = run(*wrong)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert alerts.newest(Environment.DEMO) == []


def test_a_database_that_is_away_is_one_line_and_status_3(run: Run, precog_env: pytest.MonkeyPatch) -> None:
    precog_env.setenv("DATABASE_URL", "postgresql://precog@127.0.0.1:1/precog")
    ended = run("alerts", "list")
    assert (ended.exit_code, ended.stdout) == (3, "")
    assert ended.stderr.count("\n") == 1
    assert "`precog doctor`" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_debug_adds_the_traceback(run: Run, precog_env: pytest.MonkeyPatch) -> None:
    precog_env.setenv("DATABASE_URL", "postgresql://precog@127.0.0.1:1/precog")
    precog_env.setenv("PRECOG_DEBUG", "1")
    ended = run("alerts", "list")
    assert ended.exit_code == 3
    assert "Traceback" in ended.stderr


def test_a_variable_that_is_missing_is_named(run: Run, precog_env: pytest.MonkeyPatch) -> None:
    precog_env.delenv("DATABASE_URL")
    ended = run("alerts", "list")
    assert ended.exit_code == 1
    assert ended.stderr.startswith("DATABASE_URL: is not set")


def test_the_version_is_printed(run: Run) -> None:
    assert run("--version").stdout.startswith("precog 0.")


def test_a_misspelt_command_is_answered_with_the_right_one(run: Run) -> None:
    ended = run("alert")
    assert ended.exit_code == 2
    assert "alerts" in ended.stderr
