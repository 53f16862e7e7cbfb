"""Alerts whose deliveries are due, written by the set: as so many calls leave them while no worker runs."""

from collections.abc import Sequence
from contextlib import closing
from uuid import UUID

import psycopg2

from precog import queue
from precog.domain.deliveries import Doorbell

_WRITE = """
WITH made AS (
    INSERT INTO alerts (alert_uuid, alert_type, severity, category, component, message, details, fingerprint, planned,
                        notify, incident_id, alert_id, environment, request_hash, notification_channels)
    SELECT gen_random_uuid(), 'rapid_loss', 'high', 'risk', 'backlog',
           'Lost 512.30 dollars in 15 minutes, the limit is 500.00', '{"loss": "512.3000", "limit": "500.0000"}',
           md5('backlog ' || next.id), true, true, next.id, next.id, 'demo', repeat(md5(next.id::text), 2),
           '{"webhook": "pending"}'
    FROM (SELECT nextval('alerts_alert_id_seq') AS id FROM generate_series(1, %(count)s)) AS next
    RETURNING alert_id, alert_uuid
)
INSERT INTO alert_deliveries (delivery_id, alert_id, environment, channel, recipient, urgency, rung_at)
SELECT md5(made.alert_uuid || E'\\x1fwebhook\\x1fwebhook')::uuid, made.alert_id, 'demo', 'webhook', 'webhook', 3, now()
FROM made
RETURNING delivery_id::text
"""


def write(database_url: str, count: int) -> list[UUID]:
    """One webhook delivery each. Not rung yet, but marked so: recovery leaves them alone for half a minute."""
    with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(_WRITE, {"count": count})
        return [UUID(delivery_id) for (delivery_id,) in cursor.fetchall()]


def analyze(database_url: str) -> None:
    """As autovacuum would by and by."""
    with closing(psycopg2.connect(database_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) alerts, alert_deliveries, alert_delivery_attempts")


def ring(delivery_ids: Sequence[UUID]) -> None:
    for first in range(0, len(delivery_ids), 1000):
        bells = [Doorbell(delivery_id=str(each), channel="webhook") for each in delivery_ids[first : first + 1000]]
        if not queue.ring(bells):
            raise RuntimeError("the ring failed, so nothing would be delivered")
