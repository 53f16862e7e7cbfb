"""The rules of deliveries and their tries hold for whoever writes them, each under its name."""

import re
from typing import Any
from uuid import uuid4

import psycopg2.errors
import psycopg2.extensions
import pytest

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor


@pytest.fixture
def alert_id(db_cursor: Cursor) -> int:
    db_cursor.execute(
        "INSERT INTO alerts (alert_uuid, alert_type, severity, component, message, fingerprint, request_hash, planned,"
        " incident_id, environment) VALUES (%s, 'api_failures', 'high', 'kalshi_api', 'boom', %s, %s, true, 1, 'demo')"
        " RETURNING alert_id",
        [str(uuid4()), "0" * 32, "0" * 64],
    )
    [(alert_id,)] = db_cursor.fetchall()
    return int(alert_id)


def _insert(cursor: Cursor, alert_id: int, **changes: Any) -> str:
    row: dict[str, Any] = {
        "delivery_id": str(uuid4()),
        "alert_id": alert_id,
        "environment": "demo",
        "channel": "email",
        "recipient": "ann@example.com",
        "urgency": 3,
    } | changes
    columns, values = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    cursor.execute(f"INSERT INTO alert_deliveries ({columns}) VALUES ({values})", row)
    return str(row["delivery_id"])


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("environment", {"environment": "staging"}),
        ("status", {"status": "lost"}),
        ("urgency", {"urgency": 0}),
        ("urgency", {"urgency": 5}),
        ("attempts", {"attempts": -1}),
        ("lease", {"lease_until": "now", "leased_by": "host:1"}),
        ("lease", {"leased_by": "host:1"}),
        ("lease", {"status": "sending", "attempts": 1}),
        ("lease", {"status": "sending", "attempts": 1, "lease_until": "now"}),
        ("finished", {"status": "sent"}),
        ("finished", {"finished_at": "now"}),
        ("attempted", {"status": "unknown"}),
        ("attempted", {"status": "sending", "lease_until": "now", "leased_by": "host:1"}),
        ("failed", {"status": "failed", "finished_at": "now"}),
        ("folded", {"folded_into": str(uuid4())}),
        ("receipt", {"receipt": "lost"}),
        ("receipt_at", {"receipt_at": "now"}),
        ("receipt_error", {"receipt_code": "30008"}),
        ("receipt_error", {"receipt": "queued", "receipt_error": "no reason"}),
        ("receipt_looks", {"receipt_looks": -1}),
        ("requeued", {"requeued_by": "ann"}),
        ("requeued_after", {"requeued_after": 1}),
        ("requeued_after", {"requeued_after": -1}),
    ],
)
def test_a_row_that_breaks_a_rule_is_refused_by_its_name(
    name: str, changes: dict[str, Any], alert_id: int, db_cursor: Cursor
) -> None:
    with pytest.raises(psycopg2.errors.CheckViolation) as refused:
        _insert(db_cursor, alert_id, **changes)

    assert refused.value.diag.constraint_name == f"alert_deliveries_{name}_check"
    assert refused.value.diag.table_name == "alert_deliveries"


def test_the_rules_hold_for_a_change_too(alert_id: int, db_cursor: Cursor) -> None:
    delivery_id = _insert(db_cursor, alert_id)

    with pytest.raises(psycopg2.errors.CheckViolation, match="alert_deliveries_requeued_check"):
        db_cursor.execute("UPDATE alert_deliveries SET requeued_by = 'ann' WHERE delivery_id = %s", [delivery_id])


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("attempt", {"attempt": 0}),
        ("outcome", {"outcome": "lost", "finished_at": "now"}),
        ("finished", {"outcome": "accepted"}),
        ("finished", {"finished_at": "now"}),
    ],
)
def test_a_try_that_breaks_a_rule_is_refused_by_its_name(
    name: str, changes: dict[str, Any], alert_id: int, db_cursor: Cursor
) -> None:
    delivery_id = _insert(db_cursor, alert_id)

    with pytest.raises(psycopg2.errors.CheckViolation) as refused:
        _try(db_cursor, delivery_id, **changes)

    assert refused.value.diag.constraint_name == f"alert_delivery_attempts_{name}_check"
    assert refused.value.diag.table_name == "alert_delivery_attempts"


def test_the_rules_of_a_try_hold_for_a_change_too(alert_id: int, db_cursor: Cursor) -> None:
    _try(db_cursor, _insert(db_cursor, alert_id))

    with pytest.raises(psycopg2.errors.CheckViolation, match="alert_delivery_attempts_finished_check"):
        db_cursor.execute("UPDATE alert_delivery_attempts SET outcome = 'accepted'")


@pytest.mark.parametrize(
    "change", ["attempt = 2", "environment = 'prod'", "channel = 'sms'", "started_at = 'epoch'", "worker = 'me'"]
)
def test_a_try_keeps_who_made_it_and_when(change: str, alert_id: int, db_cursor: Cursor) -> None:
    _try(db_cursor, _insert(db_cursor, alert_id))

    with pytest.raises(psycopg2.errors.RestrictViolation):
        db_cursor.execute(f"UPDATE alert_delivery_attempts SET {change}")


@pytest.mark.parametrize(
    "change", ["channel = 'sms'", "recipient = 'bob@example.com'", "urgency = 4", "created_at = 'epoch'"]
)
def test_a_delivery_keeps_where_it_goes(change: str, alert_id: int, db_cursor: Cursor) -> None:
    _insert(db_cursor, alert_id)

    with pytest.raises(psycopg2.errors.RestrictViolation, match="keeps its alert, channel and recipient"):
        db_cursor.execute(f"UPDATE alert_deliveries SET {change}")


def test_a_trigger_for_some_columns_is_for_all_that_its_condition_reads(db_cursor: Cursor) -> None:
    db_cursor.execute(
        "SELECT t.tgname, pg_get_triggerdef(t.oid),"
        " array(SELECT a.attname::text FROM pg_attribute AS a"
        " WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr))"
        " FROM pg_trigger AS t WHERE cardinality(t.tgattr::int2[]) > 0 AND t.tgqual IS NOT NULL"
    )
    found = {name: (set(re.findall(r"\b(?:old|new)\.(\w+)", text)), set(columns)) for name, text, columns in db_cursor}

    assert {"alerts_append_only_trg", "alert_deliveries_target_trg"} <= found.keys()
    assert {name: read - listed for name, (read, listed) in found.items() if read - listed} == {}


def _try(cursor: Cursor, delivery_id: str, **changes: Any) -> None:
    row: dict[str, Any] = {
        "delivery_id": delivery_id,
        "attempt": 1,
        "environment": "demo",
        "channel": "email",
        "worker": "host:1",
    } | changes
    columns, values = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    cursor.execute(f"INSERT INTO alert_delivery_attempts ({columns}) VALUES ({values})", row)
