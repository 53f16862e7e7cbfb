"""Small and plain details take a shorter way through the sanitizer, to the same result."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.domain import sanitize
from precog.domain.sanitize import safe_details

pytestmark = pytest.mark.unit

_texts = st.text(string.printable, max_size=220) | st.text(max_size=5)
_numbers = st.integers() | st.floats() | st.integers(2**53 - 2, 2**53 + 2) | st.integers(-(2**53) - 2, -(2**53) + 2)
_names = (
    st.text(string.printable, max_size=220) | st.sampled_from(["api_key", "loss", "token_id", "token"]) | st.integers()
)
_values = st.recursive(
    _texts | _numbers | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=8) | st.tuples(inner) | st.dictionaries(_names, inner, max_size=8),
    max_leaves=60,
)


def _walked(details: dict[Any, object]) -> str:
    return repr(sanitize._Walk().over(details))


@given(st.dictionaries(_names, _values, max_size=10))
def test_the_short_way_leads_where_the_long_one_does(details: dict[Any, object]) -> None:
    assert repr(safe_details(details)) == _walked(details)


@pytest.mark.parametrize("character", ['"', "\\", "x"])
def test_the_most_that_goes_the_short_way_is_inside_every_cap(character: str) -> None:
    details: dict[Any, object] = {f"{number:02}".ljust(200, character): character * 200 for number in range(50)}

    assert sanitize._plain_copy(details) == details
    assert repr(details) == _walked(details)


def test_what_goes_the_short_way_is_a_copy() -> None:
    details = {"prices": ["0.51"], "window": {"minutes": 15}}
    safe = safe_details(details)
    details["prices"] = []

    assert safe == {"prices": ["0.51"], "window": {"minutes": 15}}


def test_a_secret_and_a_circle_go_the_long_way() -> None:
    circle: dict[str, object] = {}
    circle["itself"] = circle

    assert [sanitize._plain_copy(each) for each in ({"api_key": "7"}, circle)] == [None, None]
