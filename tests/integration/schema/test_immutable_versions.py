"""Strategies and models: what a version is never changes; how it fares may."""

from collections.abc import Callable
from typing import Any

import pytest
from psycopg2 import errors

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean_test_data")]

Run = Callable[..., list[tuple[Any, ...]]]

both = pytest.mark.parametrize(
    ("table", "prefix"), [("strategies", "strategy"), ("probability_models", "model")], ids=["strategies", "models"]
)


@both
@pytest.mark.parametrize(
    "change",
    [
        """config = '{"edge": 0.05}'""",
        "config = config || '{\"edge\": 0.05}'",
        "{prefix}_name = 'other'",
        "{prefix}_version = 'v1.1'",
        "{prefix}_id = 2",
        "sport = 'nfl'",
        "created_at = created_at + interval '1 second'",
        "created_by = 'somebody'",
    ],
)
def test_what_a_version_is_never_changes(table: str, prefix: str, change: str, run: Run) -> None:
    with pytest.raises(errors.RestrictViolation, match="what a version is never changes") as refusal:
        run(f"UPDATE {table} SET status = 'active', {change.replace('{prefix}', prefix)}")

    assert change.replace("{prefix}", prefix).split(" =")[0] in (refusal.value.diag.message_primary or "")
    assert "next version (vX.Y)" in (refusal.value.diag.message_hint or "")
    assert run(f"SELECT status FROM {table}") == [("draft",)]


def test_even_the_notation_of_a_number_in_a_config_stays(run: Run) -> None:
    run("""INSERT INTO strategies (strategy_name, strategy_version, config) VALUES ('a', 'v1.0', '{"edge": 0.10}')""")

    with pytest.raises(errors.RestrictViolation):
        run("""UPDATE strategies SET config = '{"edge": 0.1}' WHERE strategy_name = 'a'""")


def test_status_and_metrics_of_a_strategy_may_change(run: Run) -> None:
    run(
        "UPDATE strategies SET status = 'active', paper_roi = 0.05, live_roi = -0.01, paper_trades_count = 12,"
        " live_trades_count = 1, description = 'd', notes = 'n'"
    )

    assert run("SELECT strategy_name, paper_roi::text FROM active_strategies") == [("test_strategy", "0.0500")]


def test_status_and_metrics_of_a_model_may_change(run: Run) -> None:
    run(
        "UPDATE probability_models SET status = 'active', validation_accuracy = 0.61, validation_calibration = 0.04,"
        " validation_sample_size = 500, description = 'd', notes = 'n'"
    )

    assert run("SELECT model_name, validation_accuracy::text FROM active_models") == [("test_model", "0.6100")]


def test_a_changed_config_is_a_new_version_beside_the_old_one(run: Run) -> None:
    run("""INSERT INTO strategies (strategy_id, strategy_name, strategy_version, config)
           VALUES (2, 'test_strategy', 'v1.1', '{"edge": 0.05}')""")

    assert run("SELECT strategy_version FROM strategies ORDER BY strategy_id") == [("v1.0",), ("v1.1",)]
    with pytest.raises(errors.UniqueViolation, match="strategies_version_key"):
        run("""INSERT INTO strategies (strategy_id, strategy_name, strategy_version, config)
               VALUES (3, 'test_strategy', 'v1.1', '{"edge": 0.06}')""")


@both
@pytest.mark.parametrize("version", ["1.0", "v1", "v1.0.0", "V1.0", "v01.0", "v1.00", "v1.0 ", "v1.0\n", ""])
def test_a_version_is_written_vx_y(table: str, prefix: str, version: str, run: Run) -> None:
    columns, values = f"{prefix}_name, {prefix}_version, config", "'a', %s, '{}'"
    if table == "probability_models":
        columns, values = f"{columns}, category", f"{values}, 'sports'"

    with pytest.raises(errors.CheckViolation, match=f"{table}_{prefix}_version_check"):
        run(f"INSERT INTO {table} ({columns}) VALUES ({values})", version)


@both
def test_a_version_is_not_deleted_to_be_made_again(table: str, prefix: str, run: Run) -> None:
    with pytest.raises(errors.RestrictViolation, match="rows are kept"):
        run(f"DELETE FROM {table} WHERE {prefix}_id = 1")
    with pytest.raises(errors.RestrictViolation, match="rows are kept"):
        run(f"TRUNCATE {table} CASCADE")
