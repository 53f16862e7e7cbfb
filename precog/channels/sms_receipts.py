"""What Twilio says of an SMS that it had accepted, when it is asked (`GET Messages/{sid}`) and when it calls back."""

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from precog.domain.deliveries import Receipt, ReceiptState
from precog.domain.redact import short_reason

CALLBACK_PATH = "/twilio/status/"
"""Below the public URL; the delivery's id follows."""

_FINAL: Mapping[str, ReceiptState] = MappingProxyType(
    {
        "delivered": ReceiptState.DELIVERED,
        "read": ReceiptState.DELIVERED,
        "failed": ReceiptState.UNDELIVERED,
        "undelivered": ReceiptState.UNDELIVERED,
        "canceled": ReceiptState.UNDELIVERED,
    }
)
"""Twilio's states that are final; every other one is on its way."""

BROKEN: Mapping[int, str] = MappingProxyType(
    {
        30002: "the account is suspended",
        30032: "the toll-free number is not verified",
        30034: "the sending number is not registered for A2P 10DLC",
    }
)
"""No SMS will be delivered until a person mends the account."""
NOT_DELIVERED: Mapping[int, str] = MappingProxyType(
    {
        30001: "Twilio's queue was full",
        30003: "the phone is off or out of reach",
        30004: "the recipient or the carrier blocks these messages",
        30005: "the number does not exist, or is not in use",
        30006: "a landline, or a carrier that cannot be reached",
        30007: "filtered by the carrier or by Twilio",
        30008: "the carrier gave no reason",
        30017: "the carrier's network is congested",
        30022: "more than the carrier lets through in a second",
        30024: "the sending number is not set up at the carrier",
        30036: "not delivered within its validity period",
        30410: "the carrier did not answer in time",
        63017: "sent faster than the channel lets through",
    }
)
"""In words for a person. https://www.twilio.com/docs/api/errors explains each code."""


def callback_url(public_url: str, delivery_id: UUID) -> str:
    """Where Twilio reports on one delivery. It signs this URL, so both sides must write it alike."""
    return f"{public_url}{CALLBACK_PATH}{delivery_id}"


def receipt(sid: str, status: str | None, code: object = None, words: str | None = None) -> Receipt:
    """What one report comes to. `code` and `words`: Twilio's reason, of which the table may know better words."""
    state = _FINAL.get(status or "", ReceiptState.QUEUED)
    if state is not ReceiptState.UNDELIVERED:
        return Receipt(provider_message_id=sid, state=state, detail=status or "accepted")
    number = _number(code)
    reason = BROKEN.get(number) or NOT_DELIVERED.get(number) or short_reason(words or f"Twilio reports {status}")
    return Receipt(
        provider_message_id=sid,
        state=state,
        detail=status or "",
        error_code=str(number) if number else status,
        error=reason,
        misconfigured=number in BROKEN,
    )


def _number(code: object) -> int:
    """0 where there is no code that is one."""
    text = str(code)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 6 else 0
