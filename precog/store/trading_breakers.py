"""What the circuit breakers measure, and their events: opened with an alert, resolved with it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from precog.domain.alerts import ResolutionAction
from precog.domain.breakers import (
    ApiFailures,
    BreakerType,
    Change,
    LargeEdges,
    LiveMarket,
    Result,
    Scope,
    Trades,
    Trip,
)
from precog.domain.methods import Config, canonical_json
from precog.errors import UnknownBreaker
from precog.store import alerts, sources
from precog.store.connection import Connection, Row
from precog.store.pool import default_pool, run

TABLE = "circuit_breaker_events"
_LONGEST_STREAK = 200
"""Results of a strategy that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerEvent:
    event_id: int
    breaker: BreakerType
    scope: Scope
    """Empty for one that was inserted by hand without a scope."""
    measured: Mapping[str, Config]
    """What was measured when it tripped, and the limit."""
    triggered_at: datetime
    resolved_at: datetime | None
    resolution_action: str | None
    notes: str | None
    alert_id: int | None
    """The alert that it raised."""


def api_failures(since: datetime, now: datetime) -> list[ApiFailures]:
    return [ApiFailures(**row) for row in run("breakers.api_failures", since=since, now=now)]


def live_markets() -> list[LiveMarket]:
    return [LiveMarket(**row) for row in run("breakers.live_markets")]


def large_edges(since: datetime, now: datetime, *, above: Decimal) -> list[LargeEdges]:
    return [LargeEdges(**row) for row in run("breakers.large_edges", since=since, now=now, above=above)]


def changes(breaker: BreakerType, since: datetime, *, scope: Scope | None = None) -> list[Change]:
    """`scope`: what the breaker's scope names beside the platform."""
    parameters = {"breaker": breaker, "since": since, "scope": json.dumps(scope or {})}
    return [Change(**row) for row in run("breakers.changes", **parameters)]


def trades(since: datetime, now: datetime) -> list[Trades]:
    return [Trades(**row) for row in run("breakers.trades", since=since, now=now)]


def results(since: datetime, now: datetime) -> list[Result]:
    """By strategy, the newest first."""
    return [Result(**row) for row in run("breakers.results", since=since, now=now, most=_LONGEST_STREAK)]


def open_in(connection: Connection, trip: Trip, *, at: datetime | None) -> int | None:
    """The new event; None where one of this breaker and scope is open already, also if another opens it just now."""
    value = canonical_json(cast(Config, {"scope": dict(trip.scope), **trip.measured}))
    rows = connection.run("breakers.open", breaker=trip.breaker, trigger_value=value, at=at)
    return rows[0]["event_id"] if rows else None


def open_event(trip: Trip) -> int | None:
    rows = run("breakers.open_event", breaker=trip.breaker, scope=json.dumps(dict(trip.scope)))
    return rows[0]["event_id"] if rows else None


def newest(*, resolved: bool = False, most: int = 100) -> list[BreakerEvent]:
    """Open events, newest first; resolved ones too if asked for."""
    return _events(run("breakers.list", event_id=None, resolved=resolved, most=most))


def resolve(
    event_id: int, *, by: str, action: ResolutionAction, notes: str | None, at: datetime | None = None
) -> BreakerEvent:
    """End the event and what was said about it, in one transaction. A repeat changes nothing.

    Raises UnknownBreaker.
    """
    with default_pool().transaction() as connection:
        connection.run("breakers.resolve", event_id=event_id, action=action, notes=notes, at=at)
        for each in sources.open_alerts_in(connection, TABLE, event_id):
            alerts.resolve_in(connection, each.alert_id, each.environment, by=by, action=action, notes=notes)
        found = _events(connection.run("breakers.list", event_id=event_id, resolved=True, most=1))
    if not found:
        raise UnknownBreaker(event_id)
    return found[0]


def _events(rows: Sequence[Row]) -> list[BreakerEvent]:
    return [_event(row, json.loads(row["trigger_value"], parse_float=Decimal)) for row in rows]


def _event(row: Row, value: Any) -> BreakerEvent:
    measured = value if isinstance(value, dict) else {"value": value}
    scope = measured.pop("scope", None)
    return BreakerEvent(
        event_id=row["event_id"],
        breaker=BreakerType(row["breaker_type"]),
        scope=scope if isinstance(scope, dict) else {},
        measured=measured,
        triggered_at=row["triggered_at"],
        resolved_at=row["resolved_at"],
        resolution_action=row["resolution_action"],
        notes=row["notes"],
        alert_id=row["alert_id"],
    )
