"""Values that cannot be true are refused, and the views say what holds."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from psycopg2 import errors

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("market", "method")]

Run = Callable[..., list[tuple[Any, ...]]]

TRADE = (
    "INSERT INTO trades (market_id, platform_id, method_id, side, price, quantity, fees)"
    " VALUES ('KC-WINS', 'kalshi', 1, %s, %s, %s, %s)"
)


@pytest.mark.parametrize(
    ("side", "price", "quantity", "fees", "constraint"),
    [
        ("hold", "0.5", "1", "0", "trades_side_check"),
        ("buy", "1.0001", "1", "0", "trades_price_check"),
        ("buy", "-0.0001", "1", "0", "trades_price_check"),
        ("buy", "NaN", "1", "0", "trades_price_check"),
        ("buy", "0.5", "0", "0", "trades_quantity_check"),
        ("buy", "0.5", "NaN", "0", "trades_quantity_check"),
        ("buy", "0.5", "1", "NaN", "trades_fees_check"),
    ],
)
def test_a_trade_that_cannot_be_is_refused(
    side: str, price: str, quantity: str, fees: str, constraint: str, run: Run
) -> None:
    with pytest.raises(errors.CheckViolation) as refusal:
        run(TRADE, side, price, quantity, fees)

    assert refusal.value.diag.constraint_name == constraint


def test_a_limit_order_names_its_limit(run: Run) -> None:
    run("INSERT INTO positions (position_id, market_id, platform_id, side, entry_price, quantity)"
        " VALUES (7, 'KC-WINS', 'kalshi', 'yes', 0.5, 10)")  # fmt: skip

    with pytest.raises(errors.CheckViolation, match="exit_attempts_limit_price_check"):
        run("INSERT INTO exit_attempts (position_id, exit_condition, priority_level, order_type, quantity,"
            " attempt_number, success) VALUES (7, 'stop_loss', 'CRITICAL', 'limit', 10, 1, false)")  # fmt: skip


def test_one_override_of_a_key_is_active(run: Run) -> None:
    override = (
        "INSERT INTO config_overrides (config_key, override_value, data_type)"
        " VALUES ('trading.max', '\"5\"', 'decimal')"
    )
    run(override)

    with pytest.raises(errors.UniqueViolation, match="config_overrides_active_key"):
        run(override)
    run("UPDATE config_overrides SET active = false")
    run(override)


def test_a_matrix_has_one_value_for_one_state(run: Run) -> None:
    cell = (
        "INSERT INTO probability_matrices (category, subcategory, version, state_descriptor, value_bucket,"
        " situational_factors, win_probability) VALUES ('sports', 'nfl', '2024', 'halftime', 'lead_7_10', %s, 0.8)"
    )
    run(cell, None)
    run(cell, '{"home": true}')

    for factors in (None, '{"home":true}'):
        with pytest.raises(errors.UniqueViolation, match="probability_matrices_cell_key"):
            run(cell, factors)


def test_the_current_views_show_the_newest_version_alone(run: Run) -> None:
    run(
        "WITH closed AS (UPDATE markets SET row_current_ind = false WHERE row_current_ind RETURNING *)"
        " INSERT INTO markets (market_id, platform_id, event_id, external_id, title, market_type,"
        " yes_price, no_price, spread)"
        " SELECT market_id, platform_id, event_id, external_id, title, market_type, 0.6, 0.4, spread FROM closed"
    )

    assert run("SELECT yes_price FROM current_markets") == [(Decimal("0.6000"),)]
    assert run("SELECT count(*) FROM markets") == [(2,)]


def test_a_trade_is_attributed_to_the_edge_as_it_was_then(run: Run) -> None:
    edge = (
        "INSERT INTO edges (edge_id, market_id, strategy_id, model_id, method_id, expected_value,"
        " true_win_probability, market_implied_probability, market_price, confidence_level, recommended_action)"
        " VALUES (7, 'KC-WINS', 1, 1, 1, %s, 0.58, 0.5, 0.5, 'high', 'auto_execute')"
    )
    run(edge, "0.08")
    run(
        "INSERT INTO trades (market_id, platform_id, edge_id, strategy_id, model_id, method_id, side, price,"
        " quantity) VALUES ('KC-WINS', 'kalshi', 7, 1, 1, 1, 'buy', 0.5, 10)"
    )
    run("UPDATE edges SET row_current_ind = false")
    run(edge, "0.01")

    assert run(
        "SELECT market_title, expected_value, strategy_name, strategy_version, model_name, model_version, method_id"
        " FROM trade_attribution"
    ) == [("Chiefs win?", Decimal("0.0800"), "test_strategy", "v1.0", "test_model", "v1.0", 1)]


def test_a_trade_with_nothing_behind_it_is_attributed_too(run: Run) -> None:
    run(TRADE, "buy", "0.5", "10", None)

    assert run("SELECT trade_id, market_title, strategy_name, expected_value FROM trade_attribution") == [
        (1, "Chiefs win?", None, None)
    ]
