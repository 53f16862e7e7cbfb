"""The rules of a row of alerts, which a trigger holds under the names of constraints."""

from typing import Any

import psycopg2
import psycopg2.extensions
import pytest
from psycopg2.extras import Json

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor

_ROW: dict[str, Any] = {
    "alert_uuid": "00000000-0000-4000-8000-000000000001",
    "alert_type": "rapid_loss",
    "severity": "high",
    "component": "risk_manager",
    "message": "Lost 200 dollars",
    "fingerprint": "0123456789abcdef" * 2,
    "request_hash": "0123456789abcdef" * 4,
    "planned": True,
    "incident_id": 1,
    "environment": "demo",
}


def _insert(cursor: Cursor, **changes: Any) -> int:
    row = _ROW | changes
    columns, values = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    cursor.execute(f"INSERT INTO alerts ({columns}) VALUES ({values}) RETURNING alert_id", row)
    [(alert_id,)] = cursor.fetchall()
    return int(alert_id)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("severity", {"severity": "urgent"}),
        ("category", {"category": "weather"}),
        ("environment", {"environment": "staging"}),
        ("alert_type", {"alert_type": "  "}),
        ("component", {"component": ""}),
        ("message", {"message": " "}),
        ("details", {"details": Json([1])}),
        ("tags", {"tags": Json("a")}),
        ("channels", {"notification_channels": Json(None)}),
        ("fingerprint", {"fingerprint": "0123456789ABCDEF" * 2}),
        ("fingerprint", {"fingerprint": "0123456789abcdef"}),
        ("request_hash", {"request_hash": "x" * 64}),
        ("request_hash", {"request_hash": "0" * 63}),
        ("band", {"band": -1}),
        ("attempts", {"notification_attempts": -1}),
        ("source", {"source_id": "7"}),
        ("resolution_action", {"resolution_action": "won", "resolved_at": "now", "resolved_by": "ann"}),
        ("acknowledged", {"acknowledged_by": "ann"}),
        ("acknowledged", {"acknowledged_notes": "on it"}),
        ("resolved", {"resolved_at": "now", "resolved_by": "ann"}),
        ("resolved", {"resolved_at": "now", "resolution_action": "fixed"}),
        ("resolved", {"resolved_notes": "done"}),
        ("sent", {"notification_sent": True}),
        ("suppressed", {"suppressed": True}),
        ("plan", {"planned": False, "notify": True}),
        ("notify", {"notify": True, "suppressed": True, "duplicate_of": 1}),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused_by_its_name(name: str, changes: dict[str, Any], db_cursor: Cursor) -> None:
    with pytest.raises(psycopg2.errors.CheckViolation) as refused:
        _insert(db_cursor, **changes)

    assert refused.value.diag.constraint_name == f"alerts_{name}_check"
    assert refused.value.diag.table_name == "alerts"


def test_the_rules_hold_for_a_change_too(db_cursor: Cursor) -> None:
    alert_id = _insert(db_cursor)

    with pytest.raises(psycopg2.errors.CheckViolation, match="alerts_resolved_check"):
        db_cursor.execute("UPDATE alerts SET resolved_by = 'ann' WHERE alert_id = %s", [alert_id])


def test_a_row_that_breaks_none_is_stored(db_cursor: Cursor) -> None:
    assert _insert(db_cursor, category="risk", source_table="trades", source_id="7") > 0
