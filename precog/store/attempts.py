"""Tries to deliver, in PostgreSQL: claimed, finished, and ended in a dead worker's place."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from precog.domain.alerts import Environment, Severity
from precog.domain.bands import figure
from precog.domain.deliveries import AttemptOutcome, DeliveryStatus, Message, Receipt, Worsening
from precog.settings.alert_rules import BandRule
from precog.store.connection import Connection, Row
from precog.store.pool import default_pool, run, run_planned


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimTerms:
    """What a worker brings to each claim."""

    environment: Environment
    worker: str
    """Host and process, as the attempt shows it."""
    lease_seconds: float
    max_ages: tuple[float, float, float, float]
    """Seconds after which a delivery has expired: low, medium, high, critical."""
    bands: Mapping[str, BandRule] = field(default_factory=dict)
    """By type of alert: which number of it got worse, for the message to say."""

    def parameters(self, delivery_id: UUID, channel: str) -> dict[str, Any]:
        return {
            "claimed_id": str(delivery_id),
            "channel": channel,
            "environment": self.environment,
            "worker": self.worker,
            "lease_seconds": self.lease_seconds,
            "max_ages": list(self.max_ages),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to make one attempt, and what is to be sent with it."""

    message: Message
    tries: int
    """This one included; as the age, counted from where a person asked for the delivery again, if one did."""
    age_seconds: float
    """Since the delivery was planned, when it was claimed."""
    asked_at: float
    """By the monotonic clock, before PostgreSQL was asked for it: its lease ends no sooner than counted from here."""


def claim(delivery_id: UUID, channel: str, terms: ClaimTerms) -> Claim | None:
    """Take a due delivery; its attempt is on record when this returns. None when there is nothing to take.

    One that was taken while the connection broke is nobody's, as after a crash: it is due again when its lease ends.
    """
    return default_pool().safely(lambda connection: claim_in(connection, delivery_id, channel, terms))


def claim_in(connection: Connection, delivery_id: UUID, channel: str, terms: ClaimTerms) -> Claim | None:
    asked_at = time.monotonic()
    parameters = terms.parameters(delivery_id, channel)
    rows = connection.run_planned("deliveries.claim", **parameters, delivery_id=None)
    return _claim(rows[0], terms, asked_at) if rows else None


def _claim(row: Row, terms: ClaimTerms, asked_at: float) -> Claim:
    return Claim(
        message=_message(row, worse=_worsening(row, terms.bands)),
        tries=row["attempt"] - row["requeued_after"],
        age_seconds=row["age_seconds"],
        asked_at=asked_at,
    )


def _worsening(row: Row, bands: Mapping[str, BandRule]) -> Worsening | None:
    if row["worse_than"] is None:
        return None
    rule = bands.get(row["alert_type"])
    return Worsening(
        than_alert_id=row["worse_than"],
        severity_before=Severity(row["severity_before"]),
        figure=figure(rule.field, rule.steps, row["details_before"], row["details"]) if rule else None,
    )


def _message(row: Row, *, worse: Worsening | None = None) -> Message:
    return Message(
        delivery_id=UUID(row["delivery_id"]),
        attempt=row["attempt"],
        channel=row["channel"],
        recipient=row["recipient"],
        alert_id=row["alert_id"],
        alert_uuid=UUID(row["alert_uuid"]),
        incident_id=row["incident_id"],
        environment=Environment(row["environment"]),
        severity=Severity(row["severity"]),
        alert_type=row["alert_type"],
        component=row["component"],
        message=row["message"],
        details=row["details"],
        triggered_at=row["triggered_at"],
        suppressed_before=row["suppressed_before"],
        worse=worse,
        folded=tuple(row["folded"]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """A message that was sent without an answer, and how many of its tries ended so."""

    message: Message
    tries: int
    provider_message_id: str | None
    """Where the provider has reported on it already: it did take it."""


def unanswered(delivery_id: UUID, environment: Environment) -> Unanswered | None:
    """None when its outcome is known by now."""
    rows = run("deliveries.unanswered", delivery_id=str(delivery_id), environment=environment)
    if not rows:
        return None
    row = rows[0]
    return Unanswered(message=_message(row), tries=row["unanswered"], provider_message_id=row["provider_message_id"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a try ended, and where its delivery goes from there."""

    status: DeliveryStatus
    outcome: AttemptOutcome
    delay_seconds: float | None = None
    """Until the next try; None where there is none to wait for."""
    error: str | None = None
    error_code: str | None = None
    """The delivery's: the provider's, or why nothing follows (expired, attempts_exhausted, paused)."""
    attempt_code: str | None = None
    """The try's: always the provider's own."""
    receipt: Receipt | None = None


def finish(message: Message, ending: Ending) -> DeliveryStatus | None:
    """Write down a try, its delivery and the alert's summary, in one transaction.

    Returns where the delivery stands now; None when the try no longer held it (its lease had ended and another took
    over): the try's own record is then all that is written. Safe to repeat.
    """
    rows = run_planned(*_finishing(ending), "deliveries.standing", **_finished(message, ending))
    return _held(message, ending, rows[0]["status"], rows[0]["attempts"])


def finish_and_claim(
    message: Message, ending: Ending, following: UUID, terms: ClaimTerms
) -> tuple[DeliveryStatus | None, Claim | None]:
    """Write down a try as `finish` does and take the next delivery of its channel as `claim` does: in one transaction,
    so that a delivery costs one commit where many are due.

    The claim comes last. So who waits for a delivery here may hold an alert, but nobody who holds a delivery that can
    be claimed waits for an alert.
    """
    asked_at = time.monotonic()
    parameters = {**_finished(message, ending), **terms.parameters(following, message.channel)}
    rows = run_planned(*_finishing(ending), "deliveries.claim", **parameters)
    if not rows:
        rows = run_planned("deliveries.standing", delivery_id=str(message.delivery_id))
        return _held(message, ending, rows[0]["status"], rows[0]["attempts"]), None
    standing = _held(message, ending, rows[0]["finished_status"], rows[0]["finished_attempts"])
    return standing, _claim(rows[0], terms, asked_at)


def _finishing(ending: Ending) -> tuple[str, ...]:
    reported = ("receipts.record",) if ending.receipt and ending.receipt.state else ()
    return ("alerts.hold_row", "deliveries.finish", *reported, "deliveries.finish_attempt", "alerts.summarise")


def _finished(message: Message, ending: Ending) -> dict[str, Any]:
    receipt = ending.receipt
    return {
        "delivery_id": str(message.delivery_id),
        "environment": message.environment,
        "alert_id": message.alert_id,
        "attempt": message.attempt,
        "status": ending.status,
        "outcome": ending.outcome,
        "delay_seconds": ending.delay_seconds,
        "error": ending.error,
        "error_code": ending.error_code,
        "attempt_code": ending.attempt_code,
        "provider_message_id": receipt.provider_message_id if receipt else None,
        "receipt": receipt.state if receipt else None,
        "receipt_code": receipt.error_code if receipt else None,
        "receipt_error": receipt.error if receipt else None,
    }


def _held(message: Message, ending: Ending, status: str, attempts: int) -> DeliveryStatus | None:
    """Where a delivery stands after a finish; None where the try did not hold it any more."""
    standing = DeliveryStatus(status)
    return standing if attempts == message.attempt and standing in {ending.status, DeliveryStatus.CANCELLED} else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned:
    """A try whose lease has ended."""

    delivery_id: UUID
    alert_id: int
    channel: str
    attempt: int
    tries: int
    severity: Severity
    age_seconds: float


def abandoned_in(connection: Connection, environment: Environment, *, most: int) -> list[Abandoned]:
    """The abandoned tries, locked for the transaction; those that another recovery looks at are left out."""
    rows = connection.run("recovery.abandoned", environment=environment, most=most)
    return [
        Abandoned(**{**row, "delivery_id": UUID(row["delivery_id"]), "severity": Severity(row["severity"])})
        for row in rows
    ]


def take_over_in(connection: Connection, abandoned: Abandoned, ending: Ending) -> bool:
    """End an abandoned try in its worker's place. False when the worker came back first."""
    moved = connection.run(
        "recovery.take_over",
        delivery_id=str(abandoned.delivery_id),
        attempt=abandoned.attempt,
        status=ending.status,
        delay_seconds=ending.delay_seconds,
        error=ending.error,
        error_code=ending.error_code,
    )
    if not moved:
        return False
    connection.run(
        "deliveries.finish_attempt",
        delivery_id=str(abandoned.delivery_id),
        attempt=abandoned.attempt,
        outcome=ending.outcome,
        error=ending.error,
        attempt_code=ending.attempt_code,
    )
    connection.run("alerts.summarise", alert_id=abandoned.alert_id)
    return True
