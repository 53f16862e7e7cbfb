"""A template with its overrides: what is merged, and everything that is wrong said together."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from precog.domain.methods import MethodConfigs
from precog.errors import Problem
from precog.methods.configs import overridden

pytestmark = pytest.mark.unit

TEMPLATE = MethodConfigs(
    position_mgmt_config={
        "trailing_stop": {"activates_at": Decimal("0.12"), "distance": Decimal("0.05")},
        "profit_target": Decimal("0.20"),
    },
    risk_config={"kelly_fraction": Decimal("0.20"), "max_position_dollars": 750},
    execution_config={"max_slippage": Decimal("0.020")},
    sport_config={"minimum_volume": {"nfl": 150, "nba": 100}},
)


def _over(overrides: Mapping[str, object], *, new_keys: bool = False) -> tuple[MethodConfigs, list[Problem]]:
    problems: list[Problem] = []
    return overridden(TEMPLATE, overrides, new_keys=new_keys, problems=problems), problems


def _problems(overrides: Mapping[str, object], *, new_keys: bool = False) -> dict[str, str]:
    return dict(_over(overrides, new_keys=new_keys)[1])


def test_an_override_replaces_one_value_and_leaves_those_beside_it() -> None:
    configs, problems = _over(
        {
            "position_mgmt_config": {"trailing_stop": {"distance": Decimal("0.04")}},
            "sport_config": {"minimum_volume": {"nba": 80}},
        }
    )
    assert problems == []
    assert configs.position_mgmt_config == {
        "trailing_stop": {"activates_at": Decimal("0.12"), "distance": Decimal("0.04")},
        "profit_target": Decimal("0.20"),
    }
    assert configs.sport_config == {"minimum_volume": {"nfl": 150, "nba": 80}}
    assert configs.risk_config == TEMPLATE.risk_config


def test_without_overrides_the_hash_is_that_of_the_template() -> None:
    assert _over({})[0].hash == TEMPLATE.hash
    assert _over({"risk_config": {"kelly_fraction": Decimal("0.2")}})[0].hash == TEMPLATE.hash
    assert _over({"risk_config": {"kelly_fraction": Decimal("0.21")}})[0].hash != TEMPLATE.hash


def test_the_template_is_left_as_it_was() -> None:
    before = TEMPLATE.hash
    _over({"sport_config": {"minimum_volume": {"nfl": 1}}})
    assert TEMPLATE.hash == before


def test_every_problem_is_said_at_once() -> None:
    found = _problems(
        {
            "risk_confg": {},
            "execution_config": 3,
            "risk_config": {"kelly_fractoin": Decimal("0.1"), "kelly_fraction": 0.18, "max_position_dollars": "500"},
            "position_mgmt_config": {"profit_target": 2, "trailing_stop": {"distance": Decimal("0.5")}},
            "sport_config": {"minimum_volume": {"nfl": -1}},
        }
    )
    assert "did you mean 'risk_config'?" in found["risk_confg"]
    assert "must be a mapping" in found["execution_config"]
    assert "did you mean 'kelly_fraction'?" in found["risk_config.kelly_fractoin"]
    assert 'write Decimal("0.18")' in found["risk_config.kelly_fraction"]
    assert found["risk_config.max_position_dollars"] == "is a text where the template has a number"
    assert found["position_mgmt_config.profit_target"] == "should be less than or equal to 1, not 2"
    assert "close at a loss" in found["position_mgmt_config.trailing_stop"]
    assert "greater than or equal to 0" in found["sport_config.minimum_volume.nfl"]
    assert len(found) == 8


def test_a_key_the_template_lacks_is_added_only_when_asked_for() -> None:
    wnba = {"sport_config": {"minimum_volume": {"wnba": 40}}}
    assert "allow new keys" in _problems(wnba)["sport_config.minimum_volume.wnba"]
    configs, problems = _over(wnba, new_keys=True)
    assert (configs.sport_config, problems) == ({"minimum_volume": {"nfl": 150, "nba": 100, "wnba": 40}}, [])
    assert "is none of the four configs" in _problems({"extra_config": {}}, new_keys=True)["extra_config"]


@pytest.mark.parametrize(
    "value",
    [Decimal("NaN"), Decimal("Infinity"), Decimal("1E+400"), 10**15, Decimal("1E-16"), 0.5, float("nan"), object()],
)
def test_a_number_that_is_not_exact_or_not_sane_is_refused(value: object) -> None:
    assert list(_problems({"risk_config": {"x": [value]}}, new_keys=True)) == ["risk_config.x[0]"]


def test_text_that_postgresql_does_not_store_is_refused() -> None:
    found = _problems({"risk_config": {"a": "\0", "b": "\ud800", 3: "x"}}, new_keys=True)
    assert list(found) == ["risk_config.a", "risk_config.b", "risk_config"]


def test_nesting_has_an_end() -> None:
    deep: object = 1
    for _ in range(50):
        deep = {"x": deep}
    assert any("deeper than 20" in text for text in _problems({"risk_config": {"x": deep}}, new_keys=True).values())
