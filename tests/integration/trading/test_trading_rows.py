"""Trading rows: exact amounts, and versions that follow each other without a gap whoever writes them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from precog.domain.methods import Versioned
from precog.domain.trading import Balance, Edge, Model, Position, Settlement, Strategy, Trade
from precog.errors import RowInvalid, RowRefused
from precog.store import trading, trading_versions
from tests.integration.trading.conftest import a_market

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]

POSITION = Position(
    market_id="KC-WINS", platform_id="kalshi", side="yes", entry_price=Decimal("0.5"), quantity=Decimal(100)
)
EDGE = Edge(
    market_id="KC-WINS",
    method_id=1,
    expected_value=Decimal("0.08"),
    true_win_probability=Decimal("0.58"),
    market_implied_probability=Decimal("0.5"),
    market_price=Decimal("0.5"),
    confidence_level="high",
    recommended_action="alert",
)


def _record_market(number: int) -> None:
    trading_versions.record_market(a_market(yes_price=Decimal(number) / 1000))


def _record_balance(number: int) -> None:
    trading_versions.record_balance(Balance(platform_id="kalshi", balance=Decimal(number)))


@pytest.mark.parametrize(
    ("table", "record"), [("markets", _record_market), ("account_balance", _record_balance)], ids=["market", "balance"]
)
def test_of_many_writers_each_ends_the_version_before_its_own(
    table: str, record: Callable[[int], None], ground: None, sql: Run
) -> None:
    """The first version among them: nobody registered the thing before."""
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(record, range(1, 201)))

    assert _history(sql, table) == (200, 1, 0)


def test_of_many_writers_of_one_position_none_loses_a_version(market: str, sql: Run) -> None:
    position_id = trading_versions.record_position(POSITION)

    def record(number: int) -> None:
        trading_versions.record_position(replace(POSITION, position_id=position_id, unrealized_pnl=Decimal(number)))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(record, range(1, 201)))

    assert _history(sql, "positions") == (201, 1, 0)


def _history(sql: Run, table: str) -> tuple[int, int, int]:
    """Versions, current ones, and those that do not begin exactly when the one before them ended."""
    return sql(
        "SELECT count(*), count(*) FILTER (WHERE row_current_ind), count(*) FILTER (WHERE row_start_ts <> ended)"
        f" FROM (SELECT *, lag(row_end_ts) OVER (ORDER BY row_start_ts) AS ended FROM {table}) AS v"
    )[0]


def test_what_is_unchanged_is_confirmed_and_makes_no_version(market: str, sql: Run) -> None:
    before = sql("SELECT updated_at FROM markets")[0][0]

    assert not trading_versions.record_market(a_market())
    assert trading_versions.record_market(a_market(metadata={"limit": Decimal("0.10")}))
    assert not trading_versions.record_market(a_market(metadata={"limit": Decimal("0.1")}))

    versions = sql("SELECT row_current_ind, updated_at > %s FROM markets ORDER BY row_start_ts", before)
    assert versions == [(False, True), (True, True)]


def test_a_clock_that_went_back_costs_no_version(ground: None, sql: Run) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    trading_versions.record_balance(Balance(platform_id="kalshi", balance=Decimal(1)), at=later)

    trading_versions.record_balance(Balance(platform_id="kalshi", balance=Decimal(2)))

    assert _history(sql, "account_balance") == (2, 1, 0)
    assert trading_versions.current_balance("kalshi") == 2


def test_amounts_come_back_as_they_were_given(market: str, method: int, sql: Run) -> None:
    trading_versions.record_market(a_market(yes_price=Decimal("0.1234"), metadata={"fee": Decimal("0.07")}))
    position_id = trading_versions.record_position(replace(POSITION, realized_pnl=Decimal("-0.0001")))

    found = trading_versions.current_market("KC-WINS")
    held = trading_versions.current_position(position_id)

    assert found is not None
    assert (found.yes_price, found.metadata) == (Decimal("0.1234"), {"fee": Decimal("0.07")})
    assert held == replace(POSITION, position_id=position_id, realized_pnl=Decimal("-0.0001"))
    assert trading_versions.open_positions() == [held]
    assert trading_versions.current_market("nothing") is None


def test_a_new_thing_gets_an_id_and_an_unknown_id_is_refused(market: str, method: int) -> None:
    first, second = trading_versions.record_edge(EDGE), trading_versions.record_edge(EDGE)

    assert first != second
    assert trading_versions.record_edge(replace(EDGE, edge_id=first, expected_value=Decimal("0.09"))) == first
    with pytest.raises(RowRefused, match=r"there is no edge 4711; a new one is recorded without an id"):
        trading_versions.record_edge(replace(EDGE, edge_id=4711))
    with pytest.raises(RowRefused, match="there is no position 4711"):
        trading_versions.record_position(replace(POSITION, position_id=4711))


def test_a_float_is_refused_with_the_way_to_write_it() -> None:
    with pytest.raises(
        RowInvalid, match=r'Market.yes_price: 0.1 is a float, which is not exact; write Decimal\("0.1"\)'
    ):
        a_market(yes_price=0.1)


def test_everything_that_is_wrong_with_a_row_is_said_at_once() -> None:
    with pytest.raises(RowInvalid) as refused:
        a_market(yes_price=True, no_price=Decimal("0.33333"), spread=None, volume=Decimal("NaN"), metadata={"a": [0.5]})

    assert [f"{place} {text}"[:60] for place, text in refused.value.problems] == [
        "Market.yes_price expected Decimal, got bool",
        "Market.no_price 0.33333 has more than 4 decimals; round it y",
        "Market.spread is missing",
        "Market.volume NaN is not a finite number below 100,000,000,0",
        "Market.metadata a[0]: 0.5 is a float, which is not exact; wr",
    ]


def test_what_the_database_forbids_is_refused_in_its_words(market: str) -> None:
    with pytest.raises(RowRefused, match="markets_yes_price_check"):
        trading_versions.record_market(a_market(yes_price=Decimal("1.5")))
    with pytest.raises(RowRefused, match="nowhere"):
        trading_versions.record_market(a_market(platform_id="nowhere"))
    with pytest.raises(RowRefused, match="overflow"):
        trading_versions.record_position(replace(POSITION, unrealized_pnl=Decimal(10) ** 9))


def test_what_is_done_and_settled_is_inserted_with_its_time(market: str, method: int, sql: Run) -> None:
    then = datetime(2026, 11, 1, tzinfo=UTC)
    trade = Trade(
        market_id=market,
        platform_id="kalshi",
        method_id=method,
        side="buy",
        price=Decimal("0.4"),
        quantity=Decimal(10),
    )

    trade_id = trading.add_trade(trade, at=then)
    trading.add_settlement(
        Settlement(market_id=market, platform_id="kalshi", outcome="yes", payout=Decimal(10)), at=then
    )
    trading.add_api_failure("kalshi", "GET /markets", "HTTP 503", at=then)

    assert sql("SELECT trade_id, price, created_at FROM trades") == [(trade_id, Decimal("0.4"), then)]
    assert sql("SELECT outcome, created_at FROM settlements") == [("yes", then)]
    assert sql("SELECT request, created_at FROM api_failures") == [("GET /markets", then)]


def test_a_version_of_a_strategy_or_model_is_stored_once(ground: None, sql: Run) -> None:
    strategy = Strategy(name=Versioned("momentum", "v1.0"), config={"threshold": Decimal("0.05")})
    model = Model(name=Versioned("elo_nfl", "v2.1"), category="sports", config={}, validation_accuracy=Decimal("0.7"))

    trading.add_strategy(strategy)
    trading.add_model(model)

    assert sql("SELECT strategy_name, config::text FROM strategies") == [("momentum", '{"threshold": 0.05}')]
    assert sql("SELECT model_name, validation_accuracy FROM probability_models") == [("elo_nfl", Decimal("0.7"))]
    with pytest.raises(RowRefused, match="strategies_version_key"):
        trading.add_strategy(strategy)
