"""Other ways for alerts that do not arrive: found and taken in one transaction, so that each is taken once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from precog.domain.alerts import Environment
from precog.domain.routes import Route
from precog.store import deliveries
from precog.store.pool import default_pool


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """A delivery that was added because another did not arrive."""

    alert_id: int
    channel: str
    recipient: str
    instead_of: str
    """The channel that it stands in for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When a delivery needs a stand-in, and what may be one."""

    ways: Sequence[Route]
    """First choice first."""
    remote_channels: Collection[str]
    """Those that reach a person: only they need a stand-in."""
    receipt_deadlines: tuple[float | None, ...]
    """Seconds from sending, for low, medium, high, critical; None where a missing receipt means nothing."""
    max_age_seconds: float
    """What failed or was sent longer ago is left alone."""


def add(environment: Environment, rules: Rules, *, most: int) -> list[StandIn]:
    """Give each delivery that is stranded its stand-in; whom none can stand in for is left out."""
    with default_pool().transaction() as connection:
        stranded = connection.run(
            "stand_ins.stranded",
            environment=environment,
            severities=[way.severity.value for way in rules.ways],
            channels=[way.channel for way in rules.ways],
            recipients=[way.recipient for way in rules.ways],
            remote_channels=list(rules.remote_channels),
            deadlines=list(rules.receipt_deadlines),
            max_age_seconds=rules.max_age_seconds,
            most=most,
        )
        return [
            StandIn(
                alert_id=row["alert_id"],
                channel=row["channel"],
                recipient=row["recipient"],
                instead_of=row["instead_of"],
            )
            for row in stranded
            if deliveries.add_in(
                connection,
                row["alert_id"],
                row["channel"],
                row["recipient"],
                fallback_of=UUID(row["delivery_id"]),
            )
        ]
