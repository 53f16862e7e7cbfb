"""Alerts, deliveries and attempts as they are handed to people and programs: plain dictionaries of known shape."""

from datetime import datetime
from typing import TypedDict

from precog.domain.alerts import Json


class AlertRecord(TypedDict):
    """An alert as every function that returns one returns it. Times are aware, UTC."""

    alert_id: int
    alert_uuid: str
    alert_type: str
    severity: str
    category: str | None
    component: str
    message: str
    details: dict[str, Json]
    source_table: str | None
    source_id: str | None
    triggered_at: datetime
    occurred_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    acknowledged_notes: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    resolved_notes: str | None
    resolution_action: str | None
    notification_sent: bool
    notification_channels: dict[str, str]
    notification_sent_at: datetime | None
    notification_attempts: int
    notification_errors: dict[str, str] | None
    fingerprint: str
    band: int
    planned: bool
    notify: bool
    suppressed: bool
    duplicate_of: int | None
    incident_id: int
    environment: str
    tags: dict[str, Json]
    duplicates: int
    """How many alerts it stands for that were suppressed as its duplicates."""


class DeliveryRecord(TypedDict):
    delivery_id: str
    channel: str
    recipient: str
    status: str
    attempts: int
    next_attempt_at: datetime
    created_at: datetime
    finished_at: datetime | None
    last_error: str | None
    error_code: str | None
    provider_message_id: str | None
    receipt: str | None
    receipt_at: datetime | None
    receipt_code: str | None
    receipt_error: str | None
    requeued_at: datetime | None
    """When a person last asked for it again."""
    requeued_by: str | None
    fallback_of: str | None
    folded_into: str | None


class DeliveryOfAlert(DeliveryRecord):
    """A delivery beside the alert it is of."""

    alert_id: int
    severity: str
    alert_type: str
    component: str
    message: str


class AttemptRecord(TypedDict):
    delivery_id: str
    attempt: int
    channel: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    """Null while it runs, or when its worker died."""
    error_code: str | None
    error: str | None
    worker: str
