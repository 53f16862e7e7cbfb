"""`precog prune`, `precog alerts hold` and `precog alerts counts`."""

import json
from collections.abc import Callable

import psycopg2.extensions
import pytest
from typer.testing import Result

import precog

Run = Callable[..., Result]

pytestmark = pytest.mark.integration


@pytest.fixture
def ended(precog_env: pytest.MonkeyPatch, database_url: str, db_cursor: psycopg2.extensions.cursor) -> int:
    """An incident of two alerts that ended 31 days ago."""
    precog_env.setenv("PRECOG_OWNER_URL", database_url)
    alert_id = precog.log_alert("api_failures", "low", "feed", "boom", send_notification=False)
    precog.resolve_alert(alert_id, "ann", "fixed")
    db_cursor.execute("UPDATE alerts SET resolved_at = now() - interval '31 days'")
    return alert_id


def test_it_says_what_would_go_and_then_what_went(run: Run, ended: int) -> None:
    looked = run("prune", "--dry-run")
    assert "low       30 days    1" in looked.stdout
    assert looked.stdout.endswith("1 incident, 0 health checks and 0 failed requests would go\n")
    assert run("alerts", "show", ended).exit_code == 0
    went = json.loads(run("prune", "--json").stdout)
    assert went["incidents"][-1] == {"severity": "low", "kept_days": 30, "incidents": 1, "alerts": 1}
    assert run("alerts", "show", ended).exit_code == 4


def test_a_program_may_not_prune_and_is_told_who_may(run: Run, ended: int, precog_env: pytest.MonkeyPatch) -> None:
    precog_env.delenv("PRECOG_OWNER_URL")
    refused = run("prune")
    assert refused.exit_code == 1
    assert "PRECOG_OWNER_URL must name the login that owns the tables" in refused.stderr
    assert run("alerts", "show", ended).exit_code == 0


def test_a_hold_keeps_an_incident(run: Run, ended: int) -> None:
    assert "kept from now on" in run("alerts", "hold", ended, "--reason", "disputed").stdout
    assert "was kept already" in run("alerts", "hold", ended, "--reason", "disputed").stdout
    assert run("prune").stdout.endswith("0 incidents, 0 health checks and 0 failed requests removed\n")
    assert "kept no longer" in run("alerts", "unhold", ended).stdout
    assert run("prune").stdout.endswith("1 incident, 0 health checks and 0 failed requests removed\n")


def test_old_health_checks_go_but_those_that_tell_a_state_or_raised_an_alert(
    run: Run, ended: int, db_cursor: psycopg2.extensions.cursor
) -> None:
    db_cursor.execute(
        "INSERT INTO system_health (component, status, last_check, details, alert_sent)"
        " SELECT component, 'healthy', now() - age * interval '1 day', '{}', raised FROM (VALUES"
        " ('feed', 91, false), ('feed', 92, true), ('feed', 93, false), ('feed', 89, false), ('database', 400, false))"
        " AS checks (component, age, raised)"
    )
    assert ", 2 health checks and 0 failed requests would go" in run("prune", "--dry-run").stdout
    assert json.loads(run("prune", "--json").stdout)["health_checks"] == 2
    db_cursor.execute("SELECT component, (now()::date - last_check::date) FROM system_health ORDER BY last_check")
    assert db_cursor.fetchall() == [("database", 400), ("feed", 92), ("feed", 89)]


def test_old_failed_requests_go(run: Run, ended: int, db_cursor: psycopg2.extensions.cursor) -> None:
    db_cursor.execute(
        "INSERT INTO platforms (platform_id, platform_type, display_name) VALUES ('kalshi', 'trading', 'Kalshi');"
        "INSERT INTO api_failures (platform_id, request, error, created_at)"
        " SELECT 'kalshi', 'GET /markets', 'HTTP 503', now() - age * interval '1 day'"
        " FROM unnest('{89,91,92}'::int[]) AS age"
    )
    assert ", 0 health checks and 2 failed requests would go" in run("prune", "--dry-run").stdout
    assert json.loads(run("prune", "--json").stdout)["failed_requests"] == 2
    db_cursor.execute("SELECT now()::date - created_at::date FROM api_failures")
    assert db_cursor.fetchall() == [(89,)]


def test_a_hold_needs_a_reason_and_an_alert(run: Run, ended: int) -> None:
    assert run("alerts", "hold", ended, "--reason", " ").exit_code == 2
    assert run("alerts", "hold", 99, "--reason", "disputed").exit_code == 4


def test_counts_are_a_table_with_their_sum(run: Run, ended: int) -> None:
    assert "low       api_failures  feed            1     0           0" in run("alerts", "counts").stdout
    assert run("alerts", "counts").stdout.splitlines()[-1].startswith("1 alert since ")
    [counted] = json.loads(run("alerts", "counts", "--json").stdout)
    assert (counted["alerts"], counted["told"]) == (1, 0)
