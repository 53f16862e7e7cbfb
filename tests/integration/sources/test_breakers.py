"""The seven breakers over real rows: each trips once, with its alert, and counts anew after its resolution."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg2
import pytest

from precog import get_unresolved_alerts
from precog.domain.trading import Edge, Position, Settlement, Trade
from precog.errors import AlertValueError, SchemaMismatch, UnknownBreaker
from precog.sources import check_breakers, list_breakers, resolve_breaker
from precog.sources.thresholds import current_thresholds, end_override, set_override
from precog.store import trading
from precog.store.trading_versions import record_edge, record_market, record_position
from tests.integration.trading.conftest import a_market

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _minutes(count: float) -> datetime:
    return NOON + timedelta(minutes=count)


def _check(at: datetime = NOON) -> list[tuple[str, dict[str, object]]]:
    """The breakers that this opened, with their scopes."""
    opened = check_breakers(now=at)
    return [(each.breaker.value, dict(each.scope)) for each in list_breakers() if each.event_id in opened]


def _fail(count: int, at: datetime = NOON) -> None:
    for _ in range(count):
        trading.add_api_failure("kalshi", "GET /markets", "HTTP 503", at=at)


def _position(pnl: str, at: datetime, position_id: int | None = None, **changes: Any) -> int:
    position = Position(
        position_id=position_id,
        market_id="KC-WINS",
        platform_id="kalshi",
        side="yes",
        entry_price=Decimal("0.5"),
        quantity=Decimal(1000),
        unrealized_pnl=Decimal(pnl),
    )
    return record_position(replace(position, **changes), at=at)


def _closed(pnl: str, at: datetime, method_id: int, *, paper: bool = False) -> None:
    position_id = _position("0", at - timedelta(minutes=1))
    trading.add_trade(_trade(method_id, position_id=position_id, is_paper=paper), at=at - timedelta(minutes=1))
    _position("0", at, position_id, status="closed", quantity=Decimal(0), realized_pnl=Decimal(pnl))


def _trade(method_id: int, **changes: Any) -> Trade:
    trade = Trade(
        market_id="KC-WINS",
        platform_id="kalshi",
        method_id=method_id,
        side="buy",
        price=Decimal("0.5"),
        quantity=Decimal(10),
    )
    return replace(trade, **changes)


def test_failed_requests_of_the_window_trip_it_and_older_ones_do_not(ground: None) -> None:
    _fail(1, _minutes(-6))
    _fail(4)
    assert _check() == []

    _fail(1)
    assert _check() == [("api_failures", {"platform_id": "kalshi"})]
    assert _check() == [], "no second event while one is open"


def test_a_live_market_without_news_trips_it_until_it_is_confirmed(ground: None) -> None:
    record_market(a_market(), at=_minutes(-2))
    assert _check() == [("data_stale", {"market_id": "KC-WINS"})]
    [event] = list_breakers()
    resolve_breaker(event.event_id, "ann", "fixed", at=NOON)
    assert _check(_minutes(1)) == []

    record_market(a_market(), at=_minutes(2))
    assert _check(_minutes(3)) == []
    assert _check(_minutes(4)) == [("data_stale", {"market_id": "KC-WINS"})]


def test_a_closed_market_and_one_whose_event_is_over_are_never_stale(ground: None, sql: Run) -> None:
    record_market(a_market(), at=_minutes(-9))
    record_market(a_market("BUF-WINS", status="closed"), at=_minutes(-9))
    sql("UPDATE events SET status = 'final'")
    assert _check() == []


def test_large_edges_trip_it_by_model_and_strategy(market: str, method: int) -> None:
    edge = Edge(
        market_id=market,
        method_id=method,
        expected_value=Decimal("0.31"),
        true_win_probability=Decimal("0.81"),
        market_implied_probability=Decimal("0.5"),
        market_price=Decimal("0.5"),
        confidence_level="high",
        recommended_action="alert",
    )
    record_market(a_market(), at=datetime.now(UTC))
    record_edge(replace(edge, expected_value=Decimal("0.30")), at=NOON)
    first = record_edge(edge, at=_minutes(-2))
    record_edge(replace(edge, edge_id=first, expected_value=Decimal("0.32")), at=_minutes(-1))
    record_edge(edge, at=NOON)
    assert ("edge_anomaly", {"model_id": 1, "strategy_id": 1}) not in _check()

    record_edge(edge, at=NOON)
    assert ("edge_anomaly", {"model_id": 1, "strategy_id": 1}) in _check()


def test_a_rapid_loss_is_what_was_lost_within_its_minutes(market: str) -> None:
    first = _position("-150", _minutes(-30))
    second = _position("20", _minutes(-30))
    _position("-340", _minutes(-5), first)
    assert _check() == [], "190 within the window, however much before"

    _position("10", NOON, second)
    assert _check() == [("rapid_loss", {"platform_id": "kalshi"})]
    [event] = list_breakers()
    assert event.measured["loss"] == 200


def test_the_days_loss_counts_from_midnight_of_its_zone(market: str) -> None:
    held = _position("0", NOON - timedelta(days=2))
    _position("-400", NOON - timedelta(hours=12.5), held)
    _position("-850", NOON - timedelta(hours=2), held)
    assert _check() == [], "450 today, 400 yesterday"

    set_override("trading.circuit_breakers.daily_loss_limit.timezone", "Europe/Berlin", by="ann")
    assert _check() == [("daily_loss_limit", {"platform_id": "kalshi", "trading_day": "2026-11-23"})]


def test_what_is_on_paper_trips_nothing(market: str, method: int) -> None:
    position_id = _position("-900", _minutes(-5))
    trading.add_trade(_trade(method, position_id=position_id, is_paper=True), at=_minutes(-5))
    for _ in range(25):
        trading.add_trade(_trade(method, is_paper=True), at=NOON)
    for number in range(6):
        _closed("-5", _minutes(-number), method, paper=True)
    assert _check() == []


def test_many_trades_of_one_strategy_trip_it(market: str, method: int) -> None:
    for _ in range(19):
        trading.add_trade(_trade(method), at=_minutes(-1))
    trading.add_trade(_trade(method), at=_minutes(-6))
    assert _check() == []

    trading.add_trade(_trade(method), at=NOON)
    assert _check() == [("unusual_activity", {"platform_id": "kalshi", "strategy_id": 1})]


def test_losses_in_a_row_of_a_strategy_trip_it(market: str, method: int) -> None:
    _closed("-9", _minutes(-60), method)
    _closed("4", _minutes(-50), method)
    for number in range(4):
        _closed("-2.5", _minutes(-40 + number), method)
    assert _check() == []

    _closed("-2.5", NOON, method)
    assert _check() == [("consecutive_losses", {"strategy_id": 1})]
    [event] = list_breakers()
    assert (event.measured["losses"], event.measured["lost"]) == (5, Decimal("12.5"))

    resolve_breaker(event.event_id, "ann", "ignored", at=_minutes(1))
    _closed("-2.5", _minutes(3), method)
    assert _check(_minutes(3)) == [], "the five before the resolution do not count again"


def test_event_and_alert_are_one_transaction(ground: None, sql: Run) -> None:
    """Where the alert cannot be stored, no breaker is open that nobody hears of."""
    _fail(5)
    sql("ALTER TABLE alerts ADD CONSTRAINT nothing_goes CHECK (alert_type <> 'api_failures')")
    with pytest.raises(psycopg2.errors.CheckViolation):
        check_breakers(now=NOON)
    assert list_breakers() == []

    sql("ALTER TABLE alerts DROP CONSTRAINT nothing_goes")
    assert _check() == [("api_failures", {"platform_id": "kalshi"})]
    [event], [alert] = list_breakers(), get_unresolved_alerts()
    assert (alert["source_id"], alert["occurred_at"]) == (str(event.event_id), NOON)
    assert alert["details"]["platform_id"] == "kalshi"


def test_a_breaker_that_cannot_be_measured_keeps_no_other_from_tripping(market: str, sql: Run) -> None:
    _fail(5)
    _position("-600", NOON)
    sql("ALTER TABLE trades RENAME COLUMN created_at TO made_at")

    with pytest.raises(SchemaMismatch, match="created_at"):
        check_breakers(now=NOON)

    assert {each.breaker.value for each in list_breakers()} == {"rapid_loss", "daily_loss_limit", "api_failures"}


def test_of_many_watchers_one_opens_the_event(ground: None) -> None:
    _fail(5)
    with ThreadPoolExecutor(8) as threads:
        opened = list(threads.map(lambda _: check_breakers(now=NOON), range(16)))
    assert (len([each for each in opened if each]), len(list_breakers()), len(get_unresolved_alerts())) == (1, 1, 1)


def test_an_open_breaker_speaks_again_only_when_it_reaches_the_next_step(market: str, sql: Run) -> None:
    held = _position("-210", _minutes(-5))
    for pnl, alerts in (("-210", 1), ("-390", 1), ("-401", 2), ("-480", 2), ("-805", 3)):
        _position(pnl, NOON, held)
        check_breakers(now=NOON)
        found = sql("SELECT band FROM alerts WHERE alert_type = 'rapid_loss' ORDER BY alert_id")
        assert len(found) == alerts, pnl
    assert (len(list_breakers()), [band for (band,) in found]) == (2, [1, 2, 3]), "the day's limit is open as well"


def test_the_first_resolution_stands_and_ends_the_whole_incident(ground: None) -> None:
    _fail(5)
    [event_id] = check_breakers(now=NOON)

    first = resolve_breaker(event_id, "ann", "fixed", "restarted")
    again = resolve_breaker(event_id, "bob", "ignored", "no")

    assert (again, first.resolution_action, first.notes) == (first, "fixed", "restarted")
    assert (list_breakers(), list_breakers(resolved=True), get_unresolved_alerts()) == ([], [first], [])


def test_resolving_the_alert_alone_leaves_the_breaker_open(ground: None, sql: Run) -> None:
    _fail(5)
    [event_id] = check_breakers(now=NOON)
    sql("UPDATE alerts SET resolved_at = clock_timestamp(), resolved_by = 'ann', resolution_action = 'fixed'")

    assert [each.event_id for each in list_breakers()] == [event_id]
    assert _check() == []


def test_a_mistake_in_a_resolution_is_said(ground: None) -> None:
    with pytest.raises(UnknownBreaker, match=r"there is no breaker event 7; `precog breakers list --all`"):
        resolve_breaker(7, "ann", "fixed")
    with pytest.raises(AlertValueError, match="resolution_action: 'done' is not one of"):
        resolve_breaker(7, "ann", "done")
    with pytest.raises(AlertValueError, match="resolved_by"):
        resolve_breaker(7, " ", "fixed")


def test_an_override_holds_until_it_expires_and_a_bad_one_is_said_and_ignored(
    ground: None, sql: Run, caplog: pytest.LogCaptureFixture
) -> None:
    key = "trading.circuit_breakers.api_failures.count"
    _fail(3)
    set_override(key, 9, by="ann", until=datetime.now(UTC) + timedelta(hours=2))
    set_override(key, 3, by="ann", reason="nervous", until=datetime.now(UTC) + timedelta(hours=1))
    sql(
        "INSERT INTO config_overrides (config_key, override_value, data_type)"
        " VALUES ('trading.circuit_breakers.rapid_loss.dollars', '\"much\"', 'decimal')"
    )

    assert current_thresholds().trading.circuit_breakers.api_failures.count == 3
    assert (
        current_thresholds(now=datetime.now(UTC) + timedelta(hours=3)).trading.circuit_breakers.api_failures.count == 5
    )
    assert len([each for each in caplog.messages if "is ignored: the value is no decimal: much" in each]) == 1
    assert _check() == [("api_failures", {"platform_id": "kalshi"})]
    assert sql("SELECT active, reason FROM config_overrides WHERE config_key = %s ORDER BY 1", key) == [
        (False, None),
        (True, "nervous"),
    ]
    assert (end_override(key), end_override(key)) == (True, False)
    assert current_thresholds().trading.circuit_breakers.api_failures.count == 5


def test_what_a_settlement_brings_counts_as_the_position_says(market: str, method: int) -> None:
    """A settlement alone moves nothing: the position's next version does."""
    held = _position("0", _minutes(-60))
    trading.add_settlement(Settlement(market_id=market, platform_id="kalshi", outcome="no", payout=Decimal(0)), at=NOON)
    assert _check() == []
    _position("0", NOON, held, status="settled", realized_pnl=Decimal(-500))
    assert [each for each, _ in _check()] == ["daily_loss_limit", "rapid_loss"]
