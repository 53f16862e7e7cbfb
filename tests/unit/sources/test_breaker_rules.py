"""When each of the seven breakers trips, by the shipped limits."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.domain.breakers import ApiFailures, Change, LargeEdges, LiveMarket, Result, Trades
from precog.settings.load import load_thresholds
from precog.sources import breaker_rules as rules

pytestmark = pytest.mark.unit

LIMITS = load_thresholds({}).trading.circuit_breakers
NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)


def _lost(dollars: str) -> list[Change]:
    return [Change(platform_id="kalshi", positions=3, change=-Decimal(dollars))]


@pytest.mark.parametrize(("failures", "trips"), [(4, 0), (5, 1), (6, 1)])
def test_failed_requests_trip_at_their_count(failures: int, trips: int) -> None:
    rows = [ApiFailures(platform_id="kalshi", failures=failures, last_error="HTTP 503")]
    found = rules.api_failures(rows, LIMITS.api_failures, {"kalshi": "kalshi_api"})
    assert [each.component for each in found] == ["kalshi_api"] * trips


@pytest.mark.parametrize(("dollars", "trips"), [("199.9999", 0), ("200", 1), ("-500", 0)])
def test_a_rapid_loss_trips_at_its_dollars(dollars: str, trips: int) -> None:
    found = rules.rapid_loss(_lost(dollars), LIMITS.rapid_loss)
    assert [each.measured["loss"] for each in found] == [Decimal(dollars)] * trips


@pytest.mark.parametrize(("dollars", "trips"), [("499.9999", 0), ("500", 1)])
def test_the_daily_limit_trips_once_a_platform_and_day(dollars: str, trips: int) -> None:
    found = rules.daily_loss_limit(_lost(dollars), LIMITS.daily_loss_limit, "2026-11-23")
    assert [each.scope for each in found] == [{"platform_id": "kalshi", "trading_day": "2026-11-23"}] * trips


@pytest.mark.parametrize(("trades", "trips"), [(19, 0), (20, 1)])
def test_unusual_activity_trips_at_its_count(trades: int, trips: int) -> None:
    rows = [Trades(platform_id="kalshi", strategy_id=None, trades=trades)]
    assert len(rules.unusual_activity(rows, LIMITS.unusual_activity)) == trips


@pytest.mark.parametrize(("edges", "trips"), [(2, 0), (3, 1)])
def test_large_edges_trip_at_their_count(edges: int, trips: int) -> None:
    rows = [LargeEdges(model_id=1, strategy_id=2, edges=edges, largest=Decimal("0.4"))]
    assert len(rules.edge_anomaly(rows, LIMITS.edge_anomaly)) == trips


def _markets(*ages: int, platform_id: str = "kalshi") -> list[LiveMarket]:
    return [
        LiveMarket(market_id=f"M{number}", platform_id=platform_id, seen_at=NOW - timedelta(seconds=age))
        for number, age in enumerate(ages)
    ]


@pytest.mark.parametrize(
    ("ages", "scopes"),
    [
        ((), []),
        ((119,), []),
        ((120,), [{"market_id": "M0"}]),
        ((10, 121), [{"market_id": "M1"}]),
        ((130, 140, 5), [{"platform_id": "kalshi"}]),
    ],
)
def test_one_stale_market_is_about_itself_and_several_about_the_feed(
    ages: tuple[int, ...], scopes: list[dict[str, str]]
) -> None:
    assert [each.scope for each in rules.data_stale(_markets(*ages), LIMITS.data_stale, NOW)] == scopes


def test_the_last_market_of_a_feed_that_comes_back_is_no_new_trouble() -> None:
    [trip] = rules.data_stale(_markets(5, 300), LIMITS.data_stale, NOW, silent={"kalshi"})
    assert (trip.scope, trip.measured["seconds"]) == ({"platform_id": "kalshi"}, 300)


def test_a_feed_that_died_names_the_worst_age_and_its_platform_alone() -> None:
    rows = [*_markets(200, 300), *_markets(150, platform_id="polymarket")]
    kalshi, polymarket = rules.data_stale(rows, LIMITS.data_stale, NOW)
    assert (kalshi.measured["seconds"], kalshi.measured["count"]) == (300, 2)
    assert polymarket.scope == {"market_id": "M0"}


def _results(*pnls: str, strategy_id: int = 1) -> list[Result]:
    """The newest first."""
    return [Result(strategy_id=strategy_id, realized_pnl=Decimal(pnl)) for pnl in pnls]


@pytest.mark.parametrize(
    ("pnls", "losses"),
    [
        (("-1",) * 4, None),
        (("-1",) * 5, 5),
        (("-1",) * 7 + ("3",), 7),
        (("3",) + ("-1",) * 9, None),
        (("-1", "-1", "0") + ("-1",) * 9, None),
    ],
    ids=["four", "five", "seven before a gain", "a gain since", "even ends it"],
)
def test_losses_in_a_row_are_counted_from_the_newest(pnls: tuple[str, ...], losses: int | None) -> None:
    found = rules.consecutive_losses(_results(*pnls), LIMITS.consecutive_losses)
    assert [each.measured["losses"] for each in found] == ([] if losses is None else [losses])


def test_each_strategy_has_a_streak_of_its_own() -> None:
    rows = [*_results(*["-1"] * 4), *_results(*["-2"] * 5, strategy_id=2)]
    [trip] = rules.consecutive_losses(rows, LIMITS.consecutive_losses)
    assert (trip.scope, trip.measured["lost"]) == ({"strategy_id": 2}, Decimal(10))


@given(st.lists(st.decimals(-100, 100, places=4), max_size=30))
def test_a_gain_at_the_newest_end_always_ends_a_streak(pnls: list[Decimal]) -> None:
    rows = [Result(strategy_id=1, realized_pnl=pnl) for pnl in (Decimal(1), *pnls)]
    assert rules.consecutive_losses(rows, LIMITS.consecutive_losses) == []


@given(st.lists(st.integers(0, 1000), max_size=30))
def test_a_dead_feed_is_never_more_than_one_trip_a_platform(ages: list[int]) -> None:
    found = rules.data_stale(_markets(*ages), LIMITS.data_stale, NOW)
    assert len(found) == (1 if any(age >= LIMITS.data_stale.seconds for age in ages) else 0)
