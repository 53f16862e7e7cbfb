"""A database that has run for a year: so many alerts, as a trading system would have raised them.

Four of ten alerts begin an incident and tell somebody, the others are duplicates. One of fifty came in a storm, where a
fingerprint repeats two hundred times. One incident in fifty was never ended. The newest quarter has its deliveries.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2
from psycopg2.extensions import connection

COMPONENTS = 40
TYPES_OF_EACH = 4

_STEP = 250_000
"""Rows of one INSERT: many small ones keep two sessions busy to the end."""

_SESSION = """
SET session_replication_role = replica;
SET synchronous_commit = off;
SET maintenance_work_mem = '1GB';
SET max_parallel_maintenance_workers = 2
"""
"""Without triggers and foreign keys: the rows below keep the rules, and `check_rules` asks for it."""

_ALERTS = """
INSERT INTO alerts (
    alert_id, alert_uuid, alert_type, severity, category, component, message, details, triggered_at,
    acknowledged_at, acknowledged_by, resolved_at, resolved_by, resolution_action,
    notification_sent, notification_sent_at, notification_channels, notification_attempts,
    fingerprint, planned, notify, suppressed, duplicate_of, incident_id, environment, request_hash)
SELECT n + 1, md5('alert ' || n)::uuid, 'component_' || fp %% {components} || '_fault_' || step %% {types},
       CASE WHEN step < 2 THEN 'critical' WHEN step < 10 THEN 'high' WHEN step < 40 THEN 'medium'
            ELSE 'low' END,
       'system', 'component_' || fp %% {components}, 'Lost 512.30 dollars in 15 minutes, the limit is 500.00',
       '{{"loss": "512.3000", "limit": "500.0000", "positions": 3, "market": "KXNFL-2026-11-23", "side": "yes",
         "prices": ["0.5100", "0.4900"], "window": {{"minutes": 15, "trades": 12}}}}', at,
       CASE WHEN ended OR anchor %% 2 = 0 THEN at + interval '1 minute' END,
       CASE WHEN ended OR anchor %% 2 = 0 THEN 'ann' END,
       CASE WHEN ended THEN at + interval '9 minutes' END, CASE WHEN ended THEN 'ann' END,
       CASE WHEN ended THEN 'fixed' END,
       told, CASE WHEN told THEN at + interval '1 second' END,
       CASE WHEN told THEN '{{"webhook": "sent"}}'::jsonb ELSE '{{}}' END, told::int,
       md5('fault ' || fp), true, told, NOT told, CASE WHEN NOT told THEN anchor + 1 END, anchor + 1, 'demo',
       md5('request ' || n) || md5(n::text)
FROM (SELECT known.*, fp / {components} %% 100 AS step
      FROM (SELECT numbered.*, n = anchor AS told, abs(hashint8(anchor)::bigint) %% %(fingerprints)s AS fp,
                   hashint8(anchor + 7)::bigint %% 50 <> 7 AND at < now() - interval '1 hour' AS ended
      FROM (SELECT n,
                   -- Of 20 alerts in a row the first 8 are anchors and the others repeat them; in a storm of 20,000
                   -- the first 100.
                   CASE WHEN n / 20000 %% 50 = 7 AND n %% 20000 >= 100 THEN n - n %% 20000 + n %% 100
                        WHEN n / 20000 %% 50 = 7 OR n %% 20 < 8 THEN n
                        ELSE n - n %% 20 + n %% 8 END AS anchor,
                   now() - interval '365 days' * ((%(rows)s - n)::float8 / %(rows)s) AS at
            FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n) AS numbered) AS known) AS made
"""

_DELIVERIES = """
INSERT INTO alert_deliveries (
    delivery_id, alert_id, environment, channel, recipient, urgency, status, attempts, next_attempt_at, created_at,
    finished_at, error_code)
SELECT md5('delivery ' || alert_id)::uuid, alert_id, 'demo', 'webhook', 'webhook', alert_severity_rank(severity),
       CASE WHEN alert_id %% 500 = 0 THEN 'failed' ELSE 'sent' END, 1, triggered_at, triggered_at,
       triggered_at + interval '1 second', CASE WHEN alert_id %% 500 = 0 THEN 'refused' END
FROM alerts WHERE notify AND alert_id > %(rows)s * 3 / 4
"""
_ATTEMPTS = """
INSERT INTO alert_delivery_attempts (
    delivery_id, attempt, environment, channel, started_at, finished_at, outcome, worker)
SELECT delivery_id, 1, 'demo', 'webhook', created_at, finished_at,
       CASE status WHEN 'sent' THEN 'accepted' ELSE 'refused' END, 'host:1'
FROM alert_deliveries
"""

_INDEXES = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
FROM pg_index AS i LEFT JOIN pg_constraint AS c ON c.conindid = i.indexrelid
WHERE i.indrelid = %s::regclass AND c.oid IS NULL
ORDER BY 1
"""

_BROKEN = """
SELECT count(*) FROM alerts AS a LEFT JOIN alerts AS anchor ON anchor.alert_id = a.incident_id
WHERE anchor.notify IS DISTINCT FROM true OR anchor.fingerprint <> a.fingerprint OR a.suppressed = a.notify
"""


def fingerprints(rows: int) -> int:
    """How many different troubles there are; each comes back again and again."""
    return max(4000, rows // 200)


def write(database_url: str, rows: int) -> None:
    """Fill an empty, migrated database; on a server that does not wait for its disk ten million rows take minutes."""
    with closing(_session(database_url)) as session:
        later = [*_drop_indexes(session, "alerts"), *_drop_indexes(session, "alert_deliveries")]
        known, firsts = {"rows": rows, "fingerprints": fingerprints(rows)}, range(0, rows, _STEP)
        _each_in_a_session(
            database_url, [(_ALERTS, {**known, "first": n, "last": min(n + _STEP, rows) - 1}) for n in firsts]
        )
        _each_in_a_session(database_url, [(index, {}) for index in later if " public.alerts " in index])
        _run(session, _DELIVERIES, rows=rows)
        _run(session, _ATTEMPTS)
        _each_in_a_session(database_url, [(index, {}) for index in later if " public.alert_deliveries " in index])
        _run(session, "SELECT setval('alerts_alert_id_seq', %(rows)s)", rows=rows)
        _run(session, "VACUUM (ANALYZE) alerts, alert_deliveries, alert_delivery_attempts")


def check_rules(database_url: str) -> None:
    """That each row is as the program would have left it, where triggers were off."""
    with closing(_session(database_url)) as session, session.cursor() as cursor:
        cursor.execute(_BROKEN)
        [(broken,)] = cursor.fetchall()
        if broken:
            raise RuntimeError(
                f"{broken} seeded alerts break the rules of incidents, so what is measured means nothing"
            )


def _session(database_url: str) -> connection:
    made = psycopg2.connect(database_url)
    made.autocommit = True
    _run(made, _SESSION)
    return made


def _run(session: connection, statement: str, **parameters: int) -> None:
    with session.cursor() as cursor:
        cursor.execute(
            statement.format(components=COMPONENTS, types=TYPES_OF_EACH) if "{" in statement else statement,
            parameters or None,
        )


def _drop_indexes(session: connection, table: str) -> list[str]:
    """All but those of constraints; what makes them again."""
    with session.cursor() as cursor:
        cursor.execute(_INDEXES, (table,))
        found = cursor.fetchall()
        for name, _ in found:
            cursor.execute(f"DROP INDEX {name}")
    return [definition for _, definition in found]


def _each_in_a_session(database_url: str, statements: list[tuple[str, dict[str, int]]]) -> None:
    def run(given: tuple[str, dict[str, int]]) -> None:
        with closing(_session(database_url)) as session:
            _run(session, given[0], **given[1])

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(run, statements))
