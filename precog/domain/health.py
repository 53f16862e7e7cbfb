"""How a component fares, from what was reported of it; and what is to be said about that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class HealthStatus(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    status: HealthStatus
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How much it takes to call a component unwell, and well again."""

    window: timedelta
    bad_reports: int
    """So many within the window are trouble; none over a whole window is health."""
    stale_after: timedelta
    """A component that is silent for longer is down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What was said last about a component."""

    alert_id: int
    rank: int
    """Of the severity, the worst of those that are open."""
    open: bool
    ended_at: datetime | None
    ended_by_a_person: bool


class Step(StrEnum):
    RAISE = "raise"
    RESOLVE = "resolve"
    NOTHING = "nothing"


def judge(reports: Sequence[Report], now: datetime, patience: Patience) -> HealthStatus | None:
    """How it fares, from its reports, the newest first; None where neither trouble nor health is certain yet."""
    if not reports:
        return None
    if now - reports[0].at > patience.stale_after:
        return HealthStatus.DOWN
    recent = [each.status for each in reports if now - each.at <= patience.window]
    if sum(status is HealthStatus.DOWN for status in recent) >= patience.bad_reports:
        return HealthStatus.DOWN
    if sum(status is not HealthStatus.HEALTHY for status in recent) >= patience.bad_reports:
        return HealthStatus.DEGRADED
    return HealthStatus.HEALTHY if _well_since(reports, now, patience) <= now - patience.window else None


def _well_since(reports: Sequence[Report], now: datetime, patience: Patience) -> datetime:
    """Since when it has been healthy without a break and without a silence."""
    since = now
    for each in reports:
        if each.status is not HealthStatus.HEALTHY or since - each.at > patience.stale_after:
            break
        since = each.at
    return since


def next_step(
    status: HealthStatus | None, incident: Incident | None, *, rank: int, healthy_at: datetime | None
) -> Step:
    """What to say of a component that fares so, when this was said last.

    rank: of the severity that this status has. healthy_at: when it last reported that it was well.
    An incident that a person ended while the trouble lasted is not begun again by the same trouble.
    """
    if status is HealthStatus.HEALTHY:
        return Step.RESOLVE if incident is not None and incident.open else Step.NOTHING
    if status is None:
        return Step.NOTHING
    if incident is None:
        return Step.RAISE
    if incident.open:
        return Step.RAISE if rank > incident.rank else Step.NOTHING
    if not incident.ended_by_a_person or incident.ended_at is None:
        return Step.RAISE
    return Step.RAISE if healthy_at is not None and healthy_at > incident.ended_at else Step.NOTHING
