"""A try to tell somebody of an alert that PostgreSQL has not taken: what the attempt's row will say of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from precog.domain.deliveries import AttemptOutcome, ReceiptState, delivery_identity


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectTry:
    alert_uuid: UUID
    channel: str
    recipient: str
    worker: str
    """Host and process that made it."""
    started_at: datetime
    """By that machine's clock: the database's is away. With the worker it tells one try from another."""
    finished_at: datetime | None = None
    outcome: AttemptOutcome | None = None
    """None while it runs, and for good when its process died in the middle."""
    error_code: str | None = None
    error: str | None = None
    provider_message_id: str | None = None
    receipt: ReceiptState | None = None

    @property
    def delivery_id(self) -> UUID:
        return delivery_identity(self.alert_uuid, self.channel, self.recipient)

    @property
    def surely_not_sent(self) -> bool:
        return self.outcome in {AttemptOutcome.REFUSED, AttemptOutcome.TRANSIENT}
