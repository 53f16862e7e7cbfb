"""Every amount of every trading row is exact or refused."""

from dataclasses import fields
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.domain import trading
from precog.domain.trading import Balance, Event, GameState, Row
from precog.errors import RowInvalid

pytestmark = pytest.mark.unit

ROWS = [each for each in vars(trading).values() if isinstance(each, type) and issubclass(each, Row) and each is not Row]


def _amounts(row: type[Row]) -> list[str]:
    return [each.name for each in fields(row) if each.type in (Decimal, Decimal | None)]  # type: ignore[arg-type]


def _counts(row: type[Row]) -> list[str]:
    """Ids and flags among them: none of the columns behind them holds a fraction."""
    return [each.name for each in fields(row) if each.type in (int, int | None, bool)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "row", [each for each in ROWS if _amounts(each) or _counts(each)], ids=lambda row: row.__name__
)
def test_a_float_is_refused_in_every_amount_and_every_count(row: Any) -> None:
    numbers = [each.name for each in fields(row) if each.name in {*_amounts(row), *_counts(row)}]
    given = {each.name: 0.5 if each.name in numbers else "x" for each in fields(row)}

    with pytest.raises(RowInvalid) as refused:
        row(**given)

    assert [place for place, _ in refused.value.problems] == [f"{row.__name__}.{name}" for name in numbers]


def test_a_flag_is_no_count() -> None:
    with pytest.raises(RowInvalid, match=r"GameState\.home_score: expected int, got bool"):
        GameState(
            event_id="E", sport="nfl", home_team="A", away_team="B", home_score=True, away_score=0,
            period="Q1", time_remaining="15:00", status="live",
        )  # fmt: skip


def test_most_rows_hold_amounts() -> None:
    assert {row.__name__ for row in ROWS if _amounts(row)} >= {
        "Market",
        "Position",
        "Edge",
        "Balance",
        "Trade",
        "Model",
        "ExitAttempt",
        "PositionExit",
    }


@given(st.decimals(-(10**9), 10**9, places=4) | st.integers(-(10**9), 10**9))
def test_four_decimals_are_taken_as_they_are(amount: Decimal) -> None:
    assert Balance(platform_id="kalshi", balance=amount).balance == amount


@given(st.decimals(-1000, 1000, places=9).filter(lambda amount: amount != round(amount, 4)), st.integers(1, 28))
def test_whatever_would_be_rounded_is_refused_in_every_decimal_context(amount: Decimal, precision: int) -> None:
    with localcontext(prec=precision), pytest.raises(RowInvalid, match=r"more than 4 decimals; round it yourself"):
        Balance(platform_id="kalshi", balance=amount)


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-Infinity", "1e14", "-1e999999"])
def test_what_no_column_holds_is_refused(amount: str) -> None:
    with pytest.raises(RowInvalid, match="is not a finite number below 100,000,000,000,000"):
        Balance(platform_id="kalshi", balance=Decimal(amount))


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(RowInvalid, match=r"Event.start_time: 2026-11-23T18:00:00 has no time zone; use datetime.now"):
        Event(
            event_id="E",
            platform_id="kalshi",
            series_id="NFL",
            external_id="X",
            category="sports",
            title="A game",
            start_time=datetime(2026, 11, 23, 18),  # noqa: DTZ001 - the mistake
        )
