"""Deliveries as a person looks for them, and asks for those that failed again."""

from typing import cast
from uuid import UUID

from precog.domain.alerts import Environment
from precog.domain.deliveries import DeliveryStatus, ReceiptState
from precog.domain.records import DeliveryOfAlert
from precog.errors import UnknownDelivery
from precog.store.pool import default_pool, run


def newest(
    environment: Environment,
    *,
    statuses: tuple[DeliveryStatus, ...] | None = None,
    receipt: ReceiptState | None = None,
    channel: str | None = None,
    most: int = 100,
) -> list[DeliveryOfAlert]:
    """Those that ended or were planned last first; of every status and receipt where none is named."""
    rows = run(
        "dead_letters.list",
        environment=environment,
        statuses=[each.value for each in statuses] if statuses is not None else None,
        receipt=receipt,
        channel=channel,
        most=most,
    )
    return cast(list[DeliveryOfAlert], rows)


def named(beginning: str, environment: Environment) -> tuple[UUID, int]:
    """The delivery whose id begins like this, and its alert's id. Raises UnknownDelivery, also where several do."""
    digits = beginning.replace("-", "").lower()
    if not digits or len(digits) > 32 or not set(digits) <= set("0123456789abcdef"):
        raise UnknownDelivery(beginning, environment)
    rows = run(
        "dead_letters.named",
        environment=environment,
        lowest=str(UUID(digits.ljust(32, "0"))),
        highest=str(UUID(digits.ljust(32, "f"))),
    )
    if len(rows) != 1:
        raise UnknownDelivery(beginning, environment, several=bool(rows))
    return UUID(rows[0]["delivery_id"]), rows[0]["alert_id"]


def failed_lately(environment: Environment, *, within_seconds: float, channel: str | None = None) -> list[UUID]:
    """What may be asked for again together, most urgent first: what failed of open alerts."""
    rows = run("dead_letters.failed_lately", environment=environment, within_seconds=within_seconds, channel=channel)
    return [UUID(row["delivery_id"]) for row in rows]


def requeue(delivery_id: UUID, *, by: str) -> bool:
    """Make a failed delivery due again, its age and tries counted anew.

    False where it has not failed, or its alert is resolved.
    """
    with default_pool().transaction() as connection:
        requeued = connection.run("deliveries.hold_alert", "dead_letters.requeue", delivery_id=str(delivery_id), by=by)
        for row in requeued:
            connection.run("alerts.summarise", alert_id=row["alert_id"])
        return bool(requeued)
