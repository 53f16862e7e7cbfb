"""When two alerts are the same and when one is worse, as the configuration says it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from precog.domain.alerts import Category
from precog.domain.bands import steps_reached
from precog.errors import ConfigError
from precog.settings.alert_rules import AlertRules, BandRule
from precog.settings.load import load_rules

pytestmark = pytest.mark.unit

STEPS = (Decimal(200), Decimal("400.5"), Decimal(800))


@pytest.mark.parametrize(
    ("value", "band"),
    [
        (199, 0),
        (200, 1),
        ("400.50", 2),
        (Decimal("400.4999"), 1),
        (400.5, 2),
        (10**30, 3),
        ("8e2", 3),
        (-900, 0),
        (None, 0),
        (True, 0),
        ("a lot", 0),
        ("NaN", 0),
        (float("inf"), 0),
        ("9" * 101, 0),
        ([900], 0),
    ],
)
def test_a_band_is_the_number_of_steps_reached(value: object, band: int) -> None:
    assert steps_reached(value, STEPS) == band


def test_a_flag_is_no_number() -> None:
    assert steps_reached(True, [Decimal(1)]) == 0


@given(
    st.lists(st.decimals(allow_nan=False, allow_infinity=False), min_size=2, max_size=2),
    st.lists(st.integers(), max_size=5),
)
def test_more_is_never_a_lower_band(values: list[Decimal], steps: list[int]) -> None:
    low, high = sorted(values)
    rising = [Decimal(step) for step in sorted(set(steps))]
    assert steps_reached(low, rising) <= steps_reached(high, rising)


def test_a_type_without_rules_has_the_default_window_and_no_band() -> None:
    rules = AlertRules()
    assert rules.window_minutes("anything") == 60
    assert rules.band_of("anything", {"loss": 900}) == 0
    assert rules.category("anything") is None


def test_rules_hold_for_their_own_type_only() -> None:
    rules = AlertRules(
        windows={"rapid_loss": 5},
        bands={"rapid_loss": BandRule(field="loss", steps=STEPS)},
        categories={"rapid_loss": Category.RISK},
    )
    assert (rules.window_minutes("rapid_loss"), rules.window_minutes("daily_loss_limit")) == (5, 60)
    assert rules.band_of("rapid_loss", {"loss": "450"}) == 2
    assert rules.band_of("rapid_loss", {"gain": "450"}) == 0
    assert rules.category("rapid_loss") is Category.RISK


def test_rules_cannot_be_changed() -> None:
    rules = AlertRules(windows={"rapid_loss": 5})
    with pytest.raises(ValidationError):
        rules.default_window_minutes = 1
    tables: tuple[Any, ...] = (rules.windows, rules.fingerprint_keys, AlertRules().bands)
    for table in tables:
        with pytest.raises(TypeError):
            table["rapid_loss"] = ()


def test_the_rules_load_although_a_channel_is_half_configured(install: Callable[..., dict[str, str]]) -> None:
    environ = install(system="alerts: {default_window_minutes: 30}\nnotifications: {sms: {from_number: +1555}}\n")
    assert load_rules(environ).window_minutes("x") == 30


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("alerts: {default_window_minutes: yes}", "alerts.default_window_minutes: yes is a boolean to some"),
        ("alerts: {default_window_minutes: 0}", "alerts.default_window_minutes: should be greater than or equal to 1"),
        ("logging: {}", "alerts: is missing or empty"),
        ("alerts: [", "is not YAML"),
        (
            "alerts: {default_window_minutes_env: NO_SUCH}",
            "alerts.default_window_minutes_env: NO_SUCH is not set or blank",
        ),
    ],
)
def test_rules_that_are_wrong_are_an_error(install: Callable[..., dict[str, str]], text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_rules(install(system=text))
    assert problem in str(caught.value)


def test_a_rule_may_come_from_the_environment(install: Callable[..., dict[str, str]]) -> None:
    environ = install(system="alerts: {default_window_minutes_env: WINDOW}") | {"WINDOW": "15"}
    assert load_rules(environ).default_window_minutes == 15
