"""What was tried and done to leave positions, and the versions of games."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from precog import trading
from precog.errors import RowRefused
from precog.trading import ExitAttempt, GameState, Position, PositionExit

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]
THEN = datetime(2026, 11, 1, tzinfo=UTC)
GAME = GameState(
    event_id="KC-BUF",
    sport="nfl",
    home_team="BUF",
    away_team="KC",
    home_score=0,
    away_score=7,
    period="Q1",
    time_remaining="07:42",
    status="live",
    sport_metadata={"down": 3, "line": Decimal("0.5")},
)


@pytest.fixture
def held(market: str) -> int:
    position = Position(
        market_id=market, platform_id="kalshi", side="yes", entry_price=Decimal("0.5"), quantity=Decimal(100)
    )
    return trading.record_position(position)


def _attempt(position_id: int, **changes: Any) -> ExitAttempt:
    fields: dict[str, Any] = {
        "position_id": position_id,
        "exit_condition": "stop_loss",
        "priority_level": "CRITICAL",
        "order_type": "limit",
        "limit_price": Decimal("0.4321"),
        "quantity": Decimal("99.5"),
        "attempt_number": 1,
        "success": False,
    }
    return ExitAttempt(**fields | changes)


def test_an_attempt_to_leave_is_stored_as_it_was_and_stays_so(held: int, sql: Run) -> None:
    first = trading.add_exit_attempt(_attempt(held, timeout_seconds=30), at=THEN)
    second = trading.add_exit_attempt(
        _attempt(held, attempt_number=2, success=True, order_type="market", limit_price=None, fill_price=Decimal("0.4"))
    )

    rows = "SELECT attempt_id, limit_price, fill_price, quantity, attempt_number, timeout_seconds, success"
    assert sql(f"{rows} FROM exit_attempts ORDER BY attempt_id") == [
        (first, Decimal("0.4321"), None, Decimal("99.5"), 1, 30, False),
        (second, None, Decimal("0.4"), Decimal("99.5"), 2, None, True),
    ]
    assert sql("SELECT created_at FROM exit_attempts WHERE attempt_id = %s", first) == [(THEN,)]


def test_an_exit_is_stored_with_what_it_took(held: int, sql: Run) -> None:
    exit_id = trading.add_position_exit(
        PositionExit(
            position_id=held,
            exit_condition="profit_target",
            exit_priority="LOW",
            quantity_exited=Decimal("40.25"),
            exit_price=Decimal("0.6001"),
            unrealized_pnl_at_exit=Decimal("-0.0001"),
        ),
        at=THEN,
    )

    assert sql(
        "SELECT exit_id, position_id, exit_condition, exit_priority, quantity_exited, exit_price,"
        " unrealized_pnl_at_exit, created_at FROM position_exits"
    ) == [(exit_id, held, "profit_target", "LOW", Decimal("40.25"), Decimal("0.6001"), Decimal("-0.0001"), THEN)]


def test_what_makes_no_exit_is_refused_in_the_database_s_words(held: int, sql: Run) -> None:
    with pytest.raises(RowRefused, match="exit_attempts_limit_price_check"):
        trading.add_exit_attempt(_attempt(held, limit_price=None))
    with pytest.raises(RowRefused, match="exit_attempts_position_id_fkey"):
        trading.add_exit_attempt(_attempt(4711))
    with pytest.raises(RowRefused, match="position_exits_quantity_exited_check"):
        trading.add_position_exit(
            PositionExit(
                position_id=held,
                exit_condition="stop_loss",
                exit_priority="HIGH",
                quantity_exited=Decimal(0),
                exit_price=Decimal("0.5"),
            )
        )
    assert sql("SELECT (SELECT count(*) FROM exit_attempts) + (SELECT count(*) FROM position_exits)") == [(0,)]


def test_a_game_comes_back_as_it_stands_and_only_a_change_is_a_version(ground: None, sql: Run) -> None:
    assert trading.record_game_state(GAME, at=THEN)
    assert not trading.record_game_state(GAME)
    assert trading.record_game_state(replace(GAME, home_score=3, time_remaining="05:10", possession="KC"))

    assert trading.current_game_state("KC-BUF") == replace(GAME, home_score=3, time_remaining="05:10", possession="KC")
    confirmed = sql("SELECT row_start_ts, updated_at > row_start_ts FROM game_states ORDER BY row_start_ts LIMIT 1")
    assert confirmed == [(THEN, True)]
    assert sql("SELECT count(*), count(*) FILTER (WHERE row_current_ind) FROM game_states") == [(2, 1)]


def test_games_of_one_event_are_told_apart_by_their_external_id(ground: None) -> None:
    for name, score in ((None, 1), ("G1", 2), ("G2", 3)):
        trading.record_game_state(replace(GAME, external_game_id=name, home_score=score))

    found = [trading.current_game_state("KC-BUF", name) for name in (None, "G1", "G2", "G3")]
    assert [each and each.home_score for each in found] == [1, 2, 3, None]


@pytest.mark.parametrize("external_game_id", [None, "G1"])
def test_of_many_writers_of_one_game_each_ends_the_version_before_its_own(
    ground: None, sql: Run, external_game_id: str | None
) -> None:
    """The first version among them: there is no row that they could wait for."""

    def record(score: int) -> None:
        trading.record_game_state(replace(GAME, external_game_id=external_game_id, home_score=score))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(record, range(1, 201)))

    assert sql(
        "SELECT count(*), count(*) FILTER (WHERE row_current_ind), count(*) FILTER (WHERE row_start_ts <> ended)"
        " FROM (SELECT *, lag(row_end_ts) OVER (ORDER BY row_start_ts) AS ended FROM game_states) AS v"
    ) == [(200, 1, 0)]


def test_a_game_of_an_unknown_event_is_refused(ground: None) -> None:
    with pytest.raises(RowRefused, match="game_states_event_id_fkey"):
        trading.record_game_state(replace(GAME, event_id="nowhere"))
