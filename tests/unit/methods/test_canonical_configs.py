"""The canonical form: equal configs have one text and one hash, whatever way they are written."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.domain.methods import Config, canonical_json, config_hash

pytestmark = pytest.mark.unit

_numbers = st.integers(-(10**15), 10**15) | st.decimals(-(10**9), 10**9, allow_nan=False, places=6)
_configs: st.SearchStrategy[Config] = st.recursive(
    st.none() | st.booleans() | _numbers | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Decimal("0.10"), "0.1"),
        (Decimal("1E+2"), "100"),
        (Decimal("100.00"), "100"),
        (Decimal("-0.00"), "0"),
        (Decimal("-0.50"), "-0.5"),
        (Decimal("1E-7"), "0.0000001"),
        (500, "500"),
        (Decimal("123456789012345678901234567890.10"), "123456789012345678901234567890.1"),
    ],
)
def test_a_number_has_one_spelling(number: int | Decimal, text: str) -> None:
    assert canonical_json(number) == text


def test_order_spelling_and_whitespace_do_not_matter_and_everything_else_does() -> None:
    one = json.loads('{"b": [1, true], "a": {"x": 0.10, "y": "t"}}', parse_float=Decimal)
    same = json.loads('{"a":{"y":"t","x":1e-1},"b":[1.0,true]}', parse_float=Decimal)
    other = json.loads('{"a": {"x": "0.1", "y": "t"}, "b": [1, true]}', parse_float=Decimal)
    assert config_hash(one) == config_hash(same)
    assert len({config_hash(one), config_hash(other), config_hash({**one, "b": [True, 1]})}) == 3


def test_true_is_not_one() -> None:
    assert canonical_json([True, 1, None]) == "[true,1,null]"


@given(config=_configs)
def test_the_text_is_json_of_the_same_value_indented_or_not(config: Config) -> None:
    for text in (canonical_json(config), canonical_json(config, indent="  ")):
        assert json.loads(text, parse_float=Decimal) == config
        assert canonical_json(json.loads(text, parse_float=Decimal)) == canonical_json(config)


@given(config=_configs)
def test_an_indented_text_is_laid_out_as_people_expect(config: Config) -> None:
    with_floats = json.loads(canonical_json(config), parse_float=Decimal)
    if not any(character in canonical_json(config) for character in "."):
        assert canonical_json(config, indent="  ") == json.dumps(
            with_floats, indent=2, sort_keys=True, ensure_ascii=False
        )
