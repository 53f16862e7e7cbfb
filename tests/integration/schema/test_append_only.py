"""Trades, settlements, exits, exit attempts and breaker events: what happened stays written."""

from collections.abc import Callable
from typing import Any

import pytest
from psycopg2 import errors

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]

ROWS = {
    "trades": "INSERT INTO trades (market_id, platform_id, method_id, side, price, quantity)"
    " VALUES ('KC-WINS', 'kalshi', 1, 'buy', 0.5, 10)",
    "settlements": "INSERT INTO settlements (market_id, platform_id, outcome, payout)"
    " VALUES ('KC-WINS', 'kalshi', 'yes', 10)",
    "position_exits": "INSERT INTO position_exits (position_id, exit_condition, exit_priority, quantity_exited,"
    " exit_price) VALUES (7, 'profit_target', 'LOW', 10, 0.7)",
    "exit_attempts": "INSERT INTO exit_attempts (position_id, exit_condition, priority_level, order_type, quantity,"
    " attempt_number, success) VALUES (7, 'stop_loss', 'CRITICAL', 'market', 10, 1, false)",
    "circuit_breaker_events": "INSERT INTO circuit_breaker_events (breaker_type, trigger_value)"
    " VALUES ('rapid_loss', '{\"loss\": \"210.00\"}')",
}
CHANGES = [
    ("trades", "price = 0.4"),
    ("trades", "fees = 1"),
    ("trades", "created_at = now()"),
    ("trades", "method_id = null"),
    ("trades", "is_paper = true"),
    ("settlements", "outcome = 'no'"),
    ("position_exits", "exit_price = 0.8"),
    ("exit_attempts", "success = true"),
    ("exit_attempts", "fill_price = 0.5"),
    ("circuit_breaker_events", "trigger_value = '{}'"),
    ("circuit_breaker_events", "breaker_type = 'data_stale'"),
]


@pytest.fixture(autouse=True)
def ground(market: str, method: int, run: Run) -> None:
    run(
        "INSERT INTO positions (position_id, market_id, platform_id, side, entry_price, quantity)"
        " VALUES (7, 'KC-WINS', 'kalshi', 'yes', 0.5, 10)"
    )


@pytest.mark.parametrize(("table", "change"), CHANGES)
def test_what_was_written_does_not_change(table: str, change: str, run: Run) -> None:
    run(ROWS[table])

    with pytest.raises(errors.RestrictViolation, match=f"{table} is append-only") as refusal:
        run(f"UPDATE {table} SET {change}")
    assert refusal.value.diag.constraint_name == f"{table}_rows_are_final_trg"


@pytest.mark.parametrize("table", ROWS)
def test_rows_leave_only_by_a_delete_of_the_retention(table: str, run: Run) -> None:
    run(ROWS[table])

    with pytest.raises(errors.RestrictViolation, match=r"SET LOCAL precog\.retention = 'on'"):
        run(f"DELETE FROM {table}")
    for guarded in (f"TRUNCATE {table}", f"BEGIN; SET LOCAL precog.retention = 'on'; TRUNCATE {table}"):
        with pytest.raises(errors.RestrictViolation, match="TRUNCATE is refused"):
            run(guarded)
    run("ROLLBACK")

    run(f"BEGIN; SET LOCAL precog.retention = 'on'; DELETE FROM {table}; COMMIT")
    assert run(f"SELECT * FROM {table}") == []


def test_retention_ends_with_its_transaction(run: Run) -> None:
    run("BEGIN; SET LOCAL precog.retention = 'on'; COMMIT")

    with pytest.raises(errors.RestrictViolation):
        run("DELETE FROM trades")


def test_a_breaker_event_is_resolved_once(run: Run) -> None:
    run(ROWS["circuit_breaker_events"])

    run("UPDATE circuit_breaker_events SET resolved_at = clock_timestamp(), resolution_action = 'limit raised'")
    run("UPDATE circuit_breaker_events SET notes = 'after the call with the desk'")

    for column in (
        "resolved_at = clock_timestamp()",
        "resolution_action = 'none'",
        "notes = null",
        "resolved_at = null",
    ):
        with pytest.raises(
            errors.RestrictViolation, match=r"May be filled once: resolved_at, resolution_action, notes\."
        ):
            run(f"UPDATE circuit_breaker_events SET {column}")


def test_a_breaker_event_has_no_action_before_it_is_resolved(run: Run) -> None:
    run(ROWS["circuit_breaker_events"])

    with pytest.raises(errors.CheckViolation, match="circuit_breaker_events_resolution_action_check"):
        run("UPDATE circuit_breaker_events SET resolution_action = 'waited'")
