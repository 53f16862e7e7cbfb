"""What every trading row hangs on: a platform, a series, an event and a market, and a method."""

from collections.abc import Callable
from typing import Any

import psycopg2.extensions
import pytest

Run = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def run(db_cursor: psycopg2.extensions.cursor) -> Run:
    """One statement in a transaction of its own; its rows."""

    def execute(statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        db_cursor.execute(statement, parameters or None)
        return db_cursor.fetchall() if db_cursor.description else []

    return execute


@pytest.fixture
def market(run: Run) -> str:
    """The id of a market with one version, priced 0.5000."""
    run("INSERT INTO platforms (platform_id, platform_type, display_name) VALUES ('kalshi', 'trading', 'Kalshi')")
    run(
        "INSERT INTO series (series_id, platform_id, external_id, category, title)"
        " VALUES ('NFL', 'kalshi', 'KXNFL', 'sports', 'NFL games')"
    )
    run(
        "INSERT INTO events (event_id, platform_id, series_id, external_id, category, title)"
        " VALUES ('KC-BUF', 'kalshi', 'NFL', 'KXNFL-KCBUF', 'sports', 'Chiefs at Bills')"
    )
    run(
        "INSERT INTO markets (market_id, platform_id, event_id, external_id, title, market_type,"
        " yes_price, no_price, spread)"
        " VALUES ('KC-WINS', 'kalshi', 'KC-BUF', 'KXNFL-KCBUF-KC', 'Chiefs win?', 'binary', 0.5, 0.5, 0.01)"
    )
    return "KC-WINS"


@pytest.fixture
def method(clean_test_data: None, run: Run) -> int:
    """The id of a draft method on the test strategy and the test model."""
    run(
        "INSERT INTO methods (method_id, method_name, method_version, strategy_id, model_id, position_mgmt_config,"
        " risk_config, execution_config, sport_config) VALUES (1, 'test_method', 'v1.0', 1, 1, '{}', '{}', '{}', '{}')"
    )
    return 1
