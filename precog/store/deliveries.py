"""Deliveries in PostgreSQL: added, left to recovery, and read back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from precog.domain.deliveries import DeliveryStatus, Doorbell
from precog.domain.records import AttemptRecord, DeliveryRecord
from precog.store.connection import Connection
from precog.store.pool import default_pool, run


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    status: DeliveryStatus
    error_code: str | None
    next_attempt_at: datetime


def exists(delivery_id: UUID) -> bool:
    return bool(run("deliveries.status_of", delivery_id=str(delivery_id)))


def standing(delivery_id: UUID) -> Standing:
    """Where a delivery that exists stands now."""
    row = run("deliveries.status_of", delivery_id=str(delivery_id))[0]
    return Standing(**{**row, "status": DeliveryStatus(row["status"])})


def of_alert(alert_id: int) -> list[DeliveryRecord]:
    return cast(list[DeliveryRecord], run("deliveries.of_alert", alert_id=alert_id))


def attempts_of_alert(alert_id: int) -> list[AttemptRecord]:
    """Every try of every delivery of the alert, in the order they began."""
    return cast(list[AttemptRecord], run("deliveries.attempts_of_alert", alert_id=alert_id))


UNRING_SECONDS = 1.0
"""What a caller, whose alert is stored, waits at most for this to be written down."""


def unring(doorbells: Sequence[Doorbell]) -> None:
    """The ring failed: leave these to recovery."""
    ids = [bell.delivery_id for bell in doorbells]
    default_pool().safely(
        lambda connection: connection.run("deliveries.unring", delivery_ids=ids), within=UNRING_SECONDS
    )


def add(alert_id: int, channel: str, recipient: str, *, inline: bool = False) -> UUID | None:
    """A delivery outside the routes. None when the alert has one to this recipient already."""
    with default_pool().transaction() as connection:
        return add_in(connection, alert_id, channel, recipient, inline=inline)


def add_in(
    connection: Connection,
    alert_id: int,
    channel: str,
    recipient: str,
    *,
    inline: bool = False,
    fallback_of: UUID | None = None,
) -> UUID | None:
    rows = connection.run(
        "deliveries.insert_one",
        alert_id=alert_id,
        channel=channel,
        recipient=recipient,
        inline=inline,
        fallback_of=str(fallback_of) if fallback_of else None,
    )
    if not rows:
        return None
    connection.run("alerts.summarise", alert_id=alert_id)
    return UUID(rows[0]["delivery_id"])
