"""Markets to trade on, a strategy and a model, and methods with trades that won or lost."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Protocol

import psycopg2.extensions
import pytest

from precog.domain.methods import Method
from precog.methods import create_method, start_testing

Run = Callable[..., list[tuple[Any, ...]]]

SETTLED_YES, SETTLED_NO, OPEN = "M-YES", "M-NO", "M-OPEN"


class Trade(Protocol):
    def __call__(self, method_id: int, market: str = ..., **columns: object) -> None: ...


@pytest.fixture
def sql(db_cursor: psycopg2.extensions.cursor, precog_env: pytest.MonkeyPatch) -> Run:
    """One statement in a transaction of its own, past all of Python; its rows."""

    def execute(statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        db_cursor.execute(statement, parameters or None)
        return db_cursor.fetchall() if db_cursor.description else []

    return execute


@pytest.fixture
def ground(sql: Run, clean_test_data: None) -> None:
    """Three markets: one settled YES, one settled NO, one open."""
    sql("INSERT INTO platforms (platform_id, platform_type, display_name) VALUES ('kalshi', 'trading', 'Kalshi')")
    sql(
        "INSERT INTO series (series_id, platform_id, external_id, category, title)"
        " VALUES ('NFL', 'kalshi', 'KXNFL', 'sports', 'NFL games')"
    )
    sql(
        "INSERT INTO events (event_id, platform_id, series_id, external_id, category, title)"
        " VALUES ('E', 'kalshi', 'NFL', 'KXNFL-E', 'sports', 'A game')"
    )
    for market in (SETTLED_YES, SETTLED_NO, OPEN):
        new_market(sql, market)
    settle(sql, SETTLED_YES, "yes")
    settle(sql, SETTLED_NO, "no")


def new_market(sql: Run, market: str) -> None:
    sql(
        "INSERT INTO markets (market_id, platform_id, event_id, external_id, title, market_type, yes_price, no_price,"
        " spread) VALUES (%s, 'kalshi', 'E', %s, 'Who wins?', 'binary', 0.5, 0.5, 0.01)",
        market,
        market,
    )


def settle(sql: Run, market: str, outcome: str) -> None:
    sql(
        "INSERT INTO settlements (market_id, platform_id, outcome, payout) VALUES (%s, 'kalshi', %s, 0)",
        market,
        outcome,
    )


@pytest.fixture
def new_method(ground: None) -> Callable[..., Method]:
    """`new_method("v1.1")`: a draft of the method `kelly` made from the moderate template."""

    def make(version: str = "v1.0", *, name: str = "kelly", template: str = "moderate", **more: Any) -> Method:
        return create_method(
            name, version, template=template, strategy="test_strategy@v1.0", model="test_model@v1.0", **more
        )

    return make


@pytest.fixture
def trade(sql: Run) -> Trade:
    """A fill: ten contracts bought at 0.40 without fees, unless told otherwise; each on a position of its own."""

    def make(method_id: int, market: str = SETTLED_YES, **columns: object) -> None:
        position = sql("INSERT INTO position_keys DEFAULT VALUES RETURNING position_id")[0][0]
        row = {
            "market_id": market,
            "platform_id": "kalshi",
            "method_id": method_id,
            "position_id": position,
            "side": "buy",
            "price": Decimal("0.40"),
            "quantity": 10,
            "is_paper": False,
            **columns,
        }
        sql(
            f"INSERT INTO trades ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})",
            *row.values(),
        )

    return make


@pytest.fixture
def proven(new_method: Callable[..., Method], trade: Trade) -> Callable[..., Method]:
    """A method in testing that has earned its activation: ten paper trades, six won."""

    def make(version: str = "v1.0", **more: Any) -> Method:
        method = start_testing(new_method(version, **more).method_id)
        for number in range(10):
            trade(method.method_id, SETTLED_YES if number < 6 else SETTLED_NO, is_paper=True)
        return method

    return make
