"""Positions larger than they may be, and exits that go on failing, by the limits of position_management.yaml."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from precog import get_unresolved_alerts, log_alert, resolve_alert
from precog.domain.trading import ExitAttempt, Position, Trade
from precog.methods import create_method
from precog.sources import check_positions, end_override, set_override
from precog.store import trading
from precog.store.trading_versions import record_position

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)
PAID = Decimal("0.5")
"""Dollars a contract."""
HELD = Position(market_id="KC-WINS", platform_id="kalshi", side="yes", entry_price=PAID, quantity=Decimal(100))


@pytest.fixture
def held(market: str) -> int:
    """A position of 50 dollars that no trade names."""
    return record_position(HELD, at=NOON)


def _costs(position_id: int, dollars: str, **changes: Any) -> int:
    """How many alerts this raises."""
    quantity = Decimal(dollars) / PAID
    record_position(replace(HELD, position_id=position_id, quantity=quantity, **changes), at=NOON)
    return len(check_positions(now=LATER))


def _trade(position_id: int, method_id: int, *, is_paper: bool = False) -> None:
    trading.add_trade(
        Trade(
            market_id="KC-WINS",
            platform_id="kalshi",
            method_id=method_id,
            position_id=position_id,
            side="buy",
            price=PAID,
            quantity=Decimal(100),
            is_paper=is_paper,
        )
    )


def _attempt(position_id: int, *, success: bool = False, at: datetime = NOON) -> int:
    return trading.add_exit_attempt(
        ExitAttempt(
            position_id=position_id,
            exit_condition="stop_loss",
            priority_level="CRITICAL",
            order_type="market",
            quantity=Decimal(100),
            attempt_number=1,
            success=success,
        ),
        at=at,
    )


# Larger than it may be


def test_a_position_is_told_of_at_the_limit_s_multiple_and_not_below_once_a_step(held: int) -> None:
    """1.05 times the 750 dollars of the default profile are 787.50."""
    stages = ("750", "787.4999", "787.5", "900", "787.4", "1124.9", "1125", "1200")
    assert [_costs(held, dollars) for dollars in stages] == [0, 0, 1, 0, 0, 0, 1, 0]

    worse, first = get_unresolved_alerts()
    assert (first["alert_type"], first["severity"], first["category"]) == ("position_oversized", "high", "risk")
    assert (first["source_table"], first["source_id"]) == ("positions", str(held))
    assert first["message"] == (
        f"Position {held} on KC-WINS cost 787.50 dollars, 1.05 times the 750.00 that profile moderate allows"
    )
    assert (first["band"], worse["band"], worse["details"]["times"]) == (1, 2, "1.5000")


@pytest.mark.parametrize(
    ("overrides", "template", "dollars"),
    [(None, "conservative", "525"), (None, "aggressive", "1050"), ({"max_position_dollars": 100}, "moderate", "105")],
)
def test_the_method_that_a_position_is_traded_by_sets_its_limit(
    held: int, method: int, overrides: dict[str, int] | None, template: str, dollars: str
) -> None:
    mine = create_method(
        "mine", "v1.0", template=template, strategy="test_strategy@v1.0", model="test_model@v1.0",
        overrides={"risk_config": overrides} if overrides else None,
    )  # fmt: skip
    _trade(held, mine.method_id)
    assert [_costs(held, each) for each in (str(Decimal(dollars) - PAID), dollars)] == [0, 1]
    [alert] = get_unresolved_alerts()
    assert alert["details"]["limit_of"] == "method mine@v1.0"


@pytest.mark.parametrize("risk", ["{}", '{"max_position_dollars": "many"}', '{"max_position_dollars": 0}'])
def test_where_a_method_sets_no_limit_the_default_profile_does(held: int, method: int, sql: Run, risk: str) -> None:
    sql(
        "UPDATE methods SET risk_config = %s::jsonb, config_hash = method_config_hash("
        "position_mgmt_config, %s::jsonb, execution_config, sport_config)",
        risk,
        risk,
    )
    _trade(held, method)
    assert [_costs(held, each) for each in ("787", "787.5")] == [0, 1]
    [alert] = get_unresolved_alerts()
    assert alert["details"]["limit_of"] == "profile moderate"


def test_a_position_that_is_not_traded_yet_is_given_the_time_for_its_first_trade(held: int, method: int) -> None:
    record_position(replace(HELD, position_id=held, quantity=Decimal(9000)), at=NOON + timedelta(seconds=30))
    assert check_positions(now=LATER - timedelta(seconds=1)) == []
    _trade(held, method, is_paper=True)
    assert check_positions(now=LATER) == [], "what is traded on paper costs nothing"


def test_an_alert_about_the_size_ends_an_hour_after_the_position(held: int) -> None:
    assert _costs(held, "800") == 1
    record_position(replace(HELD, position_id=held, quantity=Decimal(0), status="closed"), at=LATER)
    check_positions(now=LATER + timedelta(minutes=59))
    assert len(get_unresolved_alerts()) == 1
    check_positions(now=LATER + timedelta(minutes=61))
    assert get_unresolved_alerts() == []


# Tried to be left in vain


def test_an_exit_is_told_of_when_enough_attempts_in_a_row_failed(held: int) -> None:
    first = _attempt(held)
    _attempt(held)
    assert check_positions(now=LATER) == []
    _attempt(held)
    assert len(check_positions(now=LATER)) == 1
    assert check_positions(now=LATER) == []

    [alert] = get_unresolved_alerts()
    assert (alert["alert_type"], alert["severity"], alert["category"]) == ("exit_failing", "high", "risk")
    assert (alert["source_table"], alert["source_id"]) == ("exit_attempts", str(first))
    assert alert["message"] == (
        f"3 attempts in a row to leave position {held} on KC-WINS failed, the last one for stop_loss"
    )
    for _ in range(7):
        _attempt(held)
    assert len(check_positions(now=LATER)) == 1, "ten are the next step"


def test_what_fills_ends_the_row_and_its_alert_and_the_next_row_is_told_of_anew(held: int) -> None:
    for _ in range(3):
        _attempt(held)
    assert len(check_positions(now=LATER)) == 1

    _attempt(held, success=True)
    assert (check_positions(now=LATER), get_unresolved_alerts()) == ([], [])

    fourth, *_ = (_attempt(held) for _ in range(3))
    assert len(check_positions(now=LATER)) == 1
    [alert] = get_unresolved_alerts()
    assert (alert["source_id"], alert["details"]["attempts"]) == (str(fourth), 3)


def test_attempts_count_in_the_order_in_which_they_were_made(held: int) -> None:
    _attempt(held, success=True, at=LATER)
    for _ in range(3):
        _attempt(held, at=NOON)
    assert check_positions(now=LATER) == []


def test_an_exit_that_a_person_saw_to_is_not_told_of_again(held: int) -> None:
    for _ in range(3):
        _attempt(held)
    check_positions(now=LATER)
    [alert] = get_unresolved_alerts()
    resolve_alert(alert["alert_id"], "ann", "ignored")
    _attempt(held)
    assert check_positions(now=LATER) == []


def test_an_ended_position_needs_no_exit(held: int) -> None:
    for _ in range(3):
        _attempt(held)
    check_positions(now=LATER)
    record_position(replace(HELD, position_id=held, quantity=Decimal(0), status="settled"), at=LATER)
    assert (check_positions(now=LATER), get_unresolved_alerts()) == ([], [])


def test_an_alert_that_somebody_else_raised_about_no_attempt_stays(held: int) -> None:
    log_alert("exit_failing", "high", "desk", "by hand", source_table="exit_attempts", source_id="yesterday's")
    assert check_positions(now=LATER) == []
    assert len(get_unresolved_alerts()) == 1


def test_an_exit_on_paper_fails_for_nobody(held: int, method: int) -> None:
    _trade(held, method, is_paper=True)
    for _ in range(3):
        _attempt(held)
    assert check_positions(now=LATER) == []


# Overridden


def test_an_override_of_the_size_holds_until_it_expires(held: int, sql: Run) -> None:
    set_override("position_management.alerts.position_oversized.at", Decimal("1.5"), by="ann")
    assert [_costs(held, each) for each in ("1100", "1125")] == [0, 1]

    other = record_position(replace(HELD, quantity=Decimal(2000)), at=NOON)  # 1000 dollars
    assert check_positions(now=LATER) == []
    sql("UPDATE config_overrides SET applied_at = '2026-01-01', expires_at = '2026-01-02'")
    [alert_id] = check_positions(now=LATER)
    assert [each["source_id"] for each in get_unresolved_alerts() if each["alert_id"] == alert_id] == [str(other)]


def test_an_override_of_a_profile_s_limit_holds_until_it_is_ended(held: int) -> None:
    key = "position_management.profiles.moderate.max_position_dollars"
    set_override(key, 5000, by="ann", reason="Super Bowl")
    assert _costs(held, "1000") == 0
    end_override(key)
    assert len(check_positions(now=LATER)) == 1


def test_an_override_of_the_attempts_holds_until_it_expires(held: int, sql: Run) -> None:
    set_override("position_management.alerts.exit_failing.attempts", 5, by="ann")
    for _ in range(4):
        _attempt(held)
    assert check_positions(now=LATER) == []
    sql("UPDATE config_overrides SET applied_at = '2026-01-01', expires_at = '2026-01-02'")
    assert len(check_positions(now=LATER)) == 1
