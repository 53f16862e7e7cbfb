"""What cannot be beaten: raw psycopg2 on tables that only hold the rows, and Celery's own way of ringing."""

import hashlib
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg2
from celery import Celery

from benchmarks.alert import DETAILS, MESSAGE
from benchmarks.stage import CHANNELS
from precog import queue

TABLES = """
CREATE SCHEMA floor;
CREATE TABLE floor.alerts (
    LIKE public.alerts INCLUDING DEFAULTS INCLUDING IDENTITY, PRIMARY KEY (alert_id), UNIQUE (alert_uuid));
CREATE TABLE floor.deliveries (
    LIKE public.alert_deliveries INCLUDING DEFAULTS,
    PRIMARY KEY (delivery_id), FOREIGN KEY (alert_id) REFERENCES floor.alerts);
CREATE TABLE floor.repeated (LIKE floor.alerts INCLUDING ALL);
CREATE INDEX ON floor.repeated (fingerprint, environment, triggered_at DESC) WHERE notify;
"""
"""The same columns and keys, and nothing else: no index to find by, no rule, no trigger. A delivery names its alert.

Of what is repeated there is one index more, to find by what."""

_ALERT = """INSERT INTO floor.alerts (
    alert_uuid, alert_type, severity, category, component, message, details, fingerprint, planned, notify, incident_id,
    environment, request_hash, notification_channels)
VALUES (%(uuid)s, 'rapid_loss', 'critical', 'risk', 'risk_manager', %(message)s, %(details)s, %(fingerprint)s, true,
    true, 1, 'demo', %(request_hash)s,
    '{"email": "pending", "slack": "pending", "sms": "pending", "webhook": "pending"}')
RETURNING alert_id"""

_BOTH = """WITH stored AS (
    INSERT INTO floor.alerts (
        alert_uuid, alert_type, severity, category, component, message, details, fingerprint, planned, notify,
        incident_id, environment, request_hash, notification_channels)
    VALUES (%(uuid)s, 'rapid_loss', 'critical', 'risk', 'risk_manager', %(message)s, %(details)s, %(fingerprint)s, true,
        true, 1, 'demo', %(request_hash)s,
        '{"email": "pending", "slack": "pending", "sms": "pending", "webhook": "pending"}')
    RETURNING alert_id
)
INSERT INTO floor.deliveries (delivery_id, alert_id, environment, channel, recipient, urgency)
SELECT gen_random_uuid(), stored.alert_id, 'demo', channel, channel, 4
FROM stored, unnest(%(channels)s) AS channel
RETURNING delivery_id::text"""

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%(fingerprint)s, 0))"
_REPEATED = """INSERT INTO floor.repeated (
    alert_uuid, alert_type, severity, category, component, message, details, fingerprint, planned, incident_id,
    environment, request_hash, suppressed, duplicate_of)
SELECT %(uuid)s, 'rapid_loss', 'critical', 'risk', 'risk_manager', %(message)s, %(details)s, %(fingerprint)s, true,
       anchor.alert_id, 'demo', %(request_hash)s, true, anchor.alert_id
FROM (SELECT a.alert_id FROM floor.repeated AS a
      WHERE a.fingerprint = %(fingerprint)s AND a.environment = 'demo' AND a.notify
      ORDER BY a.triggered_at DESC LIMIT 1) AS anchor
RETURNING alert_id"""

_TYPES = {
    "uuid": "uuid",
    "message": "text",
    "details": "jsonb",
    "fingerprint": "text",
    "request_hash": "text",
    "channels": "text[]",
}


def make_tables(database_url: str) -> None:
    with _connected(database_url).cursor() as cursor:
        cursor.execute(TABLES)


def bare_insert(database_url: str) -> Callable[[], object]:
    """The floor: one alert, INSERT and COMMIT in one round trip, on a connection that is open."""
    cursor = _connected(database_url).cursor()

    def insert() -> object:
        cursor.execute(_ALERT, _values())
        return cursor.fetchone()

    return insert


def bare_duplicate(database_url: str) -> Callable[[], object]:
    """The least that stores a repeated alert and knows of what: lock, look and row, in one round trip, planned once."""
    cursor = _connected(database_url).cursor()
    same = {"fingerprint": _values()["fingerprint"]}
    cursor.execute(_ALERT.replace("floor.alerts", "floor.repeated"), _values() | same)
    statement = f"{_planned(cursor, 'lock', _LOCK)}; {_planned(cursor, 'repeated', _REPEATED)}"

    def insert() -> object:
        cursor.execute(statement, _values() | same)
        return cursor.fetchone()

    return insert


def bare_cte(database_url: str, *, planned_once: bool = True) -> Callable[[], object]:
    """An alert and four deliveries in one statement. psycopg2 by itself has it planned each time."""
    cursor = _connected(database_url).cursor()
    statement = _planned(cursor, "both", _BOTH) if planned_once else _BOTH

    def insert() -> object:
        cursor.execute(statement, _values())
        return cursor.fetchall()

    return insert


def _planned(cursor: Any, name: str, statement: str) -> str:
    """What executes the statement, with the same parameters, by a plan of this connection."""
    given = [parameter for parameter in _TYPES if f"%({parameter})s" in statement]
    numbered = statement % {parameter: f"${number}" for number, parameter in enumerate(given, 1)}
    cursor.execute(f"PREPARE floor_{name} ({', '.join(_TYPES[each] for each in given)}) AS {numbered}")
    return f"EXECUTE floor_{name} ({', '.join(f'%({each})s' for each in given)})"


def four_apply_async(redis_url: str) -> Callable[[], object]:
    """Celery's own publisher, as any program uses it, into queues of the same names."""
    app = Celery("floor", broker=redis_url, set_as_current=False)
    app.conf.update(
        broker_transport_options={"global_keyprefix": "floor:"}, task_queues=queue.queues(), task_ignore_result=True
    )

    def ring() -> None:
        for channel in CHANNELS:
            app.send_task(queue.task_name(channel), args=(str(uuid4()),), queue=queue.queue_name(channel))

    return ring


def _connected(database_url: str) -> Any:
    connection = psycopg2.connect(database_url)
    connection.autocommit = True
    return connection


def _values() -> dict[str, object]:
    uuid = str(uuid4())
    return {
        "uuid": uuid,
        "message": MESSAGE,
        "details": json.dumps(DETAILS),
        "fingerprint": hashlib.md5(uuid.encode(), usedforsecurity=False).hexdigest(),
        "request_hash": hashlib.sha256(uuid.encode()).hexdigest(),
        "channels": list(CHANNELS),
    }
