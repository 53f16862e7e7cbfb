"""Python and PostgreSQL compute one hash; the shipped templates are the shipped profiles; both know the same moves."""

import itertools
import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import psycopg2.extensions
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import config
from precog.domain.methods import CONFIGS, MOVES, Config, MethodStatus, canonical_json, config_hash
from precog.methods import create_method

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor
_one_database = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
_text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
_numbers = st.integers(-(10**18), 10**18) | st.decimals(-(10**9), 10**9, allow_nan=False) | st.just(Decimal("-0.0"))
_configs: st.SearchStrategy[Config] = st.recursive(
    st.none() | st.booleans() | _numbers | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=4),
    max_leaves=8,
)


def _spelt(value: Config) -> str:
    """JSON with its numbers written as Python happens to hold them: 1E+2, 0.10, -0.0."""
    match value:
        case Decimal():
            return str(value)
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)}: {_spelt(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(_spelt(each) for each in value) + "]"
        case _:
            return json.dumps(value)


@_one_database
@given(value=_configs)
def test_004_both_sides_write_the_same_canonical_text(db_cursor: Cursor, value: Config) -> None:
    db_cursor.execute("SELECT canonical_json(%s::jsonb)", (_spelt(value),))
    assert db_cursor.fetchone() == (canonical_json(value),)


@_one_database
@given(configs=st.fixed_dictionaries({name: st.dictionaries(_text, _configs, max_size=3) for name in CONFIGS}))
def test_004_both_sides_compute_the_same_hash(db_cursor: Cursor, configs: dict[str, Config]) -> None:
    db_cursor.execute(
        "SELECT method_config_hash(%s::jsonb, %s::jsonb, %s::jsonb, %s::jsonb)",
        [_spelt(configs[name]) for name in CONFIGS],
    )
    assert db_cursor.fetchone() == (config_hash(configs),)


@_one_database
@given(
    part=st.decimals(-(10**6), 10**6, places=8) | st.integers(-100, 100),
    whole=st.decimals(-(10**6), 10**6, places=8) | st.integers(-100, 100),
)
def test_011_a_ratio_is_rounded_once_and_half_away_from_zero(
    db_cursor: Cursor, part: Decimal | int, whole: Decimal | int
) -> None:
    db_cursor.execute("SELECT exact_ratio(%s, %s)", (part, whole))
    (found,) = db_cursor.fetchone() or (None,)
    if whole == 0:
        assert found is None
        return
    exact = Fraction(part) / Fraction(whole) * 10_000
    assert Fraction(found) * 10_000 == (int(abs(exact) + Fraction(1, 2)) * (1 if exact >= 0 else -1))


def test_011_a_ratio_just_below_a_half_is_not_rounded_up(db_cursor: Cursor) -> None:
    """Division alone would give 0.00005000000000000000, and that would become 0.0001."""
    db_cursor.execute("SELECT exact_ratio(0.00004999999999999999999999999, 1)")
    assert db_cursor.fetchone() == (Decimal("0.0000"),)


def test_006_python_and_the_database_know_the_same_moves(db_cursor: Cursor) -> None:
    for here, there in itertools.product(MethodStatus, repeat=2):
        db_cursor.execute("SELECT method_may_move(%s, %s)", (here, there))
        assert db_cursor.fetchone() == (there in MOVES[here],)


def test_005_the_shipped_templates_are_the_shipped_profiles(
    db_cursor: Cursor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PRECOG_CONFIG_DIR", raising=False)
    positions = config.settings({}).position_management.profiles
    entries = config.settings({}).trade_strategies.profiles
    db_cursor.execute(
        "SELECT template_name, position_mgmt_config::text, risk_config::text, execution_config::text,"
        " sport_config::text FROM method_templates ORDER BY template_id"
    )
    seeds = {name: [json.loads(text, parse_float=Decimal) for text in texts] for name, *texts in db_cursor.fetchall()}
    profiles = {
        name: [
            {"trailing_stop": profile.trailing_stop.model_dump(), "profit_target": profile.profit_target},
            {"kelly_fraction": profile.kelly_fraction, "max_position_dollars": profile.max_position_dollars},
            {"max_slippage": entries[name].max_slippage},
            {"minimum_volume": dict(entries[name].minimum_volume)},
        ]
        for name, profile in positions.items()
    }
    assert list(seeds) == ["conservative", "moderate", "aggressive"]
    assert seeds == profiles


@pytest.mark.parametrize("template", ["conservative", "moderate", "aggressive"])
def test_005_each_shipped_template_makes_a_method(ground: None, db_cursor: Cursor, template: str) -> None:
    method = create_method("kelly", "v1.0", template=template, strategy="test_strategy@v1.0", model="test_model@v1.0")
    db_cursor.execute(
        "SELECT method_config_hash(position_mgmt_config, risk_config, execution_config, sport_config)"
        " FROM method_templates WHERE template_name = %s",
        (template,),
    )
    assert db_cursor.fetchone() == (method.config_hash,)


def test_003_versions_are_ordered_by_their_numbers(db_cursor: Cursor) -> None:
    db_cursor.execute("SELECT v FROM unnest('{v1.10,v1.9,v10.0,v2.0}'::text[]) AS v ORDER BY version_number(v)")
    assert [row[0] for row in db_cursor.fetchall()] == ["v1.9", "v1.10", "v2.0", "v10.0"]
