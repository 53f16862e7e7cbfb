"""When a breaker trips: what was measured and the configured limits in, trips out. No clock, no database."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby, takewhile
from operator import attrgetter

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
from precog.settings.trading import (
    CountBreaker,
    DailyLossBreaker,
    EdgeBreaker,
    RapidLossBreaker,
    StaleBreaker,
    StreakBreaker,
)

FEED, RISK, EDGES, STRATEGIES, ORDERS = (
    "market_feed",
    "risk_manager",
    "edge_detector",
    "strategy_monitor",
    "order_router",
)
"""The components that the alerts name."""
_MOST_NAMED = 20


def api_failures(rows: Sequence[ApiFailures], rule: CountBreaker, components: Mapping[str, str]) -> list[Trip]:
    """`components`: the name of each platform's API, such as kalshi_api."""
    return [
        Trip(
            breaker=BreakerType.API_FAILURES,
            severity=rule.severity,
            component=components.get(row.platform_id, row.platform_id),
            scope={"platform_id": row.platform_id},
            message=f"{row.failures} requests to {row.platform_id} failed in {rule.window_minutes} minutes,"
            f" the last one with {row.last_error}",
            measured={
                "failures": row.failures,
                "limit": rule.count,
                "window_minutes": rule.window_minutes,
                "last_error": row.last_error,
            },
        )
        for row in rows
        if row.failures >= rule.count
    ]


def data_stale(
    rows: Sequence[LiveMarket], rule: StaleBreaker, now: datetime, *, silent: Collection[str] = ()
) -> list[Trip]:
    """One stale market is about that market; several of one platform are about its feed, and are one trip.

    `silent`: the platforms whose feed is known to be stale; while one comes back, its last market is no new trouble.
    """
    stale = [(row, age) for row in rows if (age := int((now - row.seen_at).total_seconds())) >= rule.seconds]
    by_platform = groupby(sorted(stale, key=lambda each: each[0].platform_id), key=lambda each: each[0].platform_id)
    return [_stale(platform_id, dict(each), rule, feed=platform_id in silent) for platform_id, each in by_platform]


def _stale(platform_id: str, ages: Mapping[LiveMarket, int], rule: StaleBreaker, *, feed: bool) -> Trip:
    names = sorted(market.market_id for market in ages)
    seconds = max(ages.values())
    alone = len(names) == 1 and not feed
    what = f"live market {names[0]}" if alone else f"{len(names)} live markets of {platform_id}"
    scope: Scope = {"market_id": names[0]} if alone else {"platform_id": platform_id}
    return Trip(
        breaker=BreakerType.DATA_STALE,
        severity=rule.severity,
        component=FEED,
        scope=scope,
        message=f"No update of {what} for {seconds} seconds",
        measured={
            "platform_id": platform_id,
            "seconds": seconds,
            "limit": rule.seconds,
            "count": len(names),
            "markets": list(names[:_MOST_NAMED]),
        },
    )


def edge_anomaly(rows: Sequence[LargeEdges], rule: EdgeBreaker) -> list[Trip]:
    return [
        Trip(
            breaker=BreakerType.EDGE_ANOMALY,
            severity=rule.severity,
            component=EDGES,
            scope={"model_id": row.model_id, "strategy_id": row.strategy_id},
            message=f"{row.edges} edges above {rule.above} in {rule.window_minutes} minutes, the largest {row.largest}:"
            " more likely a fault in the data than a gift",
            measured={
                "edges": row.edges,
                "limit": rule.count,
                "above": rule.above,
                "largest": row.largest,
                "window_minutes": rule.window_minutes,
            },
        )
        for row in rows
        if row.edges >= rule.count
    ]


def rapid_loss(rows: Sequence[Change], rule: RapidLossBreaker) -> list[Trip]:
    return [
        Trip(
            breaker=BreakerType.RAPID_LOSS,
            severity=rule.severity,
            component=RISK,
            scope={"platform_id": row.platform_id},
            message=f"Lost {-row.change:.2f} dollars on {row.platform_id} in {rule.window_minutes} minutes",
            measured={**_loss(row, rule.dollars), "window_minutes": rule.window_minutes},
        )
        for row in rows
        if -row.change >= rule.dollars
    ]


def daily_loss_limit(rows: Sequence[Change], rule: DailyLossBreaker, trading_day: str) -> list[Trip]:
    return [
        Trip(
            breaker=BreakerType.DAILY_LOSS_LIMIT,
            severity=rule.severity,
            component=RISK,
            scope={"platform_id": row.platform_id, "trading_day": trading_day},
            message=f"Lost {-row.change:.2f} dollars on {row.platform_id} today, the limit is {rule.dollars}",
            measured=_loss(row, rule.dollars),
        )
        for row in rows
        if -row.change >= rule.dollars
    ]


def _loss(row: Change, limit: Decimal) -> dict[str, int | Decimal]:
    return {"loss": -row.change, "limit": limit, "positions": row.positions}


def unusual_activity(rows: Sequence[Trades], rule: CountBreaker) -> list[Trip]:
    return [
        Trip(
            breaker=BreakerType.UNUSUAL_ACTIVITY,
            severity=rule.severity,
            component=ORDERS,
            scope={"platform_id": row.platform_id, "strategy_id": row.strategy_id},
            message=f"{row.trades} trades on {row.platform_id} in {rule.window_minutes} minutes by one strategy",
            measured={"trades": row.trades, "limit": rule.count, "window_minutes": rule.window_minutes},
        )
        for row in rows
        if row.trades >= rule.count
    ]


def consecutive_losses(rows: Sequence[Result], rule: StreakBreaker) -> list[Trip]:
    """`rows`: by strategy, the newest first. What came out even ends a streak."""
    return [
        trip
        for strategy_id, results in groupby(rows, key=attrgetter("strategy_id"))
        if (trip := _streak(strategy_id, [each.realized_pnl for each in results], rule)) is not None
    ]


def _streak(strategy_id: int, results: Sequence[Decimal], rule: StreakBreaker) -> Trip | None:
    losses = list(takewhile(lambda pnl: pnl < 0, results))
    if len(losses) < rule.count:
        return None
    lost = -sum(losses, Decimal(0))
    return Trip(
        breaker=BreakerType.CONSECUTIVE_LOSSES,
        severity=rule.severity,
        component=STRATEGIES,
        scope={"strategy_id": strategy_id},
        message=f"Strategy {strategy_id} lost {len(losses)} positions in a row, {lost:.2f} dollars together",
        measured={"losses": len(losses), "limit": rule.count, "lost": lost},
    )
