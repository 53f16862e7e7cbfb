"""Raising alerts, ending them, and asking which are open."""

from collections.abc import Mapping
from datetime import datetime

import psycopg2.extensions

from precog import arguments, intake
from precog.domain.alerts import ResolutionAction, Severity
from precog.domain.fingerprint import calculate_fingerprint
from precog.domain.records import AlertRecord
from precog.errors import AlertTypeError, AlertValueError
from precog.store import alerts, calls

__all__ = [
    "acknowledge_alert",
    "calculate_fingerprint",
    "get_unresolved_alerts",
    "log_alert",
    "resolve_alert",
    "suppress_duplicate_alerts",
]


def log_alert(  # noqa: PLR0913 - the first six are the contract; the rest are keyword-only
    alert_type: str,
    severity: str,
    component: str,
    message: str,
    details: Mapping[str, object] | None = None,
    send_notification: bool = True,  # noqa: FBT001, FBT002 - positional by contract
    *,
    category: str | None = None,
    source_table: str | None = None,
    source_id: str | int | None = None,
    key_details: Mapping[str, object] | None = None,
    tags: Mapping[str, object] | None = None,
    environment: str | None = None,
    occurred_at: datetime | None = None,
    idempotency_key: str | None = None,
    connection: psycopg2.extensions.connection | None = None,
) -> int:
    """Store an alert, see to it that the right people are told once, and return its alert_id.

    When this returns, the alert and its deliveries are committed in PostgreSQL; workers send them. An alert equal to
    an open one (same type, component and key details) inside its window is stored as its duplicate and tells nobody,
    unless it is worse.

    severity: critical, high, medium or low.
    details: any facts. Secret-looking keys are masked, values JSON cannot hold become text, too much is cut.
    send_notification: False stores the row and tells nobody.
    key_details: what tells two alerts of one type apart, in place of the configured fields of `details`.
    source_table, source_id: the record that raised it.
    occurred_at: when it happened, where that is not now; with a time zone.
    idempotency_key: a repeated call with the same key stores one row and returns its id.
    connection: a psycopg2 connection whose transaction the alert joins: stored if that commits, told after it, gone if
        it rolls back. Errors of that connection are then psycopg2's own.

    Raises AlertValueError or AlertTypeError for a mistake in the call, before anything is written;
    IdempotencyConflict; and AlertStoreUnavailable or another StoreError when PostgreSQL cannot take it, after 3 s at
    most. The alert is then in this machine's journal (`error.journaled`), and is stored and told when PostgreSQL is
    back; a critical or high one is sent by this process before the error is raised, within 5 s more, where it has a
    channel's settings (`error.sent`). Not so with `connection`. Redis being away is no error: recovery delivers.
    """
    alert = arguments.new_alert(
        alert_type=alert_type,
        severity=severity,
        component=component,
        message=message,
        details=details,
        notify=send_notification,
        category=category,
        source_table=source_table,
        source_id=source_id,
        key_details=key_details,
        tags=tags,
        environment=environment,
        occurred_at=occurred_at,
        idempotency_key=idempotency_key,
    )
    if connection is not None:
        return intake.accept_in(connection, alert, idempotency_key=idempotency_key).alert_id
    return intake.accept(alert, idempotency_key=idempotency_key).alert_id


def acknowledge_alert(
    alert_id: int, acknowledged_by: str, notes: str | None = None, *, environment: str | None = None
) -> AlertRecord:
    """Take on the incident this alert belongs to: the alert, its duplicates and its reminders.

    What a limit still holds back is cancelled. The first to acknowledge stands: a repeat changes nothing and returns
    what stands. Raises UnknownAlert, AlertValueError, AlertTypeError, StoreError.
    """
    return alerts.acknowledge(
        _id(alert_id),
        arguments.environment_named(environment),
        by=arguments.text("acknowledged_by", acknowledged_by, arguments.NAME_BYTES),
        notes=arguments.optional_text("notes", notes, arguments.NOTES_BYTES),
    )


def resolve_alert(
    alert_id: int,
    resolved_by: str,
    resolution_action: str,
    notes: str | None = None,
    *,
    environment: str | None = None,
) -> AlertRecord:
    """End the incident this alert belongs to. The next equal alert begins a new one and notifies.

    What is not sent yet is cancelled. The first to resolve stands: a repeat changes nothing and returns what stands.
    resolution_action: fixed, false_positive, ignored or escalated.
    Raises UnknownAlert, AlertValueError, AlertTypeError, StoreError.
    """
    return alerts.resolve(
        _id(alert_id),
        arguments.environment_named(environment),
        by=arguments.text("resolved_by", resolved_by, arguments.NAME_BYTES),
        action=arguments.choice("resolution_action", resolution_action, ResolutionAction),
        notes=arguments.optional_text("notes", notes, arguments.NOTES_BYTES),
    )


def get_unresolved_alerts(
    severity: str | None = None, component: str | None = None, *, environment: str | None = None, limit: int = 1000
) -> list[AlertRecord]:
    """Open alerts, newest first, at most `limit`; `duplicates` counts those that were suppressed for each."""
    return alerts.unresolved(
        arguments.environment_named(environment),
        severity=None if severity is None else arguments.choice("severity", severity, Severity),
        component=component,
        most=arguments.whole_number("limit", limit, least=1, most=100_000),
    )


def suppress_duplicate_alerts(fingerprint: str, window_minutes: int = 60, *, environment: str | None = None) -> bool:
    """Whether an alert of this fingerprint, no worse than the open one, would be suppressed now. Changes nothing.

    window_minutes: how long an alert makes its equals duplicates. The call itself takes it from the configuration.
    """
    if len(fingerprint) != 32 or set(fingerprint) - set("0123456789abcdef"):
        raise AlertValueError("fingerprint", f"{fingerprint!r} is not 32 hex digits; calculate_fingerprint() makes one")
    minutes = arguments.whole_number("window_minutes", window_minutes, least=0, most=1_000_000)
    return calls.would_suppress(arguments.environment_named(environment), fingerprint, window_minutes=minutes)


def _id(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise AlertTypeError("alert_id", value, "int, as log_alert() returned it")
    return value
