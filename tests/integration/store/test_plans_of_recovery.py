"""What recovery asks every second reads an index of the few rows that it is about, however many there are."""

import json
from typing import Any

import psycopg2.extensions
import pytest

from precog.store.queries import sql

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor
STRANDED: dict[str, Any] = {
    "environment": "demo",
    "severities": ["critical"],
    "channels": ["slack"],
    "recipients": ["slack"],
    "remote_channels": ["email", "sms", "slack", "webhook"],
    "deadlines": [None, None, 300.0, 60.0],
    "max_age_seconds": 21_600.0,
    "most": 200,
}
AWAITED: dict[str, Any] = {
    "environment": "demo",
    "ages": [5.0, 55.0],
    "max_age_seconds": 86_400.0,
    "not_channels": ["email"],
    "most": 50,
}


_ALERTS = """
    INSERT INTO alerts (alert_uuid, alert_type, severity, component, message, fingerprint, environment, planned,
                        request_hash, incident_id)
    SELECT gen_random_uuid(), 't', 'critical', 'c', 'm', md5(n::text), 'demo', true, repeat('0', 64), n
    FROM generate_series(1, 10000) AS n
"""
_DELIVERIES = """
    INSERT INTO alert_deliveries (delivery_id, alert_id, environment, channel, recipient, urgency, attempts,
                                  created_at, finished_at, status, error_code, receipt)
    SELECT gen_random_uuid(), a.alert_id, 'demo', 'sms', '+1', 4, 1, now() - interval '1 h', now() - interval '1 h',
           CASE a.alert_id % 500 WHEN 0 THEN 'failed' ELSE 'sent' END,
           CASE a.alert_id % 500 WHEN 0 THEN '550' END,
           CASE a.alert_id % 500 WHEN 0 THEN NULL WHEN 1 THEN 'queued' ELSE 'delivered' END
    FROM alerts AS a
"""


@pytest.fixture
def ten_thousand(db_cursor: Cursor) -> Cursor:
    """Critical SMS of the last day: all were delivered, but for twenty that failed and twenty without a receipt."""
    for statement in (_ALERTS, _DELIVERIES, "ANALYZE alerts, alert_deliveries"):
        db_cursor.execute(statement)
    return db_cursor


def _indexes_of(node: dict[str, Any]) -> set[str]:
    below = [_indexes_of(each) for each in node.get("Plans", [])]
    return {node.get("Index Name", ""), *(name for names in below for name in names)}


@pytest.mark.parametrize(
    ("statement", "parameters", "index"),
    [
        ("stand_ins.stranded", STRANDED, "alert_deliveries_stranded_idx"),
        ("stand_ins.cancel_needless", {"environment": "demo", "most": 200}, "alert_deliveries_stand_in_idx"),
        ("receipts.awaited", AWAITED, "alert_deliveries_receipt_idx"),
    ],
)
def test_an_index_answers_it(ten_thousand: Cursor, statement: str, parameters: dict[str, Any], index: str) -> None:
    ten_thousand.execute(f"EXPLAIN (FORMAT json) {sql(statement)}", parameters)
    [(plan,)] = ten_thousand.fetchall()
    assert index in _indexes_of(plan[0]["Plan"]), json.dumps(plan, indent=1)
