"""Which method stands behind a trade or an edge."""

import contextlib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions
import pytest
from psycopg2 import errors as pg

from precog import trading
from precog.domain.methods import Method
from precog.errors import RowInvalid, RowRefused
from precog.resources import resource
from precog.sources import check_breakers, list_breakers
from precog.store.migrate import migrate
from tests.integration.methods.refusals import refused

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]
Make = Callable[..., Method]
Trade = Callable[..., None]

EDGE = (
    "INSERT INTO edges (edge_id, market_id, method_id, expected_value, true_win_probability,"
    " market_implied_probability, market_price, confidence_level, recommended_action)"
    " VALUES (7, 'M-OPEN', %s, 0.08, 0.58, 0.5, 0.5, 'high', 'alert')"
)
NEXT_EDGE = (
    "WITH closed AS (UPDATE edges SET row_current_ind = false WHERE row_current_ind RETURNING *)"
    " INSERT INTO edges (edge_id, market_id, method_id, expected_value, true_win_probability,"
    " market_implied_probability, market_price, confidence_level, recommended_action)"
    " SELECT edge_id, market_id, method_id, 0.01, true_win_probability, market_implied_probability, market_price,"
    " confidence_level, recommended_action FROM closed"
)


def test_008_a_new_trade_names_a_method_that_exists(new_method: Make, trade: Trade, sql: Run) -> None:
    method = new_method()
    with pytest.raises(pg.CheckViolation, match="trades_method_named_check"):
        trade(None, "M-OPEN")
    with pytest.raises(pg.ForeignKeyViolation, match="trades_method_id_fkey"):
        trade(method.method_id + 1, "M-OPEN")
    trade(method.method_id, "M-OPEN")
    with refused("append-only"):
        sql("UPDATE trades SET method_id = NULL")


def test_009_a_new_edge_names_a_method_that_exists(new_method: Make, sql: Run) -> None:
    method = new_method()
    with refused("a new edge names the method that found it", "edges_method_named_trg"):
        sql(EDGE, None)
    with pytest.raises(pg.ForeignKeyViolation, match="edges_method_id_fkey"):
        sql(EDGE, method.method_id + 1)
    sql(EDGE, method.method_id)
    assert sql("SELECT method_id FROM current_edges") == [(method.method_id,)]
    with refused("a new edge names"):
        sql(NEXT_EDGE.replace("market_id, method_id, 0.01", "market_id, NULL, 0.01"))


def test_008_a_new_trade_names_one_through_python_too(new_method: Make, sql: Run) -> None:
    facts: dict[str, Any] = {"market_id": "M-OPEN", "platform_id": "kalshi", "side": "buy"}
    facts |= {"price": Decimal("0.5"), "quantity": Decimal(1)}
    method_id = new_method().method_id
    with pytest.raises(RowInvalid, match=r"Trade\.method_id: is missing"):
        trading.Trade(**facts, method_id=None)  # type: ignore[arg-type]
    with pytest.raises(RowRefused, match="trades_method_id_fkey"):
        trading.add_trade(trading.Trade(**facts, method_id=method_id + 1))
    trading.add_trade(trading.Trade(**facts, method_id=method_id))
    assert sql("SELECT method_id FROM trades") == [(method_id,)]


def test_009_a_new_edge_names_one_through_python_too(new_method: Make, sql: Run) -> None:
    facts: dict[str, Any] = {"market_id": "M-OPEN", "expected_value": Decimal("0.08")}
    facts |= {"true_win_probability": Decimal("0.58"), "market_implied_probability": Decimal("0.5")}
    facts |= {"market_price": Decimal("0.5"), "confidence_level": "high", "recommended_action": "alert"}
    method_id = new_method().method_id
    with pytest.raises(RowInvalid, match=r"Edge\.method_id: is missing"):
        trading.Edge(**facts, method_id=None)  # type: ignore[arg-type]
    with pytest.raises(RowRefused, match="edges_method_id_fkey"):
        trading.record_edge(trading.Edge(**facts, method_id=method_id + 1))
    trading.record_edge(trading.Edge(**facts, method_id=method_id))
    assert sql("SELECT method_id FROM current_edges") == [(method_id,)]


def test_015_python_counts_what_was_traded_before_there_were_methods(new_method: Make, sql: Run) -> None:
    new_method()
    sql("ALTER TABLE trades DROP CONSTRAINT trades_method_named_check")
    for _ in range(20):
        sql(
            "INSERT INTO trades (market_id, platform_id, strategy_id, side, price, quantity)"
            " VALUES ('M-OPEN', 'kalshi', 1, 'buy', 0.5, 1)"
        )
    sql("ALTER TABLE trades ADD CONSTRAINT trades_method_named_check CHECK (method_id IS NOT NULL) NOT VALID")
    check_breakers()
    assert [(each.breaker, each.scope) for each in list_breakers()] == [
        ("unusual_activity", {"platform_id": "kalshi", "strategy_id": 1})
    ]


def test_015_rows_from_before_stay_valid_and_edges_go_on(empty_database_url: str, tmp_path: Path) -> None:
    for path in sorted(resource("database/migrations").glob("00[123]_*.sql")):
        (tmp_path / path.name).write_text(path.read_text())
    migrate(empty_database_url, directory=tmp_path)
    with contextlib.closing(psycopg2.connect(empty_database_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("INSERT INTO market_keys VALUES ('M-OPEN')")
        cursor.execute("INSERT INTO platforms VALUES ('kalshi', 'trading', 'Kalshi')")
        old_trade = (
            "INSERT INTO trades (market_id, platform_id, side, price, quantity)"
            " VALUES ('M-OPEN', 'kalshi', 'buy', 0.5, 1)"
        )
        cursor.execute(old_trade)
        cursor.execute(EDGE.replace("method_id, ", "").replace("'M-OPEN', %s", "'M-OPEN'"))

        migrate(empty_database_url)

        cursor.execute("SELECT method_id, is_paper FROM trades")
        assert cursor.fetchall() == [(None, False)]
        cursor.execute("SELECT method_id, method_name, strategy_name FROM complete_trade_attribution")
        assert cursor.fetchall() == [(None, None, None)]
        cursor.execute(NEXT_EDGE)
        cursor.execute("SELECT method_id, expected_value FROM current_edges")
        assert cursor.fetchall() == [(None, Decimal("0.0100"))]
        with pytest.raises(pg.CheckViolation, match="trades_method_named_check"):
            cursor.execute(old_trade)
