"""On a bad day a fifth of all deliveries wait. What recovery asks each second reads those and not what is done.

A limit is what makes a plan bad then: PostgreSQL expects to meet enough rows soon, and reads the whole table for those
that are never there. So the proportions are those of a hundred thousand that wait, two hundred of them at a time.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from typing import Any

import psycopg2
import psycopg2.extensions
import pytest

from precog.store.queries import all_statements, sql

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor
WAITING, DONE = 4_000, 16_000

# What is done is of the last thirty days, and half of it failed. Nothing that waits is too old, in a digest, a needless
# stand-in, abandoned, or of the channel that is paused: each statement looks for what is not there.
_SEED = f"""
INSERT INTO alerts (alert_id, alert_uuid, alert_type, severity, component, message, fingerprint, request_hash, planned,
                    notify, incident_id, environment, triggered_at)
SELECT n, md5(n::text)::uuid, 'type_' || n % 20, (ARRAY['critical', 'high', 'medium', 'low'])[1 + n % 4],
       'component_' || n % 30, 'seeded', md5((n % 4000)::text), repeat(md5(n::text), 2), true,
       true, n, 'demo',
       now() - CASE WHEN n <= {DONE} THEN interval '30 days' * ({DONE} - n) / {DONE} ELSE interval '0' END
FROM generate_series(1, {DONE + WAITING}) AS n;
INSERT INTO alert_deliveries (delivery_id, alert_id, environment, channel, recipient, urgency, status, attempts,
                              created_at, next_attempt_at, rung_at, finished_at, lease_until, leased_by, error_code,
                              receipt)
SELECT md5(a.alert_id::text)::uuid, a.alert_id, 'demo',
       CASE WHEN a.alert_id <= {DONE} OR a.alert_id % 3 = 0 THEN 'sms' ELSE 'webhook' END, 'x',
       public.alert_severity_rank(a.severity), s.status, (s.status NOT IN ('pending', 'held'))::int,
       a.triggered_at, a.triggered_at,
       CASE s.status WHEN 'pending' THEN now() END,
       CASE WHEN s.status IN ('sent', 'failed') THEN a.triggered_at END,
       CASE s.status WHEN 'sending' THEN now() + interval '90 s' END,
       CASE s.status WHEN 'sending' THEN 'host:1' END,
       CASE s.status WHEN 'held' THEN 'over_limit' WHEN 'failed' THEN '550' END,
       CASE s.status WHEN 'sent' THEN 'queued' END
FROM alerts AS a
CROSS JOIN LATERAL (
    SELECT CASE WHEN a.alert_id <= {DONE} THEN (ARRAY['failed', 'sent'])[1 + a.alert_id / 4 % 2]
                ELSE (ARRAY['pending', 'pending', 'pending', 'held', 'unknown', 'sending'])[1 + a.alert_id % 6]
           END AS status) AS s;
INSERT INTO alert_delivery_attempts (delivery_id, attempt, environment, channel, worker, started_at, finished_at,
                                     outcome)
SELECT d.delivery_id, 1, 'demo', d.channel, 'host:1', d.created_at, d.finished_at,
       CASE d.status WHEN 'sent' THEN 'accepted' WHEN 'failed' THEN 'refused' END
FROM alert_deliveries AS d
WHERE d.attempts = 1;
INSERT INTO channel_pauses (environment, channel, error_code, reason) VALUES ('demo', 'slack', '403', 'refused');
ANALYZE
"""

_DEMO = {"environment": "demo"}
_MOST = {**_DEMO, "most": 10}
_LEASED = {"delivery_id": "00000000-0000-0000-0000-000000000000", "attempt": 1, "delay_seconds": None}
_ENDED = {"status": "pending", "error": None, "error_code": None}
_AGAIN = {**_MOST, "again_after_seconds": 30.0, "not_channels": []}
_STRANDED = {
    "severities": ["critical"],
    "channels": ["slack"],
    "recipients": ["slack"],
    "remote_channels": ["email", "sms", "slack", "webhook"],
    "deadlines": [None, None, 300.0, 60.0],
    "max_age_seconds": 21_600.0,
}
BEAT: dict[str, dict[str, Any]] = {
    "alerts.unplanned": _MOST,
    "recovery.due": _AGAIN,
    "recovery.abandoned": _MOST,
    "recovery.take_over": {**_LEASED, **_ENDED},
    "recovery.expire": {**_MOST, "max_ages": [86_400.0] * 4},
    "recovery.hold_paused": _MOST,
    "recovery.settle_folded": _MOST,
    "recovery.fold_held": _DEMO,
    "recovery.free_held": _MOST,
    "recovery.unknown": _AGAIN,
    "stand_ins.stranded": {**_MOST, **_STRANDED},
    "stand_ins.cancel_needless": _MOST,
    "receipts.awaited": {**_MOST, "ages": [5.0, 55.0], "max_age_seconds": 86_400.0, "not_channels": ["email"]},
    "limits.sms_used": _DEMO,
    "channels.paused": _DEMO,
    "standing.figures": _DEMO,
    "standing.beat": {**_DEMO, "worker": "host:1"},
    "standing.take_ping": {**_DEMO, "interval_seconds": 60.0},
}


@pytest.fixture(scope="module")
def bad_day(new_database: Callable[[], AbstractContextManager[str]]) -> Iterator[Cursor]:
    with new_database() as url, closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(_SEED)
        connection.commit()
        yield cursor


@pytest.mark.parametrize("statement", BEAT)
def test_a_beat_reads_no_more_than_what_waits(statement: str, bad_day: Cursor) -> None:
    bad_day.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql(statement)}", BEAT[statement])
    [(plan,)] = bad_day.fetchall()
    bad_day.connection.rollback()
    read = max((_rows_read(node) for node in _nodes(plan[0]["Plan"])), default=0)
    assert read <= WAITING, json.dumps(plan, indent=1)


def test_no_statement_of_recovery_is_left_out() -> None:
    of_recovery = {name for name in all_statements() if name.partition(".")[0] in {"recovery", "stand_ins", "standing"}}
    assert of_recovery <= BEAT.keys()


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """But for a hash of the alerts: of so few PostgreSQL makes one, where it looks up those of a large table."""
    yield plan
    for inner in plan.get("Plans", ()):
        if not (plan["Node Type"] == "Hash" and inner.get("Relation Name") == "alerts"):
            yield from _nodes(inner)


def _rows_read(node: dict[str, Any]) -> float:
    """Of a node that looks into a table or an index, those included that it left out afterwards."""
    if not node["Node Type"].endswith("Scan"):
        return 0
    left_out = sum(count for what, count in node.items() if what.startswith("Rows Removed"))
    return float(node["Actual Loops"] * (node["Actual Rows"] + left_out))
