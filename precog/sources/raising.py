"""How a source speaks about a record: once for each step that its trouble reaches."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from precog import arguments, intake
from precog.domain.alerts import Environment, NewAlert, ResolutionAction, Severity
from precog.store import alerts, sources, trading
from precog.store.connection import Connection

OWN_NAME = "precog watch"
"""By whom an incident is ended that ended by itself."""
LATELY = timedelta(hours=1)
"""For so long after a position has ended, what was said about it stays open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The row that an alert is about."""

    table: str
    id: int | str


def alert_about(  # one argument a fact
    record: Record,
    *,
    alert_type: str,
    severity: Severity,
    component: str,
    message: str,
    details: Mapping[str, object],
    occurred_at: datetime | None = None,
) -> NewAlert:
    return arguments.new_alert(
        alert_type=alert_type,
        severity=severity,
        component=component,
        message=message,
        details=details,
        notify=True,
        source_table=record.table,
        source_id=record.id,
        occurred_at=occurred_at,
    )


def raise_in(connection: Connection, alert: NewAlert) -> int:
    """Store it with whatever else this transaction writes; recovery tells the rest once that is committed."""
    return intake.accept_in(connection, alert).alert_id


def raise_if_worse(alert: NewAlert) -> int | None:
    """Raise it where nothing was said about its record yet, or something less bad; the alert's id if so.

    Not again what was said already, also after a person ended that: the step has been reached, and they know.
    """
    said = sources.told(alert)
    if said is not None and (alert.band, alert.severity.rank) <= (said.band, said.rank):
        return None
    return intake.accept(alert).alert_id


def raise_once_a_window(alert: NewAlert) -> int | None:
    """Raise it where nothing was said about its record within the window of its type; the alert's id if so."""
    said = sources.told(alert)
    if said is not None and trading.now() - said.triggered_at < timedelta(minutes=alert.window_minutes):
        return None
    return intake.accept(alert).alert_id


def end_by_itself(alert_id: int, environment: Environment, *, notes: str) -> None:
    """The trouble is over, and nobody had to end it."""
    alerts.resolve(alert_id, environment, by=OWN_NAME, action=ResolutionAction.FIXED, notes=notes)


def end_those_of_ended_positions(alert_types: tuple[str, ...], environment: Environment, *, now: datetime) -> None:
    for alert_id in sources.alerts_of_ended_positions(environment, alert_types, ended_before=now - LATELY):
        end_by_itself(alert_id, environment, notes="the position has ended")
