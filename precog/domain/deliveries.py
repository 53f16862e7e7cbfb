"""A delivery: one alert on its way to one recipient over one channel, its states and its legal moves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import md5
from types import MappingProxyType
from uuid import UUID

from precog.domain.alerts import Environment, Json, Severity
from precog.domain.bands import Figure


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    HELD = "held"
    UNKNOWN = "unknown"
    FAILED = "failed"
    CANCELLED = "cancelled"


_S = DeliveryStatus

MOVES: Mapping[DeliveryStatus, frozenset[DeliveryStatus]] = MappingProxyType(
    {
        _S.PENDING: frozenset({_S.SENDING, _S.HELD, _S.CANCELLED, _S.FAILED}),
        _S.SENDING: frozenset({_S.SENT, _S.PENDING, _S.FAILED, _S.HELD, _S.UNKNOWN, _S.CANCELLED}),
        _S.UNKNOWN: frozenset({_S.SENT, _S.PENDING, _S.FAILED, _S.CANCELLED}),
        _S.HELD: frozenset({_S.PENDING, _S.SENT, _S.FAILED, _S.CANCELLED}),
        _S.FAILED: frozenset({_S.PENDING}),
        _S.SENT: frozenset(),
        _S.CANCELLED: frozenset(),
    }
)
"""From each status, the statuses a delivery may move to. The database's trigger holds the same table."""

WORST_FIRST = (_S.FAILED, _S.UNKNOWN, _S.HELD, _S.SENDING, _S.PENDING, _S.CANCELLED, _S.SENT)
"""A channel's status in `alerts.notification_channels` is the first of these that any of its recipients has."""


class AttemptOutcome(StrEnum):
    """How one try to send ended. Null in the database while it runs."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    TRANSIENT = "transient"
    UNKNOWN = "unknown"


class ReceiptState(StrEnum):
    """What the provider says became of an accepted message, in the only order it may move."""

    QUEUED = "queued"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"


def delivery_identity(alert_uuid: UUID, channel: str, recipient: str) -> UUID:
    """The delivery_id, as the database computes it: whoever sends first or again, the recipient sees the same one."""
    return UUID(md5(f"{alert_uuid}\x1f{channel}\x1f{recipient}".encode(), usedforsecurity=False).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Doorbell:
    """What a ring carries: which delivery is due, and on which channel's queue to say so."""

    delivery_id: str
    """The uuid as text: on its way from PostgreSQL into a message nobody needs more of it."""
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Worsening:
    """What an alert is worse than: what its incident said before it."""

    than_alert_id: int
    severity_before: Severity
    figure: Figure | None
    """None where the severity alone got worse, or no band is configured here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """All that a channel needs to send one claimed delivery. Text is sanitized, but not yet escaped for any medium."""

    delivery_id: UUID
    """The identity the recipient sees on every try, so that a repeat can be recognised."""
    attempt: int
    channel: str
    recipient: str
    """A mail address, a phone number in E.164, or the configured name of a hook, a stream or a file; never a URL."""
    alert_id: int | None
    """None while PostgreSQL, which gives the numbers, is away."""
    alert_uuid: UUID
    incident_id: int | None
    """The first alert of this incident: mails of one incident are threaded by it."""
    environment: Environment
    severity: Severity
    alert_type: str
    component: str
    message: str
    details: Mapping[str, Json]
    triggered_at: datetime
    """Aware, UTC."""
    suppressed_before: int = 0
    """Duplicates that stayed silent since this incident last notified; above 0 the text says so."""
    worse: Worsening | None = None
    """Why it is told although its incident was told already, and perhaps acknowledged; None where it is no worse."""
    folded: tuple[str, ...] = ()
    """One line for each held alert that this message carries along as a digest; SMS only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A provider's acceptance, or what it says later of a message it had accepted.

    That a channel returned one means that a success status was checked.
    """

    provider_message_id: str | None = None
    state: ReceiptState | None = None
    detail: str = ""
    """The provider's own words, short and without secrets, for `precog test-notification`."""
    error_code: str | None = None
    """Why it was not delivered, the provider's code; of an undelivered message alone, as the next two."""
    error: str | None = None
    misconfigured: bool = False
    """Whether no message will be delivered until a person mends the channel."""
