"""Confidence intervals, against values from the literature and against what must hold of any."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.methods import intervals

pytestmark = pytest.mark.unit

D = Decimal


def test_wilsons_interval_of_a_published_example() -> None:
    """81 of 263: Newcombe, Statistics in Medicine 17 (1998) 857-872, table I."""
    assert intervals.share(81, 263) == (D("0.2553"), D("0.3662"))


def test_newcombes_interval_of_a_published_difference() -> None:
    """56/70 minus 48/80: Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 10."""
    assert intervals.difference(56, 70, 48, 80) == (D("0.0524"), D("0.3339"))


@given(of=st.integers(1, 10_000), data=st.data())
def test_a_share_lies_in_its_interval_and_the_interval_in_0_to_1(of: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, of))
    interval = intervals.share(count, of)
    assert interval is not None
    assert 0 <= interval.low <= D(count) / of + D("0.0001")
    assert D(count) / of - D("0.0001") <= interval.high <= 1


def test_nothing_has_no_interval() -> None:
    assert intervals.share(0, 0) is None
    assert intervals.difference(1, 2, 0, 0) is None
    assert intervals.difference(0, 0, 1, 2) is None


def _roi(bets: list[tuple[Decimal, Decimal]]) -> intervals.Interval | None:
    return intervals.roi(
        decided=len(bets),
        stake=sum((stake for stake, _ in bets), D(0)),
        profit=sum((profit for _, profit in bets), D(0)),
        stake_squared=sum((stake * stake for stake, _ in bets), D(0)),
        profit_squared=sum((profit * profit for _, profit in bets), D(0)),
        profit_by_stake=sum((stake * profit for stake, profit in bets), D(0)),
    )


def test_the_roi_of_equal_stakes_has_the_interval_of_a_mean() -> None:
    """Stakes of 1, half of them +1 and half -1: mean 0, deviation sqrt(40/39), error that over sqrt(40)."""
    assert _roi([(D(1), D(1)), (D(1), D(-1))] * 20) == (D("-0.3138"), D("0.3138"))


def test_returns_that_never_differ_leave_nothing_open() -> None:
    assert _roi([(D(4), D("0.2"))] * 30) == (D("0.0500"), D("0.0500"))


def test_few_bets_have_no_interval_of_their_roi() -> None:
    assert _roi([(D(1), D(1)), (D(1), D(-1))] * 14) is None
    assert _roi([]) is None
