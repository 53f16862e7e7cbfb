"""The same job as it is usually written first: a connection a call, `delay` a channel, `requests.post`, no retry.

It is here to be compared with, and is its own Celery app: `celery -A benchmarks.naive worker`.
"""

import json
import os
from contextlib import closing

import psycopg2
import requests
from celery import Celery

from benchmarks.alert import DETAILS, MESSAGE
from benchmarks.stage import CHANNELS

app = Celery("naive", set_as_current=False)
app.add_defaults(
    lambda: {
        "broker_url": os.environ["REDIS_URL"],
        "broker_transport_options": {"global_keyprefix": "naive:"},
        "task_ignore_result": True,
        "task_default_queue": "naive",
    }
)

TABLE = """CREATE TABLE naive_alerts (id serial PRIMARY KEY, type text, severity text, component text, message text,
    details jsonb, created_at timestamptz DEFAULT now(), sent_at timestamptz)"""


def make_table(database_url: str) -> None:
    with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(TABLE)


def log(channels: tuple[str, ...] = CHANNELS) -> int:
    with (
        closing(psycopg2.connect(os.environ["DATABASE_URL"])) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO naive_alerts (type, severity, component, message, details) VALUES (%s, %s, %s, %s, %s)"
            " RETURNING id",
            ("rapid_loss", "critical", "risk_manager", MESSAGE, json.dumps(DETAILS)),
        )
        [(alert_id,)] = cursor.fetchall()
    for channel in channels:
        send.delay(alert_id, channel)
    return int(alert_id)


@app.task(name="naive.send")
def send(alert_id: int, channel: str) -> None:
    with (
        closing(psycopg2.connect(os.environ["DATABASE_URL"])) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT message, details FROM naive_alerts WHERE id = %s", (alert_id,))
        [(message, details)] = cursor.fetchall()
        requests.post(
            os.environ["CUSTOM_WEBHOOK_URL"],
            json={"id": alert_id, "channel": channel, "message": message, "details": details},
            timeout=10,
        )
        cursor.execute("UPDATE naive_alerts SET sent_at = now() WHERE id = %s", (alert_id,))


@app.task(name="naive.nothing")
def nothing(delivery_id: str) -> None:
    """The floor of a worker: a message taken, nothing done."""
