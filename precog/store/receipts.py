"""What providers say of accepted messages, as PostgreSQL keeps it."""

from uuid import UUID

from precog.domain.alerts import Environment
from precog.domain.deliveries import Receipt
from precog.store.pool import default_pool, run


def record(delivery_id: UUID, environment: Environment, receipt: Receipt) -> bool:
    """Write down what the provider says. False where that is nothing new, or of no delivery of this environment."""
    with default_pool().transaction() as connection:
        concerned = connection.run(
            "deliveries.hold_alert",
            "receipts.record",
            delivery_id=str(delivery_id),
            environment=environment,
            provider_message_id=receipt.provider_message_id,
            receipt=receipt.state,
            receipt_code=receipt.error_code,
            receipt_error=receipt.error,
        )
        for alert_id in sorted({row["alert_id"] for row in concerned}):
            connection.run("alerts.summarise", alert_id=alert_id)
        return bool(concerned)


def message_of(delivery_id: UUID, environment: Environment) -> str | None:
    """The provider's name for a sent message; None when there is nothing to ask about any more."""
    rows = run("receipts.message_of", delivery_id=str(delivery_id), environment=environment)
    return rows[0]["provider_message_id"] if rows else None
