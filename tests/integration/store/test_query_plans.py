"""The statements that run for every alert, every delivery and every beat find their rows by the index made for them."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from typing import Any

import psycopg2
import psycopg2.extensions
import pytest

from precog.store.queries import prepared, shaped, sql

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor

# A year of alerts, of which few are open, and few of whose deliveries are on their way: so it looks in production.
_SEED = """
INSERT INTO alerts (alert_id, alert_uuid, alert_type, severity, component, message, fingerprint, request_hash, planned,
                    notify, incident_id, environment, triggered_at, resolved_at, resolved_by, resolution_action)
SELECT n, md5(n::text)::uuid, 'type_' || n % 20, (ARRAY['critical', 'high', 'medium', 'low'])[1 + n % 4],
       'component_' || n % 30, 'seeded', md5((n % 4000)::text), repeat(md5(n::text), 2), n % 1000 <> 1,
       n % 1000 <> 1, n, 'demo', now() - make_interval(mins => 525600 - n * 26),
       CASE WHEN n % 50 <> 0 THEN now() END, CASE WHEN n % 50 <> 0 THEN 'ann' END,
       CASE WHEN n % 50 <> 0 THEN 'fixed' END
FROM generate_series(1, 20000) AS n;
INSERT INTO alert_deliveries (delivery_id, alert_id, environment, channel, recipient, urgency, status, attempts,
                              finished_at, lease_until, leased_by, created_at)
SELECT md5(a.alert_id::text)::uuid, a.alert_id, 'demo', 'sms', '+1', public.alert_severity_rank(a.severity),
       s.status, 1, CASE WHEN s.status = 'sent' THEN now() END,
       CASE WHEN s.status = 'sending' THEN now() END, CASE WHEN s.status = 'sending' THEN 'host:1' END, a.triggered_at
FROM alerts AS a
CROSS JOIN LATERAL (SELECT CASE a.alert_id % 200 WHEN 0 THEN 'pending' WHEN 2 THEN 'sending' WHEN 3 THEN 'unknown'
                                                 WHEN 4 THEN 'held' ELSE 'sent' END AS status) AS s
WHERE a.notify;
ANALYZE alerts, alert_deliveries
"""

_LISTED = {
    "environment": "demo",
    "by_severity": False,
    "severity": None,
    "by_component": False,
    "component": None,
    "by_type": False,
    "alert_type": None,
    "duplicates": False,
    "only_open": False,
    "only_unacknowledged": False,
    "most": 100,
}
_OPEN = {**_LISTED, "only_open": True}
_SEVERITY = {"by_severity": True, "severity": "high"}
_COMPONENT = {"by_component": True, "component": "component_3"}
_TYPE = {"by_type": True, "alert_type": "type_3"}
_CLAIMED = {
    "claimed_id": "00000000-0000-0000-0000-000000000000",
    "delivery_id": "00000000-0000-0000-0000-000000000000",
    "environment": "demo",
    "channel": "sms",
    "worker": "host:1",
    "lease_seconds": 90.0,
    "max_ages": [60.0, 60.0, 60.0, 60.0],
}
_CALL = {
    "alert_uuid": "00000000-0000-4000-8000-000000000001",
    "alert_type": "rapid_loss",
    "severity": "high",
    "component": "risk_manager",
    "message": "Lost 200 dollars",
    "details": {},
    "fingerprint": "0" * 32,
    "band": 0,
    "environment": "demo",
    "tags": {},
    "request_hash": "0" * 64,
    "window_minutes": 60,
}
_LOGGED = {"calls": json.dumps([_CALL] * 8), "ring": True}
_FINISHED = {
    **_CLAIMED,
    "alert_id": 7,
    "attempt": 1,
    "status": "sent",
    "delay_seconds": None,
    "error": None,
    "error_code": None,
    "provider_message_id": None,
    "receipt": None,
}
_DUE = {"environment": "demo", "again_after_seconds": 30.0, "not_channels": [], "most": 100}


@pytest.fixture(scope="module")
def seeded(new_database: Callable[[], AbstractContextManager[str]]) -> Iterator[Cursor]:
    with new_database() as url, closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(_SEED)
            yield cursor


@pytest.mark.parametrize(
    ("statement", "parameters", "index"),
    [
        ("alerts.log", _LOGGED, "alerts_anchor_idx"),
        ("alerts.forecast", _CALL, "alerts_anchor_idx"),
        ("alerts.unplanned", {"environment": "demo", "most": 100}, "alerts_unplanned_idx"),
        ("counts.unacknowledged", {"environment": "demo", "severity": None}, "alerts_unacknowledged_idx"),
        ("alerts.stored", {"alert_uuids": [_CALL["alert_uuid"]] * 8}, "alerts_alert_uuid_key"),
        ("alerts.stored", {"alert_uuids": [_CALL["alert_uuid"]] * 8}, "alert_deliveries_target_key"),
        ("alerts.resolve", {"alert_id": 7, "by": "ann", "notes": None, "action": "fixed"}, "alerts_incident_idx"),
        ("deliveries.claim", _CLAIMED, "alert_deliveries_pkey"),
        ("deliveries.unanswered", _CLAIMED, "alert_deliveries_pkey"),
        ("deliveries.finish", _FINISHED, "alert_deliveries_pkey"),
        ("alerts.summarise", {"alert_id": 7}, "alert_deliveries_target_key"),
        ("deliveries.of_alert", {"alert_id": 7}, "alert_deliveries_target_key"),
        ("recovery.due", _DUE, "alert_deliveries_due_idx"),
        ("recovery.abandoned", {"environment": "demo", "most": 100}, "alert_deliveries_leased_idx"),
        ("recovery.unknown", _DUE, "alert_deliveries_waiting_idx"),
        ("recovery.expire", {"environment": "demo", "max_ages": [60.0] * 4, "most": 10}, "alert_deliveries_due_idx"),
        ("recovery.free_held", {"environment": "demo", "most": 10}, "alert_deliveries_waiting_idx"),
    ],
)
def test_a_hot_statement_uses_its_index(statement: str, parameters: dict[str, Any], index: str, seeded: Cursor) -> None:
    seeded.execute(f"EXPLAIN (FORMAT JSON) {sql(statement)}", parameters)
    [(plan,)] = seeded.fetchall()
    nodes = list(_nodes(plan[0]["Plan"]))

    assert index in {node.get("Index Name") for node in nodes}, json.dumps(plan, indent=1)
    read_whole = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
    assert not read_whole & {"alerts", "alert_deliveries"}


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (_LISTED, "alerts_severity_idx"),
        ({**_LISTED, **_SEVERITY}, "alerts_severity_idx"),
        ({**_LISTED, "duplicates": True}, "alerts_severity_idx"),
        ({**_LISTED, **_COMPONENT}, "alerts_component_idx"),
        ({**_LISTED, **_SEVERITY, **_COMPONENT}, "alerts_component_idx"),
        ({**_LISTED, **_TYPE}, "alerts_alert_type_idx"),
        ({**_LISTED, **_SEVERITY, **_TYPE}, "alerts_alert_type_idx"),
        (_OPEN, "alerts_open_idx"),
        ({**_OPEN, **_SEVERITY}, "alerts_open_idx"),
        ({**_OPEN, "duplicates": True}, "alerts_open_idx"),
        ({**_OPEN, **_COMPONENT}, "alerts_open_by_component_idx"),
        ({**_OPEN, **_SEVERITY, **_COMPONENT}, "alerts_open_by_component_idx"),
        ({**_OPEN, **_TYPE}, "alerts_open_by_type_idx"),
        ({**_OPEN, "only_unacknowledged": True}, "alerts_unacknowledged_idx"),
        ({**_OPEN, **_SEVERITY, "only_unacknowledged": True}, "alerts_unacknowledged_idx"),
        ({**_LISTED, "environment": "prod"}, "alerts_severity_idx"),
    ],
)
def test_the_one_plan_of_a_list_is_its_index_from_the_newest_on(
    asked: dict[str, Any], index: str, seeded: Cursor
) -> None:
    """Made without knowing whose list it is, as the pool has it made."""
    shape = tuple((name, value) for name, value in asked.items() if isinstance(value, int))
    batch = shaped("alerts.list", shape)
    [prepare] = batch.prepares.values()
    values = [asked[name] for name in batch.parameters]
    seeded.execute(f"DEALLOCATE ALL; {prepare}")
    seeded.execute(batch.execute.replace("EXECUTE", "EXPLAIN (FORMAT JSON) EXECUTE"), values)
    [(plan,)] = seeded.fetchall()
    nodes = list(_nodes(plan[0]["Plan"]))

    found = [node for node in nodes if node.get("Relation Name") == "alerts" and node["Alias"] != "d"]
    assert [node["Index Name"] for node in found] == [index, index], json.dumps(plan, indent=1)
    for node in found:
        assert "$" in node["Index Cond"], "a plan for any environment, and any component"
        assert "Filter" not in node, "nothing is read and left out"
    limited = [
        node for node in nodes if node["Node Type"] == "Limit" and any(inner in found for inner in node["Plans"])
    ]
    assert len(limited) == 2, "it stops after the newest"
    assert {node["Index Name"] for node in nodes if node.get("Alias") == "d"} == {"alerts_duplicate_of_idx"}


def test_a_claim_goes_by_its_key_on_tables_that_were_never_analysed(db_cursor: Cursor) -> None:
    """All that is due looks like one row to PostgreSQL then, and a claim would read all of it."""
    db_cursor.execute(f"EXPLAIN (FORMAT JSON) {sql('deliveries.claim')}", _CLAIMED)
    [(plan,)] = db_cursor.fetchall()
    used = [
        node.get("Index Name") for node in _nodes(plan[0]["Plan"]) if node.get("Relation Name") == "alert_deliveries"
    ]
    assert "alert_deliveries_due_idx" not in used
    assert "alert_deliveries_pkey" in used


_ONE_ALERT = ("alerts.log", "alerts.stored", "alerts.summarise", "deliveries.claim", "deliveries.finish")


@pytest.mark.parametrize("statement", _ONE_ALERT)
def test_the_one_plan_of_a_statement_about_one_alert_goes_by_index_on_tables_without_statistics(
    statement: str, db_cursor: Cursor
) -> None:
    """A plan that is made while there are few rows is kept until there are statistics."""
    assert _read_whole(statement, db_cursor) == set()


@pytest.mark.parametrize("statement", _ONE_ALERT)
def test_the_first_statistics_make_no_plan_that_reads_a_table_whole(statement: str, first_analysed: Cursor) -> None:
    assert _read_whole(statement, first_analysed) == set()


@pytest.fixture(scope="module")
def first_analysed(new_database: Callable[[], AbstractContextManager[str]]) -> Iterator[Cursor]:
    """As many alerts as there must be before PostgreSQL gathers statistics by itself."""
    with new_database() as url, closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT coalesce(max(option_value::int), 50) FROM pg_class, pg_options_to_table(reloptions)"
                " WHERE relname = 'alerts' AND option_name = 'autovacuum_analyze_threshold'"
            )
            [(rows,)] = cursor.fetchall()
            cursor.execute(_SEED.replace("20000", str(rows)))
            yield cursor


def _read_whole(statement: str, cursor: Cursor) -> set[str]:
    """Which of the large tables are read from end to end by the plan that the pool keeps of a statement."""
    batch = prepared(statement)
    [prepare] = batch.prepares.values()
    cursor.execute(f"DEALLOCATE ALL; SET plan_cache_mode = force_generic_plan; {prepare}")
    execute = batch.execute % (("NULL",) * len(batch.parameters))
    cursor.execute(f"EXPLAIN (FORMAT JSON) {execute}")
    [(plan,)] = cursor.fetchall()
    read = {node["Relation Name"] for node in _nodes(plan[0]["Plan"]) if node["Node Type"] == "Seq Scan"}
    return read & {"alerts", "alert_deliveries", "alert_delivery_attempts"}


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def test_what_the_worker_writes_down_is_in_no_index_of_alerts(seeded: Cursor) -> None:
    """So PostgreSQL updates the row in place of moving it in thirteen indexes (a HOT update)."""
    seeded.execute(
        "SELECT DISTINCT a.attname FROM pg_index i"
        " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)"
        " WHERE i.indrelid = 'alerts'::regclass AND a.attname LIKE 'notification%'"
    )
    assert seeded.fetchall() == []
