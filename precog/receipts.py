"""What providers say of messages that they had accepted: asked for, or brought to us, and written down."""

import logging
from uuid import UUID

from precog.courier import Courier
from precog.domain.alerts import Environment
from precog.domain.deliveries import Receipt, ReceiptState
from precog.errors import ChannelMisconfigured, SendFailure
from precog.pauses import pause
from precog.store import receipts

log = logging.getLogger("precog.receipts")


def ask(courier: Courier, channel: str, delivery_id: UUID) -> Receipt | None:
    """Ask the provider what became of a sent message. None when that is known by now, or it cannot be asked."""
    report = getattr(courier.channels.get(channel), "receipt", None)
    message_id = receipts.message_of(delivery_id, courier.environment)
    if report is None or message_id is None:
        return None
    try:
        receipt: Receipt = report(message_id)
    except SendFailure as failure:
        log.warning("the provider cannot be asked for a receipt", extra=_about(channel, delivery_id, failure.code))
        return None
    take(courier.environment, channel, delivery_id, receipt)
    return receipt


def take(environment: Environment, channel: str, delivery_id: UUID, receipt: Receipt) -> bool:
    """Write down what the provider says; recovery sees to another way where that is needed. False where it is no news.

    Reports may come twice and in any order.
    """
    if not receipts.record(delivery_id, environment, receipt):
        log.debug("a receipt brought nothing new", extra=_about(channel, delivery_id, receipt.error_code))
        return False
    if receipt.state is ReceiptState.UNDELIVERED:
        log.warning(
            "an accepted message was not delivered",
            extra=_about(channel, delivery_id, receipt.error_code) | {"error": receipt.error},
        )
    if receipt.misconfigured:
        reason = f"accepted, then not delivered: {receipt.error}"
        pause(environment, channel, ChannelMisconfigured(reason, code=receipt.error_code or "undelivered"))
    return True


def _about(channel: str, delivery_id: UUID, code: str | None) -> dict[str, object]:
    return {"channel": channel, "delivery_id": str(delivery_id), "error_code": code}
