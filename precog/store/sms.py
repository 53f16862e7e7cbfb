"""SMS and their limit in PostgreSQL: what counts, what is due, and what is held until one more may go."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from precog.domain.alerts import Environment, Severity
from precog.store.connection import Connection, Row
from precog.store.pool import run


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsUse:
    now: datetime
    counted: tuple[datetime, ...]
    """When each SMS of the last 24 hours counts from, newest first."""
    places: Mapping[str, datetime]
    """The same by attempt, `delivery:number`."""
    running: bool
    """Whether any of them is a try that has not ended, and may yet turn out not to count."""

    def beside(self, others: Mapping[str, datetime]) -> "SmsUse":
        """With what others count that are not in here."""
        more = [since for place, since in others.items() if place not in self.places]
        return replace(self, counted=tuple(sorted((*self.counted, *more), reverse=True)))


def use_in(connection: Connection, environment: Environment, *, locked: bool) -> SmsUse:
    """What the limits count: with `locked` nobody else claims an SMS before this transaction ends."""
    statements = ("limits.lock", "limits.sms_used") if locked else ("limits.sms_used",)
    return _use(connection.run(*statements, environment=environment)[0])


def use(environment: Environment) -> SmsUse:
    return _use(run("limits.sms_used", environment=environment)[0])


def _use(row: Row) -> SmsUse:
    places = dict(zip(row["places"], row["counted"], strict=True))
    return SmsUse(now=row["now"], counted=tuple(row["counted"]), places=places, running=row["running"])


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSms:
    severity: Severity
    next_attempt: int
    """The number its claim would hand out."""


def due(delivery_id: UUID, environment: Environment) -> DueSms | None:
    rows = run("deliveries.peek", delivery_id=str(delivery_id), environment=environment)
    return DueSms(severity=Severity(rows[0]["severity"]), next_attempt=rows[0]["attempts"] + 1) if rows else None


def hold_in(connection: Connection, delivery_id: UUID, *, until: datetime, reason: str) -> None:
    """Set a due delivery aside until a limit frees; uses no attempt."""
    rows = connection.run(
        "deliveries.hold_alert", "deliveries.hold", delivery_id=str(delivery_id), until=until, reason=reason
    )
    for row in rows:
        connection.run("alerts.summarise", alert_id=row["alert_id"])
