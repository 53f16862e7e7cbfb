"""Gains and losses of positions: told of once a step, and over an hour after the position."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from precog import get_unresolved_alerts, resolve_alert
from precog.domain.trading import Position, Trade
from precog.sources import check_profit_and_loss
from precog.store import trading
from precog.store.trading_versions import record_position

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HELD = Position(market_id="KC-WINS", platform_id="kalshi", side="yes", entry_price=Decimal("0.5"), quantity=Decimal(9))


@pytest.fixture
def held(market: str) -> int:
    return record_position(HELD, at=NOON)


def _stands_at(position_id: int, pnl: str, **changes: Any) -> int:
    """How many alerts this raises."""
    record_position(replace(HELD, position_id=position_id, unrealized_pnl=Decimal(pnl), **changes), at=NOON)
    return len(check_profit_and_loss(now=NOON))


def test_a_loss_speaks_once_for_each_step_however_it_comes_and_goes(held: int) -> None:
    stages = ("-99.9999", "-100", "-180", "-20", "-120", "-250", "-260")
    assert [_stands_at(held, pnl) for pnl in stages] == [0, 1, 0, 0, 0, 1, 0]

    worst, first = get_unresolved_alerts()
    assert (worst["band"], first["band"]) == (2, 1)
    assert (first["alert_type"], first["severity"], first["source_table"]) == ("loss_alert", "high", "positions")
    assert (first["source_id"], first["details"]["loss"]) == (str(held), "100.0000")


def test_a_gain_is_told_of_quietly(held: int) -> None:
    assert [_stands_at(held, pnl) for pnl in ("499", "500.50")] == [0, 1]
    [alert] = get_unresolved_alerts()
    assert (alert["alert_type"], alert["severity"], alert["category"]) == ("gain_alert", "low", "trading")
    assert alert["message"].endswith("has a gain of 500.50 dollars")


def test_what_a_person_ended_is_not_said_again(held: int) -> None:
    _stands_at(held, "-150")
    [alert] = get_unresolved_alerts()
    resolve_alert(alert["alert_id"], "ann", "ignored")
    assert [_stands_at(held, pnl) for pnl in ("-151", "-300")] == [0, 1]


def test_a_loss_between_two_looks_is_told_of_after_the_position_ended(held: int) -> None:
    assert _stands_at(held, "0", realized_pnl=Decimal(-130), status="closed", quantity=Decimal(0)) == 1
    assert check_profit_and_loss(now=NOON + timedelta(minutes=59)) == []
    assert len(get_unresolved_alerts()) == 1

    assert check_profit_and_loss(now=NOON + timedelta(minutes=61)) == []
    assert get_unresolved_alerts() == []


def test_a_position_on_paper_loses_nothing(held: int, method: int) -> None:
    trading.add_trade(
        Trade(
            market_id="KC-WINS",
            platform_id="kalshi",
            method_id=method,
            position_id=held,
            side="buy",
            price=Decimal("0.5"),
            quantity=Decimal(9),
            is_paper=True,
        )
    )
    assert _stands_at(held, "-400") == 0
