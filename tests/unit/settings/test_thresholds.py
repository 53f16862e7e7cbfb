"""What the alert sources work by, and what an override may change of it."""

from collections.abc import Callable
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.errors import ConfigError
from precog.settings.load import load_thresholds
from precog.settings.thresholds import Override, Thresholds, overridden

pytestmark = pytest.mark.unit

SHIPPED = load_thresholds({})


def _override(key: str, value: object, data_type: str = "decimal") -> Override:
    return Override(override_id=7, config_key=key, value=value, data_type=data_type)  # type: ignore[arg-type]


def _refused(override: Override) -> str:
    same, problems = overridden(SHIPPED, [override])
    assert same == SHIPPED
    [(place, text)] = problems
    assert place == f"override 7 of {override.config_key}"
    return text


def test_the_shipped_files_hold_the_numbers_of_the_schema() -> None:
    breakers, pnl = SHIPPED.trading.circuit_breakers, SHIPPED.trading.profit_and_loss
    assert (breakers.api_failures.count, breakers.api_failures.window_minutes) == (5, 5)
    assert breakers.data_stale.seconds == 120
    edge = breakers.edge_anomaly
    assert (edge.count, edge.above, edge.window_minutes) == (3, Decimal("0.30"), 10)
    assert (breakers.rapid_loss.dollars, breakers.rapid_loss.window_minutes) == (Decimal(200), 15)
    assert (breakers.unusual_activity.count, breakers.unusual_activity.window_minutes) == (20, 5)
    assert (breakers.daily_loss_limit.dollars, breakers.daily_loss_limit.timezone) == (Decimal(500), ZoneInfo("UTC"))
    assert breakers.consecutive_losses.count == 5
    assert (pnl.loss_alert.dollars, pnl.gain_alert.dollars) == (Decimal(100), Decimal(500))
    assert SHIPPED.health.check_interval_seconds == 60
    assert SHIPPED.data_sources.usage_alert.at == Decimal("0.80")
    degradation = SHIPPED.probability_models.degradation
    assert (degradation.window_days, degradation.minimum_ratio) == (30, Decimal("0.85"))


def test_the_problems_of_all_their_files_come_together(install: Callable[..., dict[str, str]]) -> None:
    environ = install(
        trading="circuit_breakers: 1\n", probability_models="degradation: {}\n", system="health: {bad_reports: 0}\n"
    )
    with pytest.raises(
        ConfigError, match=r"(?s)system.yaml:1 health.bad_reports.*trading.yaml.*probability_models.yaml"
    ):
        load_thresholds(environ)


def test_a_fault_elsewhere_does_not_concern_the_sources(install: Callable[..., dict[str, str]]) -> None:
    assert load_thresholds(install(markets="nothing: 1\n", system="health: {}\nalerts: nonsense\n")).health == (
        SHIPPED.health
    )


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", ""])
def test_a_time_zone_is_one_that_exists(zone: str) -> None:
    assert "is no time zone; for example UTC" in _refused(
        _override("trading.circuit_breakers.daily_loss_limit.timezone", zone, "string")
    )


def test_a_component_cannot_be_stale_before_its_next_report(install: Callable[..., dict[str, str]]) -> None:
    with pytest.raises(ConfigError, match="stale_after_seconds must be above check_interval_seconds"):
        load_thresholds(install(system="health: {stale_after_seconds: 60}\n"))


@pytest.mark.parametrize(
    ("key", "value", "data_type", "read"),
    [
        (
            "trading.circuit_breakers.rapid_loss.dollars",
            Decimal("350.50"),
            "decimal",
            lambda t: t.trading.circuit_breakers.rapid_loss.dollars,
        ),
        ("trading.check_interval_seconds", 5, "integer", lambda t: t.trading.check_interval_seconds),
        (
            "trading.sports_live.execution.max_spread",
            Decimal("0.08"),
            "decimal",
            lambda t: t.trading.groups["sports_live"].execution.max_spread,
        ),
        (
            "trading.groups.sports_live.execution.max_spread",
            Decimal("0.08"),
            "decimal",
            lambda t: t.trading.groups["sports_live"].execution.max_spread,
        ),
        ("trading.trade_failures.severity", "critical", "string", lambda t: t.trading.trade_failures.severity),
        (
            "data_sources.sources.kalshi.rate_limit.requests",
            30,
            "integer",
            lambda t: t.data_sources.sources["kalshi"].rate_limit.requests,
        ),
        (
            "position_management.profiles.moderate.trailing_stop.distance",
            Decimal("0.06"),
            "decimal",
            lambda t: t.position_management.profiles["moderate"].trailing_stop.distance,
        ),
        (
            "position_management.alerts.position_oversized.at",
            Decimal("1.25"),
            "decimal",
            lambda t: t.position_management.alerts.position_oversized.at,
        ),
    ],
)
def test_an_override_takes_the_place_of_one_value(
    key: str, value: object, data_type: str, read: Callable[[Thresholds], object]
) -> None:
    changed, problems = overridden(SHIPPED, [_override(key, value, data_type)])

    assert (problems, read(changed)) == ([], value)
    assert overridden(changed, [_override(key, read(SHIPPED), data_type)])[0] == SHIPPED


@pytest.mark.parametrize(
    ("key", "value", "data_type", "said"),
    [
        ("trading.circuit_breakers.rapid_loss.dollars", "much", "decimal", "the value is no decimal: much"),
        ("trading.circuit_breakers.rapid_loss.dollars", True, "integer", "the value is no integer: True"),
        ("trading.circuit_breakers.rapid_loss.dollars", 5, "money", "data_type money is none of decimal, integer"),
        ("trading.circuit_breakers.rapid_loss.dollars", -5, "integer", "should be greater than 0, not -5"),
        ("trading.circuit_breakers.rapid_los.dollars", 5, "integer", "there is no key rapid_los; did you mean"),
        (
            "trading.circuit_breakers.rapid_loss",
            5,
            "integer",
            "rapid_loss holds several keys: override one of severity",
        ),
        ("trading", 5, "integer", "there is no key"),
        ("system.health.bad_reports", 5, "integer", "system is no file that can be overridden; trading, "),
        (
            "trading.trade_failures.severity",
            "dire",
            "string",
            "should be 'critical', 'high', 'medium' or 'low', not dire",
        ),
        (
            "position_management.profiles.moderate.trailing_stop.distance",
            Decimal("0.9"),
            "decimal",
            "distance must be below activates_at",
        ),
        ("position_management.alerts.exit_failing.attempts", Decimal("2.5"), "decimal", "should be a valid integer"),
        ("position_management.alerts.position_oversized.at", 0, "integer", "should be greater than 0, not 0"),
    ],
)
def test_a_bad_override_is_said_and_ignored(key: str, value: object, data_type: str, said: str) -> None:
    assert said in _refused(_override(key, value, data_type))


def test_a_bad_override_costs_no_good_one() -> None:
    good = _override("trading.check_interval_seconds", 5, "integer")
    changed, problems = overridden(SHIPPED, [_override("trading.nothing", 1, "integer"), good])
    assert (changed.trading.check_interval_seconds, len(problems)) == (5, 1)


_KEYS = st.lists(st.sampled_from(["trading", "groups", "sports_live", "circuit_breakers", "x", ""]), max_size=4)
_VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.decimals(), st.text(max_size=5), st.lists(st.none()))


@given(path=_KEYS, value=_VALUES, data_type=st.sampled_from(["decimal", "integer", "boolean", "string", "json"]))
def test_whatever_stands_in_the_table_ends_as_a_problem_at_worst(
    path: list[str], value: object, data_type: str
) -> None:
    changed, problems = overridden(SHIPPED, [_override(".".join(path), value, data_type)])
    assert (changed == SHIPPED) or not problems
