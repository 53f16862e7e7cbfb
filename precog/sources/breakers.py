"""Circuit breakers: measured over the tables, and tripped with an alert in the same transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain

from precog import intake
from precog.domain.alerts import NewAlert, ResolutionAction
from precog.domain.breakers import BreakerType, Trip
from precog.settings.thresholds import Thresholds
from precog.sources import breaker_rules as rules
from precog.sources.raising import Record, alert_about, raise_if_worse, raise_in
from precog.sources.thresholds import current_thresholds
from precog.store import trading, trading_breakers
from precog.store.pool import default_pool
from precog.store.trading_breakers import TABLE, BreakerEvent

STREAK_DAYS = 30
"""How far back a streak of losses is looked for."""


def check_breakers(*, now: datetime | None = None, thresholds: Thresholds | None = None) -> list[int]:
    """Trip each breaker whose limit is reached; the ids of the events that this opened.

    A breaker that is open already gets no second event. Its alert is raised again only when what is measured reaches
    the next configured step. After a resolution a breaker counts anew.

    now: the moment to look at, for what replays a day; the database's clock where it is left out.
    Raises StoreError, ConfigError.
    """
    limits = thresholds or current_thresholds()
    moment = now or trading.now()
    return [opened for trip in trips(limits, moment) if (opened := _trip(trip, now)) is not None]


def trips(limits: Thresholds, now: datetime) -> Sequence[Trip]:
    """What is over its limit at this moment, open already or not."""
    breakers = limits.trading.circuit_breakers
    components = {name: source.component for name, source in limits.data_sources.sources.items()}

    def ago(minutes: int) -> datetime:
        return now - timedelta(minutes=minutes)

    failures = trading_breakers.api_failures(ago(breakers.api_failures.window_minutes), now)
    edges = trading_breakers.large_edges(
        ago(breakers.edge_anomaly.window_minutes), now, above=breakers.edge_anomaly.above
    )
    rapid = trading_breakers.changes(BreakerType.RAPID_LOSS, ago(breakers.rapid_loss.window_minutes))
    midnight = now.astimezone(breakers.daily_loss_limit.timezone).replace(hour=0, minute=0, second=0, microsecond=0)
    day = midnight.date().isoformat()
    daily = trading_breakers.changes(BreakerType.DAILY_LOSS_LIMIT, midnight, scope={"trading_day": day})
    trades = trading_breakers.trades(ago(breakers.unusual_activity.window_minutes), now)
    results = trading_breakers.results(now - timedelta(days=STREAK_DAYS), now)
    return list(
        chain(
            rules.api_failures(failures, breakers.api_failures, components),
            rules.data_stale(trading_breakers.live_markets(), breakers.data_stale, now, silent=_silent_platforms()),
            rules.edge_anomaly(edges, breakers.edge_anomaly),
            rules.rapid_loss(rapid, breakers.rapid_loss),
            rules.daily_loss_limit(daily, breakers.daily_loss_limit, day),
            rules.unusual_activity(trades, breakers.unusual_activity),
            rules.consecutive_losses(results, breakers.consecutive_losses),
        )
    )


def _silent_platforms() -> set[str]:
    stale = (each for each in trading_breakers.newest() if each.breaker is BreakerType.DATA_STALE)
    return {str(each.scope["platform_id"]) for each in stale if "platform_id" in each.scope}


def _trip(trip: Trip, at: datetime | None) -> int | None:
    """Event and alert, or neither. Where an event is open already, the alert alone if it has become worse."""
    with default_pool().transaction() as connection:
        event_id = trading_breakers.open_in(connection, trip, at=at)
        if event_id is not None:
            raise_in(connection, _alert(trip, event_id, at))
            return event_id
    standing = trading_breakers.open_event(trip)
    if standing is not None:
        raise_if_worse(_alert(trip, standing, at))
    return None


def _alert(trip: Trip, event_id: int, at: datetime | None) -> NewAlert:
    return alert_about(
        Record(table=TABLE, id=event_id),
        alert_type=trip.breaker,
        severity=trip.severity,
        component=trip.component,
        message=trip.message,
        details={**trip.measured, **trip.scope},
        occurred_at=at,
    )


def list_breakers(*, resolved: bool = False, limit: int = 100) -> list[BreakerEvent]:
    """Open breakers, newest first; resolved ones too if asked for."""
    return trading_breakers.newest(resolved=resolved, most=intake.whole_number("limit", limit, least=1, most=100_000))


def resolve_breaker(
    event_id: int,
    resolved_by: str,
    resolution_action: str,
    notes: str | None = None,
    *,
    at: datetime | None = None,
) -> BreakerEvent:
    """End the event, and with it the incident that it raised. The breaker counts anew from here.

    The first to resolve stands: a repeat changes nothing and returns what stands.
    resolution_action: fixed, false_positive, ignored or escalated.
    Raises UnknownBreaker, AlertValueError, AlertTypeError, StoreError.
    """
    return trading_breakers.resolve(
        intake.whole_number("event_id", event_id, least=1, most=2**63 - 1),
        by=intake.text("resolved_by", resolved_by, intake.NAME_BYTES),
        action=intake.choice("resolution_action", resolution_action, ResolutionAction),
        notes=intake.optional_text("notes", notes, intake.NOTES_BYTES),
        at=at,
    )
