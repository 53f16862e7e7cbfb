"""What a method made: views and comparison, reckoned a second time in fractions from the single trades."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from precog.domain.methods import Method
from precog.errors import MethodInvalid
from precog.methods import activate_method, compare_methods, deprecate_method
from precog.store import methods as store

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]
Make = Callable[..., Method]
Trade = Callable[..., None]

D = Decimal


def _bet(sql: Run) -> tuple[Any, ...]:
    return sql("SELECT stake, profit FROM method_bets")[0]


@pytest.fixture
def position(sql: Run) -> Callable[[str], int]:
    """The number of a new position on the YES or the NO side of the open market."""

    def make(side: str) -> int:
        found = sql(
            "INSERT INTO positions (market_id, platform_id, side, entry_price, quantity)"
            " VALUES ('M-OPEN', 'kalshi', %s, 0.4, 10) RETURNING position_id",
            side,
        )
        return int(found[0][0])

    return make


@pytest.mark.parametrize(("market", "profit"), [("M-YES", D("5.95")), ("M-NO", D("-4.05")), ("M-OPEN", None)])
def test_what_is_held_pays_when_the_market_is_settled(
    new_method: Make, trade: Trade, sql: Run, market: str, profit: Decimal | None
) -> None:
    trade(new_method().method_id, market, fees="0.05")
    assert _bet(sql) == (D("4"), profit)


def test_what_is_sold_again_needs_no_settlement(new_method: Make, trade: Trade, sql: Run) -> None:
    method = new_method().method_id
    trade(method, "M-OPEN", position_id=None)
    trade(method, "M-OPEN", position_id=None, side="sell", price="0.55", quantity=4)
    assert _bet(sql) == (D("4"), None)
    trade(method, "M-OPEN", position_id=None, side="sell", price="0.35", quantity=6)
    assert _bet(sql) == (D("4"), D("0.30"))


@pytest.mark.parametrize(
    ("side", "outcome", "profit"), [("yes", "yes", 6), ("yes", "no", -4), ("no", "yes", -4), ("no", "no", 6)]
)
def test_the_no_side_wins_when_the_market_says_no(
    new_method: Make, trade: Trade, sql: Run, position: Callable[[str], int], side: str, outcome: str, profit: int
) -> None:
    trade(new_method().method_id, "M-OPEN", position_id=position(side))
    sql("INSERT INTO settlements (market_id, platform_id, outcome, payout) VALUES ('M-OPEN', 'kalshi', %s, 0)", outcome)
    assert _bet(sql) == (D("4"), D(profit))


def test_another_outcome_pays_what_the_market_settled_at(new_method: Make, trade: Trade, sql: Run) -> None:
    trade(new_method().method_id, "M-OPEN")
    sql("INSERT INTO settlements (market_id, platform_id, outcome, payout) VALUES ('M-OPEN', 'kalshi', 'other', 0)")
    assert _bet(sql) == (D("4"), None)
    sql(
        "WITH closed AS (UPDATE markets SET row_current_ind = false WHERE row_current_ind AND market_id = 'M-OPEN'"
        " RETURNING *) INSERT INTO markets (market_id, platform_id, event_id, external_id, title, market_type,"
        " yes_price, no_price, spread, status, settlement_value) SELECT market_id, platform_id, event_id, external_id,"
        " title, market_type, yes_price, no_price, spread, 'settled', 0.75 FROM closed"
    )
    assert _bet(sql) == (D("4"), D("3.5"))


def test_a_corrected_settlement_holds(new_method: Make, trade: Trade, sql: Run) -> None:
    trade(new_method().method_id, "M-YES")
    sql("INSERT INTO settlements (market_id, platform_id, outcome, payout) VALUES ('M-YES', 'kalshi', 'no', 0)")
    assert _bet(sql) == (D("4"), D("-4"))


def test_selling_what_is_not_held_puts_the_rest_of_the_dollar_at_risk(new_method: Make, trade: Trade, sql: Run) -> None:
    trade(new_method().method_id, "M-NO", side="sell")
    assert _bet(sql) == (D("6"), D("4"))


def test_paper_and_live_are_never_added_up(new_method: Make, trade: Trade, sql: Run) -> None:
    method = new_method().method_id
    trade(method, "M-YES", is_paper=True, position_id=None)
    trade(method, "M-YES", position_id=None)
    assert sql("SELECT is_paper, trades, bets, roi FROM method_performance ORDER BY is_paper") == [
        (False, 1, 1, D("1.5000")), (True, 1, 1, D("1.5000")),
    ]  # fmt: skip


@dataclass(frozen=True)
class Fill:
    bet: int
    market: str
    side: str
    price: Decimal
    quantity: Decimal
    fees: Decimal


def _any_fills(random: Random) -> list[Fill]:
    """Forty bets of one to four fills, on every kind of market, some of them sold in part."""
    fills = []
    for bet in range(40):
        market = random.choice(["M-YES", "M-NO", "M-OPEN"])
        for number in range(random.randint(1, 4)):
            side = "buy" if number == 0 else random.choice(["buy", "sell"])
            price = D(random.randint(1, 9999)).scaleb(-4)
            quantity = D(random.randint(40_000, 90_000) if number == 0 else random.randint(1, 10_000)).scaleb(-4)
            fills.append(Fill(bet, market, side, price, quantity, D(random.randint(-50, 500)).scaleb(-4)))
    return fills


def _reckoned(fills: Sequence[Fill]) -> tuple[list[tuple[Fraction, Fraction]], int]:
    """Stake and profit of every decided bet, and how many bets there were."""
    value = {"M-YES": Fraction(1), "M-NO": Fraction(0)}
    bets: dict[int, list[Fill]] = {}
    for fill in fills:
        bets.setdefault(fill.bet, []).append(fill)
    decided = []
    for each in bets.values():
        if each[0].market in value:
            stake = sum(Fraction(fill.price) * Fraction(fill.quantity) for fill in each if fill.side == "buy")
            profit = Fraction(0)
            for fill in each:
                sign = 1 if fill.side == "buy" else -1
                worth = value[fill.market] - Fraction(fill.price)
                profit += sign * Fraction(fill.quantity) * worth - Fraction(fill.fees)
            decided.append((Fraction(stake), profit))
    return decided, len(bets)


def _four(value: Fraction) -> Decimal:
    return (D(value.numerator) / D(value.denominator)).quantize(D("0.0001"), ROUND_HALF_UP)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_011_win_rate_and_roi_are_right_to_the_last_digit(new_method: Make, trade: Trade, sql: Run, seed: int) -> None:
    method, fills = new_method().method_id, _any_fills(Random(seed))
    positions = [sql("INSERT INTO position_keys DEFAULT VALUES RETURNING position_id")[0][0] for _ in range(40)]
    for fill in fills:
        trade(
            method, fill.market, position_id=positions[fill.bet], side=fill.side, price=fill.price,
            quantity=fill.quantity, fees=fill.fees,
        )  # fmt: skip
    decided, bets = _reckoned(fills)
    won = sum(profit > 0 for _, profit in decided)
    stake, profit = sum(stake for stake, _ in decided), sum(profit for _, profit in decided)

    fared = store.performance([method])[method, False]

    assert (fared.trades, fared.bets, fared.decided, fared.won) == (len(fills), bets, len(decided), won)
    assert (Fraction(fared.stake), Fraction(fared.profit)) == (stake, profit)
    assert (fared.roi, fared.win_rate) == (_four(Fraction(profit) / stake), _four(Fraction(won, len(decided))))


def test_011_active_methods_shows_what_is_in_use_and_how_it_fares(proven: Make, trade: Trade, sql: Run) -> None:
    proven("v1.0")
    proven("v1.0", name="other")
    method = activate_method("kelly@v1.0").method
    for market in ("M-YES", "M-YES", "M-NO"):
        trade(method.method_id, market)
    assert sql(
        "SELECT method_name, strategy_name, strategy_version, model_name, model_version, live_trades, live_roi,"
        " live_win_rate FROM active_methods"
    ) == [("kelly", "test_strategy", "v1.0", "test_model", "v1.0", 3, D("0.6667"), D("0.6667"))]


def test_011_a_trade_is_attributed_to_all_that_stands_behind_it(new_method: Make, trade: Trade, sql: Run) -> None:
    method = new_method()
    trade(method.method_id, "M-YES")
    trade(method.method_id, "M-OPEN", strategy_id=1, model_id=1, is_paper=True)
    assert sql(
        "SELECT market_id, is_paper, method_name, method_version, method_status, config_hash, strategy_name,"
        " strategy_version, model_name, model_version, bet_stake, bet_profit, bet_won"
        " FROM complete_trade_attribution ORDER BY trade_id"
    ) == [
        ("M-YES", False, "kelly", "v1.0", "draft", method.config_hash, "test_strategy", "v1.0", "test_model", "v1.0",
         D("4"), D("6"), True),
        ("M-OPEN", True, "kelly", "v1.0", "draft", method.config_hash, "test_strategy", "v1.0", "test_model", "v1.0",
         D("4"), None, None),
    ]  # fmt: skip
    assert sql("SELECT method_id, is_paper FROM trade_attribution ORDER BY trade_id") == [
        (method.method_id, False), (method.method_id, True),
    ]  # fmt: skip


# 010: versions side by side


def test_010_versions_are_compared_over_the_time_in_which_all_of_them_ran(new_method: Make, trade: Trade) -> None:
    first, second = new_method("v1.0").method_id, new_method("v1.1").method_id
    noon = datetime(2026, 11, 1, 12, tzinfo=UTC)
    trade(first, "M-YES", created_at=noon - timedelta(days=1))
    for number in range(8):
        trade(first, "M-YES" if number < 3 else "M-NO", created_at=noon + timedelta(hours=number))
        trade(second, "M-YES" if number < 6 else "M-NO", created_at=noon + timedelta(hours=number))
    trade(second, "M-YES", is_paper=True, created_at=noon)

    comparison = compare_methods(["kelly@v1.0", "kelly@v1.1"])

    assert (comparison.since, comparison.is_paper) == (noon, False)
    one, two = comparison.versions
    assert (str(one.method.name), one.trades, one.decided, one.won) == ("kelly@v1.0", 8, 8, 3)
    assert (one.roi, one.win_rate, one.lead) == (D("-0.0625"), D("0.3750"), None)
    assert (two.trades, two.won, two.roi, two.win_rate) == (8, 6, D("0.8750"), D("0.7500"))
    assert one.win_rate_interval == (D("0.1368"), D("0.6943"))
    assert two.win_rate_interval == (D("0.4093"), D("0.9285"))
    assert two.lead is not None
    assert two.lead.low < 0 < two.lead.high
    assert two.roi_interval is None


def test_010_the_period_may_be_given_and_a_bet_belongs_to_when_it_was_opened(new_method: Make, trade: Trade) -> None:
    first, second = new_method("v1.0").method_id, new_method("v1.1").method_id
    day = datetime(2026, 11, 1, tzinfo=UTC)
    for method in (first, second):
        for hours in (-1, 0, 23, 24):
            trade(method, created_at=day + timedelta(hours=hours))
    comparison = compare_methods([first, second], since=day, until=day + timedelta(days=1))
    assert [each.trades for each in comparison.versions] == [2, 2]


def test_010_enough_bets_give_the_roi_an_interval(new_method: Make, trade: Trade) -> None:
    first, second = new_method("v1.0").method_id, new_method("v1.1").method_id
    day = datetime(2026, 11, 1, tzinfo=UTC)
    for number in range(30):
        trade(first, "M-YES" if number % 2 else "M-NO", price="0.5", quantity=2, created_at=day)
    trade(second, created_at=day)
    one, two = compare_methods([first, second]).versions
    assert one.roi_interval == (D("-0.3640"), D("0.3640"))
    assert two.roi_interval is None


def test_010_a_comparison_that_compares_nothing_is_refused(new_method: Make, trade: Trade) -> None:
    first, second = new_method("v1.0"), new_method("v1.1")
    with pytest.raises(MethodInvalid, match="two different ones"):
        compare_methods([first.method_id, "kelly@v1.0"])
    trade(first.method_id)
    with pytest.raises(MethodInvalid, match=r"kelly@v1\.1 has no live trade yet"):
        compare_methods([first.method_id, second.method_id])
    deprecate_method(first.method_id)
    trade(second.method_id)
    with pytest.raises(MethodInvalid, match="nothing lies between"):
        compare_methods([first.method_id, second.method_id])
    with pytest.raises(MethodInvalid, match="no time zone"):
        compare_methods([first.method_id, second.method_id], since=datetime(2026, 1, 1))  # noqa: DTZ001
