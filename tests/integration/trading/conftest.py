"""A platform with a live event and a market on it, and a method to trade by."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg2.extensions
import pytest

from precog.domain.trading import Event, Market, Platform, Series
from precog.methods import create_method
from precog.store import trading, trading_versions

Run = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def sql(db_cursor: psycopg2.extensions.cursor, precog_env: pytest.MonkeyPatch) -> Run:
    """One statement in a transaction of its own, past all of Python; its rows."""

    def execute(statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        db_cursor.execute(statement, parameters or None)
        return db_cursor.fetchall() if db_cursor.description else []

    return execute


def a_market(market_id: str = "KC-WINS", **changes: Any) -> Market:
    fields: dict[str, Any] = {
        "market_id": market_id,
        "platform_id": "kalshi",
        "event_id": "KC-BUF",
        "external_id": f"KX-{market_id}",
        "title": "Chiefs win?",
        "yes_price": Decimal("0.5"),
        "no_price": Decimal("0.5"),
        "spread": Decimal("0.01"),
    }
    return Market(**fields | changes)


@pytest.fixture
def ground(sql: Run) -> None:
    trading.put_platform(Platform(platform_id="kalshi", display_name="Kalshi"))
    trading.put_series(
        Series(series_id="NFL", platform_id="kalshi", external_id="KXNFL", category="sports", title="NFL games")
    )
    trading.put_event(
        Event(
            event_id="KC-BUF",
            platform_id="kalshi",
            series_id="NFL",
            external_id="KXNFL-KCBUF",
            category="sports",
            title="Chiefs at Bills",
            status="live",
        )
    )


@pytest.fixture
def market(ground: None) -> str:
    trading_versions.record_market(a_market())
    return "KC-WINS"


@pytest.fixture
def method(ground: None, clean_test_data: None) -> int:
    """The id of a draft on the strategy and the model of id 1."""
    made = create_method("kelly", "v1.0", template="moderate", strategy="test_strategy@v1.0", model="test_model@v1.0")
    return made.method_id
