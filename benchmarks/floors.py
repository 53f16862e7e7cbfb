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
"""
"""The same columns and keys, and nothing else: no index to find by, no rule, no trigger. A delivery names its alert."""

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

_PARAMETERS = ("uuid", "message", "details", "fingerprint", "request_hash", "channels")
_PREPARE_BOTH = "PREPARE floor_both (uuid, text, jsonb, text, text, text[]) AS " + _BOTH % {
    name: f"${number}" for number, name in enumerate(_PARAMETERS, 1)
}
_EXECUTE_BOTH = f"EXECUTE floor_both ({', '.join(f'%({name})s' for name in _PARAMETERS)})"


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


def bare_cte(database_url: str, *, planned_once: bool = True) -> Callable[[], object]:
    """An alert and four deliveries in one statement. psycopg2 by itself has it planned each time."""
    cursor = _connected(database_url).cursor()
    if planned_once:
        cursor.execute(_PREPARE_BOTH)
    statement = _EXECUTE_BOTH if planned_once else _BOTH

    def insert() -> object:
        cursor.execute(statement, _values())
        return cursor.fetchall()

    return insert


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
