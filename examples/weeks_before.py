"""What the trading day begins with: markets, a model with a past, and two versions of a method in use."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from precog import methods, trading
from precog.trading import Edge, Event, Market, Model, Platform, Series, Settlement, Strategy, Trade, Versioned

MORNING = datetime(2026, 11, 22, 14, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
CENT = Decimal("0.01")
MARKETS = {"KC-WINS": "kalshi", "BUF-WINS": "kalshi", "PHI-WINS": "kalshi", "DUNE-OSCAR": "polymarket"}
OLDER, NEWER = "kelly_nfl@v1.0", "kelly_nfl@v1.1"


def the_weeks_before(dice: random.Random) -> dict[str, int]:
    """Platforms, markets and a model with a history, and two versions of a method that earned their activation."""
    for platform_id in dict.fromkeys(MARKETS.values()):
        trading.put_platform(Platform(platform_id=platform_id, display_name=platform_id.title()))
        series = Series(
            series_id=f"{platform_id}-SUNDAY",
            platform_id=platform_id,
            external_id="SUNDAY",
            category="sports",
            title="Sunday",
        )
        trading.put_series(series)
        live = Event(
            event_id=f"{platform_id}-LIVE",
            platform_id=platform_id,
            series_id=series.series_id,
            external_id="LIVE",
            category="sports",
            title="Games of today",
            status="live",
        )
        trading.put_event(live)
        trading.put_event(replace(live, event_id=f"{platform_id}-OVER", external_id="OVER", status="final"))
    trading.add_strategy(Strategy(name=Versioned("momentum", "v1.0"), config={}, status="active"))
    trading.add_model(Model(name=Versioned("elo_nfl", "v1.0"), category="sports", config={}, status="active"))
    made = {name: new_method(name) for name in (OLDER, NEWER)}
    won = the_past(dice, "EARLIER", made[OLDER], right=42, of=60, until=MORNING - 40 * DAY)
    the_past(dice, "LATELY", made[OLDER], right=16, of=45, until=MORNING - DAY)
    for name, method_id in made.items():
        on_paper(method_id, won[: 14 if name == OLDER else 12])
        methods.activate_method(name, keep_older=True)
    return made


def new_method(name: str) -> int:
    versioned = Versioned.parse(name)
    assert versioned is not None
    kelly = {"risk_config": {"kelly_fraction": Decimal("0.18")}} if name == NEWER else {}
    made = methods.create_method(
        *versioned, template="moderate", strategy="momentum@v1.0", model="elo_nfl@v1.0", overrides=kelly
    )
    return methods.start_testing(made.method_id).method_id


def the_past(dice: random.Random, name: str, method_id: int, *, right: int, of: int, until: datetime) -> list[str]:
    """So many settled markets, each given 0.70 beforehand, that often rightly; those that came."""
    outcomes = [number < right for number in range(of)]
    dice.shuffle(outcomes)
    for number, came in enumerate(outcomes):
        market_id, at = f"{name}-{number}", until - number * timedelta(hours=6)
        trading.record_market(replace(market(market_id, CENT * 60), status="settled"), at=at - 4 * MINUTE)
        trading.record_edge(edge(market_id, method_id, Decimal("0.70")), at=at - 3 * MINUTE)
        settle(market_id, came, at)
    return [f"{name}-{number}" for number, came in enumerate(outcomes) if came]


def on_paper(method_id: int, won: Sequence[str]) -> None:
    for market_id in won:
        trade = Trade(
            market_id=market_id,
            platform_id="kalshi",
            method_id=method_id,
            side="buy",
            price=CENT * 60,
            quantity=Decimal(10),
            is_paper=True,
        )
        trading.add_trade(trade, at=MORNING - 80 * DAY)


def market(market_id: str, price: Decimal) -> Market:
    platform_id = MARKETS.get(market_id, "kalshi")
    return Market(
        market_id=market_id,
        platform_id=platform_id,
        event_id=f"{platform_id}-{'LIVE' if market_id in MARKETS else 'OVER'}",
        external_id=market_id,
        title=f"{market_id}?",
        yes_price=price,
        no_price=1 - price,
        spread=CENT,
    )


def edge(market_id: str, method_id: int, probability: Decimal) -> Edge:
    return Edge(
        market_id=market_id,
        method_id=method_id,
        expected_value=probability - CENT * 60,
        true_win_probability=probability,
        market_implied_probability=CENT * 60,
        market_price=CENT * 60,
        confidence_level="high",
        recommended_action="auto_execute",
    )


def settle(market_id: str, came: bool, at: datetime) -> None:  # noqa: FBT001 - it came or it did not
    outcome = Settlement(
        market_id=market_id,
        platform_id=MARKETS.get(market_id, "kalshi"),
        outcome="yes" if came else "no",
        payout=Decimal(0),
    )
    trading.add_settlement(outcome, at=at)
