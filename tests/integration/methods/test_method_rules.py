"""What a method is, tried past all of Python, and where there is a function for it through that too."""

import contextlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg2
import psycopg2.extensions
import pytest
from psycopg2 import errors as pg

from precog.domain.methods import CONFIGS, Method
from precog.errors import MethodInvalid
from precog.methods import (
    activate_method,
    create_method,
    get_method,
    start_testing,
)
from precog.store import methods as store
from tests.integration.methods.refusals import INSERT, refused

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]
Make = Callable[..., Method]
Trade = Callable[..., None]

EMPTY_RISK = (
    "risk_config = '{}', config_hash = method_config_hash(position_mgmt_config, '{}', execution_config, sport_config)"
)
EDGE = (
    "INSERT INTO edges (edge_id, market_id, method_id, expected_value, true_win_probability,"
    " market_implied_probability, market_price, confidence_level, recommended_action)"
    " VALUES (7, 'M-OPEN', %s, 0.08, 0.58, 0.5, 0.5, 'high', 'alert')"
)


# 001: from a template, with overrides


def test_001_a_method_is_its_template_with_the_overrides(new_method: Make, sql: Run) -> None:
    method = new_method(
        overrides={"risk_config": {"kelly_fraction": Decimal("0.18")}}, description="d", notes="n", created_by="ann"
    )
    assert (str(method.name), method.status, method.description, method.notes, method.created_by) == (
        "kelly@v1.0", "draft", "d", "n", "ann",
    )  # fmt: skip
    assert (str(method.strategy), str(method.model)) == ("test_strategy@v1.0", "test_model@v1.0")
    assert method.configs.risk_config == {"kelly_fraction": Decimal("0.18"), "max_position_dollars": 750}
    assert method.configs.sport_config == {"minimum_volume": {"nfl": 150, "nba": 100}}
    assert isinstance(method.configs.risk_config["kelly_fraction"], Decimal)
    assert sql("SELECT usage_count FROM method_templates WHERE template_name = 'moderate'") == [(1,)]
    assert get_method(method.method_id) == get_method("kelly@v1.0") == method


@pytest.mark.usefixtures("ground")
def test_001_everything_that_is_wrong_is_said_at_once_and_nothing_is_written(sql: Run) -> None:
    with pytest.raises(MethodInvalid) as refusal:
        create_method(
            "bad name", "1.0", template="moderat", strategy="test_strategie@v1.0", model="nothing",
            overrides={"risk_config": {"kelly_fraction": 0.5}},
        )  # fmt: skip
    found = dict(refusal.value.problems)
    assert set(found) == {"name", "version", "template", "strategy", "model"}
    assert "did you mean 'moderate'?" in found["template"]
    assert "did you mean 'test_strategy@v1.0'?" in found["strategy"]
    assert "not written like name@v1.0" in found["model"]
    assert sql("SELECT count(*) FROM methods") == [(0,)]
    assert sql("SELECT sum(usage_count) FROM method_templates") == [(0,)]


def test_001_a_method_keeps_its_copy_whatever_becomes_of_the_template(new_method: Make, sql: Run) -> None:
    method = new_method()
    sql("UPDATE method_templates SET risk_config = '{\"kelly_fraction\": 0.9}'")
    assert get_method(method.method_id) == method
    assert new_method("v1.1").configs.risk_config == {"kelly_fraction": Decimal("0.9")}


@pytest.mark.usefixtures("ground")
@pytest.mark.parametrize("config", CONFIGS)
def test_001_psql_makes_no_method_without_its_four_configs(sql: Run, config: str) -> None:
    given = dict.fromkeys(CONFIGS, "'{}'")
    for value, refusal in (("NULL", pg.NotNullViolation), ("'[]'", pg.CheckViolation), ("'1'", pg.CheckViolation)):
        values = ", ".join((given | {config: value}).values())
        with pytest.raises(refusal):
            sql(
                "INSERT INTO methods (method_name, method_version, strategy_id, model_id,"
                f" {', '.join(CONFIGS)}) VALUES ('raw', 'v1.0', 1, 1, {values})"
            )
    assert sql("SELECT count(*) FROM methods") == [(0,)]


@pytest.mark.usefixtures("ground")
def test_001_text_that_postgresql_does_not_store_is_refused() -> None:
    with pytest.raises(MethodInvalid) as refusal:
        create_method("a", "v1.0", template="moderate\0", strategy="s\0@v1.0", model="m@v1.0", notes="\ud800")
    assert [place for place, _ in refusal.value.problems] == ["template", "strategy", "notes"]


# 002: immutable


@pytest.mark.parametrize(
    "change",
    [
        EMPTY_RISK,
        "execution_config = '{\"max_slippage\": 0.03}'",
        "strategy_id = 2",
        "model_id = 2",
        "method_name = 'other'",
        "method_version = 'v9.0'",
        "method_id = 99",
        "created_by = 'somebody'",
        "created_at = clock_timestamp()",
    ],
)
def test_002_what_a_method_is_never_changes_once_it_left_draft(new_method: Make, sql: Run, change: str) -> None:
    method = start_testing(new_method().method_id)
    with refused("what a version is never changes", "methods_config_is_frozen_trg"):
        sql(f"UPDATE methods SET {change}")
    with refused("what a version is never changes"):
        sql(f"UPDATE methods SET status = 'deprecated', {change}")
    assert get_method(method.method_id) == method


def test_002_description_and_notes_may_change_at_any_time(proven: Make, sql: Run) -> None:
    activate_method(proven().method_id)
    sql("UPDATE methods SET description = 'd', notes = 'n'")
    assert get_method("kelly@v1.0").notes == "n"


def test_002_a_draft_may_change_until_a_trade_or_an_edge_names_it(new_method: Make, trade: Trade, sql: Run) -> None:
    first, second = new_method("v1.0"), new_method("v2.0")
    change = f"UPDATE methods SET {EMPTY_RISK} WHERE method_id = %s"
    sql(change, first.method_id)
    trade(first.method_id, is_paper=True)
    sql(EDGE, second.method_id)
    for method in (first, second):
        with refused("is in use: what it is never changes", "methods_draft_is_unused_trg"):
            sql("UPDATE methods SET method_version = 'v7.0' WHERE method_id = %s", method.method_id)
    with refused("is in use"):
        sql(change, second.method_id)


def test_002_a_draft_does_not_change_under_a_trade_that_is_being_made(
    new_method: Make, database_url: str, sql: Run
) -> None:
    """The trade is not committed yet, so that a mere look would not see it."""
    method = new_method()
    with contextlib.closing(psycopg2.connect(database_url)) as trader, trader.cursor() as cursor:
        cursor.execute(
            "INSERT INTO trades (market_id, platform_id, method_id, side, price, quantity)"
            " VALUES ('M-OPEN', 'kalshi', %s, 'buy', 0.5, 1)",
            (method.method_id,),
        )
        sql("SET lock_timeout = '100ms'")
        with pytest.raises(pg.LockNotAvailable):
            sql(f"UPDATE methods SET {EMPTY_RISK}")


# 003: versions


@pytest.mark.parametrize("version", ["1.0", "v1", "v1.0.0", "V1.0", "v01.0", "v1.00", "v1.0 ", ""])
def test_003_a_version_is_written_vx_y(new_method: Make, sql: Run, version: str) -> None:
    with pytest.raises(MethodInvalid, match=r"is not written like v1\.0"):
        new_method(version)
    with pytest.raises(pg.CheckViolation, match="methods_method_version_check"):
        sql(INSERT.format(columns="", values="").replace("v1.0", version))


def test_003_a_changed_config_needs_a_new_version(new_method: Make, sql: Run) -> None:
    new_method()
    with pytest.raises(MethodInvalid, match=r"kelly@v1\.0 is there already.*newest is v1\.0"):
        new_method(template="aggressive")
    assert new_method("v1.1", template="aggressive").config_hash != get_method("kelly@v1.0").config_hash
    with pytest.raises(pg.UniqueViolation, match="methods_version_key"):
        sql(INSERT.format(columns="", values="").replace("raw", "kelly"))


# 004: the hash


@pytest.mark.usefixtures("ground")
def test_004_the_database_refuses_another_hash_and_fills_in_a_missing_one(sql: Run) -> None:
    with refused("methods_config_hash_check"):
        sql(INSERT.format(columns=", config_hash", values=", md5('something')"))
    sql(INSERT.format(columns="", values=""))
    assert get_method("raw@v1.0").configs.hash == get_method("raw@v1.0").config_hash
    with refused("methods_config_hash_check"):
        sql("UPDATE methods SET sport_config = '{\"a\": 1}'")


def test_004_equal_configs_are_found_by_their_hash(new_method: Make) -> None:
    first, other = new_method("v1.0"), new_method("v1.1", template="aggressive")
    twin = new_method("v1.0", name="copy", overrides={"risk_config": {"kelly_fraction": Decimal("0.2000")}})
    assert twin.config_hash == first.config_hash != other.config_hash
    assert store.twins(twin.method_id) == (first.name,)
    assert store.twins(other.method_id) == ()
