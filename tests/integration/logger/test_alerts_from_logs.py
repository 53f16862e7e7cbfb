"""What is raised through the logger is stored like any other alert, and a database that is away stops nobody."""

import logging
import threading
from collections.abc import Iterator

import psycopg2.extensions
import pytest

from precog.logger import AlertHandler, log_alert_helper

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor


@pytest.fixture
def trading_log(precog_env: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    log = logging.getLogger("trading.executor")
    handler = AlertHandler()
    log.addHandler(handler)
    yield log
    log.removeHandler(handler)


def _alerts(cursor: Cursor) -> list[tuple[str, str, str, str, bool]]:
    cursor.execute("SELECT alert_type, severity, component, message, suppressed FROM alerts ORDER BY alert_id")
    return list(cursor.fetchall())


@pytest.mark.usefixtures("precog_env")
def test_the_helper_stores_the_alert_and_returns_its_id(db_cursor: Cursor) -> None:
    alert_id = log_alert_helper("trade_failed", "high", "executor", "refused", {"market_id": "KXBTC"})
    db_cursor.execute("SELECT message, details->>'market_id' FROM alerts WHERE alert_id = %s", (alert_id,))
    assert db_cursor.fetchone() == ("refused", "KXBTC")


def test_an_error_in_the_log_is_an_alert_with_its_exception(trading_log: logging.Logger, db_cursor: Cursor) -> None:
    trading_log.error("order %s failed", "o-1", exc_info=ConnectionError("reset"), extra={"market": "KXBTC"})
    assert _alerts(db_cursor) == [("log_record", "high", "trading.executor", "order o-1 failed", False)]
    db_cursor.execute("SELECT details->'exception'->>'type', details->'extra'->>'market' FROM alerts")
    assert db_cursor.fetchone() == ("ConnectionError", "KXBTC")


def test_no_secret_of_a_log_record_is_stored(trading_log: logging.Logger, db_cursor: Cursor) -> None:
    trading_log.error(
        "login with %s", "token=canary", exc_info=OSError("postgresql://u:canary@db/x"), extra={"api_key": "canary"}
    )
    db_cursor.execute("SELECT alerts::text FROM alerts")
    (stored,) = db_cursor.fetchone() or ("",)
    assert "login with token=***" in stored
    assert "canary" not in stored


def test_one_line_of_code_is_one_trouble_whatever_its_arguments(trading_log: logging.Logger, db_cursor: Cursor) -> None:
    trading_log.error("order %s failed", "o-1")
    trading_log.error("order %s failed", "o-2")
    trading_log.error("balance is gone")
    db_cursor.execute("SELECT message, fingerprint FROM alerts ORDER BY alert_id")
    (_, first), (_, second), (_, other) = db_cursor.fetchall()
    assert first == second != other


def test_text_that_postgresql_refuses_is_stored_in_a_safe_form(trading_log: logging.Logger, db_cursor: Cursor) -> None:
    trading_log.error("broken \0 \ud800", extra={"value": float("nan"), "raw": b"\0"})
    assert [alert[3] for alert in _alerts(db_cursor)] == ["broken \ufffd \ufffd"]


def test_many_threads_log_at_once_and_each_record_is_stored(trading_log: logging.Logger, db_cursor: Cursor) -> None:
    threads = [threading.Thread(target=trading_log.error, args=("thread %d failed", n)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(_alerts(db_cursor)) == 8


def test_a_database_that_is_away_stops_nobody(
    precog_env: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    precog_env.setenv("DATABASE_URL", "postgresql://nobody:canary@127.0.0.1:1/none")
    with caplog.at_level(logging.CRITICAL):
        assert log_alert_helper("trade_failed", "low", "executor", "refused") is None
    assert "an alert could not be raised: low trade_failed of executor: refused" in caplog.text
    assert "canary" not in caplog.text
