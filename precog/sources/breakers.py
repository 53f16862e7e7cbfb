"""Circuit breakers: measured over the tables, and tripped with an alert in the same transaction."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from precog import arguments
from precog.domain.alerts import NewAlert, ResolutionAction
from precog.domain.breakers import BreakerType, Trip
from precog.settings.markets import DataSourcesFile
from precog.settings.thresholds import Thresholds
from precog.settings.trading import CircuitBreakers, CountBreaker, EdgeBreaker, RapidLossBreaker
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
    the next configured step. After a resolution a breaker counts anew. One that cannot be measured keeps no other from
    tripping: the first such failure is raised at the end.

    now: the moment to look at, for what replays a day; the database's clock where it is left out.
    Raises StoreError, ConfigError.
    """
    limits = thresholds or current_thresholds()
    moment = now or trading.now()
    opened: list[int] = []
    failures: list[Exception] = []
    for measured in _measures(limits, moment):
        try:
            found = (_trip(trip, now) for trip in measured())
            opened.extend(event_id for event_id in found if event_id is not None)
        except Exception as failure:  # noqa: BLE001 - it is raised below, once the other breakers were looked at
            failures.append(failure)
    if failures:
        raise failures[0]
    return opened


def _measures(limits: Thresholds, now: datetime) -> list[Callable[[], list[Trip]]]:
    """Each breaker's question: what is over its limit at this moment, open already or not."""
    breakers = limits.trading.circuit_breakers
    return [
        partial(_rapid_loss, breakers, now),
        partial(_daily_loss_limit, breakers, now),
        partial(_consecutive_losses, breakers, now),
        partial(_unusual_activity, breakers, now),
        partial(_edge_anomaly, breakers, now),
        partial(_data_stale, breakers, now),
        partial(_api_failures, breakers, now, limits.data_sources),
    ]


def _api_failures(breakers: CircuitBreakers, now: datetime, data_sources: DataSourcesFile) -> list[Trip]:
    rule = breakers.api_failures
    components = {name: source.component for name, source in data_sources.sources.items()}
    return rules.api_failures(trading_breakers.api_failures(_since(rule, now), now), rule, components)


def _data_stale(breakers: CircuitBreakers, now: datetime) -> list[Trip]:
    return rules.data_stale(trading_breakers.live_markets(), breakers.data_stale, now, silent=_silent_platforms())


def _edge_anomaly(breakers: CircuitBreakers, now: datetime) -> list[Trip]:
    rule = breakers.edge_anomaly
    return rules.edge_anomaly(trading_breakers.large_edges(_since(rule, now), now, above=rule.above), rule)


def _rapid_loss(breakers: CircuitBreakers, now: datetime) -> list[Trip]:
    rule = breakers.rapid_loss
    return rules.rapid_loss(trading_breakers.changes(BreakerType.RAPID_LOSS, _since(rule, now)), rule)


def _daily_loss_limit(breakers: CircuitBreakers, now: datetime) -> list[Trip]:
    rule = breakers.daily_loss_limit
    midnight = now.astimezone(rule.timezone).replace(hour=0, minute=0, second=0, microsecond=0)
    day = midnight.date().isoformat()
    changes = trading_breakers.changes(BreakerType.DAILY_LOSS_LIMIT, midnight, scope={"trading_day": day})
    return rules.daily_loss_limit(changes, rule, day)


def _unusual_activity(breakers: CircuitBreakers, now: datetime) -> list[Trip]:
    rule = breakers.unusual_activity
    return rules.unusual_activity(trading_breakers.trades(_since(rule, now), now), rule)


def _consecutive_losses(breakers: CircuitBreakers, now: datetime) -> list[Trip]:
    since = now - timedelta(days=STREAK_DAYS)
    return rules.consecutive_losses(trading_breakers.results(since, now), breakers.consecutive_losses)


def _since(rule: CountBreaker | EdgeBreaker | RapidLossBreaker, now: datetime) -> datetime:
    return now - timedelta(minutes=rule.window_minutes)


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
    most = arguments.whole_number("limit", limit, least=1, most=100_000)
    return trading_breakers.newest(resolved=resolved, most=most)


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
        arguments.whole_number("event_id", event_id, least=1, most=2**63 - 1),
        by=arguments.text("resolved_by", resolved_by, arguments.NAME_BYTES),
        action=arguments.choice("resolution_action", resolution_action, ResolutionAction),
        notes=arguments.optional_text("notes", notes, arguments.NOTES_BYTES),
        at=at,
    )
