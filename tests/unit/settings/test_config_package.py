"""`import config`: the files for programs that read them."""

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

import config
from precog.errors import ConfigError

pytestmark = pytest.mark.unit


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
    else:
        yield value


@pytest.mark.parametrize("name", config.NAMES)
def test_no_shipped_file_holds_a_float(name: str) -> None:
    leaves = list(_leaves(config.load(name, {})))
    assert leaves
    assert not [leaf for leaf in leaves if isinstance(leaf, float)]


def test_a_fraction_is_the_exact_decimal_that_is_written() -> None:
    profile: dict[str, object] = config.load("trade_strategies", {})["profiles"]["moderate"]  # type: ignore[index,call-overload,assignment]
    assert str(profile["max_slippage"]) == "0.020"
    assert profile["max_slippage"] == Decimal("0.02")


def test_plain_data_names_variables_and_never_holds_their_values() -> None:
    assert "hunter2" not in repr(config.load("system", {"SMTP_PASSWORD": "hunter2"}))


def test_an_unknown_file_is_named_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="there is no 'tradng'; did you mean 'trading'"):
        config.load("tradng")


def test_a_file_that_is_wrong_is_not_half_read(install: Callable[..., dict[str, str]]) -> None:
    with pytest.raises(ConfigError, match=r"trading\.yaml:1 dollars: a number does not keep its leading zero"):
        config.load("trading", install(trading="dollars: 0100\n"))


def test_settings_are_the_same_values_typed() -> None:
    assert config.settings({}).trading.circuit_breakers.rapid_loss.dollars == 200
