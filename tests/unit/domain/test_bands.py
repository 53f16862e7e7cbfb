from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.domain.alerts import Json
from precog.domain.bands import figure, steps_reached

pytestmark = pytest.mark.unit

STEPS = (Decimal(200), Decimal(400), Decimal(800))
numbers = st.decimals(min_value=-1000, max_value=1000, places=2)


@pytest.mark.parametrize(
    ("value", "reached"),
    [
        (199.99, 0),
        ("200", 1),
        (Decimal("400.00"), 2),
        (1e9, 3),
        (None, 0),
        ("many", 0),
        (True, 0),
        ("nan", 0),
        ([900], 0),
    ],
)
def test_a_step_is_reached_by_a_number_at_or_above_it(value: object, reached: int) -> None:
    assert steps_reached(value, STEPS) == reached


@given(st.lists(numbers, min_size=2))
def test_a_figure_is_told_exactly_where_a_higher_step_is_reached(series: Sequence[Decimal]) -> None:
    for before, now in pairwise(series):
        told = figure("loss", STEPS, {"loss": str(before)}, {"loss": str(now)})
        crossed = [step for step in STEPS if before < step <= now]
        assert (told and (told.before, told.now, told.step)) == (
            (str(before), str(now), crossed[-1]) if crossed else None
        )


@pytest.mark.parametrize("before", [{}, {"loss": None}, {"loss": "x" * 1000}, {"loss": {"a": 1}}])
def test_what_was_no_number_before_is_none(before: dict[str, Json]) -> None:
    told = figure("loss", STEPS, before, {"loss": 250})
    assert told is not None
    assert told.before is None
