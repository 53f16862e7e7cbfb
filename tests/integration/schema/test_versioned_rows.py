"""Versioned tables: a change closes the current row and inserts the next one, and the database sees to it."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg2
import psycopg2.extensions
import pytest
from psycopg2 import errors

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Versioned:
    table: str
    columns: str
    """Of the first version, the business key included."""
    values: str
    change: str
    """What a careless update would set."""

    @property
    def insert(self) -> str:
        return f"INSERT INTO {self.table} ({self.columns}) VALUES ({self.values})"

    @property
    def close(self) -> str:
        return f"UPDATE {self.table} SET row_current_ind = false WHERE row_current_ind"


MARKET = Versioned(
    table="markets",
    columns="market_id, platform_id, event_id, external_id, title, market_type, yes_price, no_price, spread",
    values="'BUF-WINS', 'kalshi', 'KC-BUF', 'KXNFL-KCBUF-BUF', 'Bills win?', 'binary', 0.4, 0.6, 0.01",
    change="yes_price = 0.41",
)
GAME = Versioned(
    table="game_states",
    columns="event_id, sport, home_team, away_team, period, time_remaining, status",
    values="'KC-BUF', 'nfl', 'BUF', 'KC', 'Q1', '15:00', 'live'",
    change="home_score = 7",
)
EDGE = Versioned(
    table="edges",
    columns="edge_id, market_id, method_id, expected_value, true_win_probability, market_implied_probability,"
    " market_price, confidence_level, recommended_action",
    values="7, 'KC-WINS', 1, 0.08, 0.58, 0.5, 0.5, 'high', 'alert'",
    change="expected_value = 0.07",
)
POSITION = Versioned(
    table="positions",
    columns="position_id, market_id, platform_id, side, entry_price, quantity",
    values="7, 'KC-WINS', 'kalshi', 'yes', 0.5, 100",
    change="quantity = 50",
)
BALANCE = Versioned(
    table="account_balance",
    columns="platform_id, balance, currency",
    values="'kalshi', 1000, 'USD'",
    change="balance = 1",
)

ALL = [MARKET, GAME, EDGE, POSITION, BALANCE]
every = pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.table)


@pytest.fixture(autouse=True)
def ground(market: str, method: int, run: Run) -> None:
    """One market and method others point at; closed, so that each test's rows are the only current ones."""
    run(MARKET.close)


@every
def test_two_current_rows_of_one_thing_are_refused(kind: Versioned, run: Run) -> None:
    run(kind.insert)

    with pytest.raises(errors.UniqueViolation, match=f"{kind.table}_current"):
        run(kind.insert)


@every
def test_the_content_of_a_current_row_is_refused_to_change(kind: Versioned, run: Run) -> None:
    run(kind.insert)

    with pytest.raises(errors.RestrictViolation, match="the content of a version never changes") as refusal:
        run(f"UPDATE {kind.table} SET {kind.change} WHERE row_current_ind")
    assert refusal.value.diag.table_name == kind.table
    assert "SET row_current_ind = false" in (refusal.value.diag.message_hint or "")


@every
def test_a_row_does_not_change_while_it_closes(kind: Versioned, run: Run) -> None:
    run(kind.insert)

    with pytest.raises(errors.RestrictViolation, match="the content of a version never changes"):
        run(f"UPDATE {kind.table} SET row_current_ind = false, {kind.change} WHERE row_current_ind")


@every
def test_closing_fills_the_end_and_makes_room_for_the_next(kind: Versioned, run: Run) -> None:
    run(kind.insert)
    run(kind.close)
    run(kind.insert)

    rows = run(
        f"SELECT row_current_ind, row_end_ts IS NULL, row_start_ts < coalesce(row_end_ts, 'infinity')"
        f" FROM {kind.table} WHERE row_start_ts >= (SELECT min(row_start_ts) FROM {kind.table})"
        f" ORDER BY row_start_ts DESC LIMIT 2"
    )
    assert rows == [(True, True, True), (False, False, True)]


@every
@pytest.mark.parametrize("reopen", [False, True])
def test_a_closed_row_never_changes(kind: Versioned, reopen: bool, run: Run) -> None:
    run(kind.insert)
    run(kind.close)
    change = "row_current_ind = true, row_end_ts = null" if reopen else kind.change

    with pytest.raises(errors.RestrictViolation, match="a closed version never changes"):
        run(f"UPDATE {kind.table} SET {change}")


@every
def test_a_row_is_current_exactly_while_it_has_no_end(kind: Versioned, run: Run) -> None:
    run(kind.insert)

    with pytest.raises(errors.CheckViolation, match=f"{kind.table}_row_period_check"):
        run(f"UPDATE {kind.table} SET row_end_ts = clock_timestamp() WHERE row_current_ind")


@every
def test_a_row_does_not_end_before_it_starts(kind: Versioned, run: Run) -> None:
    run(kind.insert)

    with pytest.raises(errors.CheckViolation, match=f"{kind.table}_row_period_check"):
        run(f"UPDATE {kind.table} SET row_current_ind = false, row_end_ts = row_start_ts WHERE row_current_ind")


@every
def test_history_is_not_inserted_behind_the_back(kind: Versioned, run: Run) -> None:
    columns, values = f"{kind.columns}, row_current_ind, row_end_ts", f"{kind.values}, false, clock_timestamp()"

    with pytest.raises(errors.RestrictViolation, match="a version is inserted as the current one"):
        run(f"INSERT INTO {kind.table} ({columns}) VALUES ({values})")


@every
def test_versions_do_not_overlap(kind: Versioned, run: Run) -> None:
    run(kind.insert)
    run(kind.close)

    with pytest.raises(errors.RestrictViolation, match="may not start before the one before it ended"):
        run(
            f"INSERT INTO {kind.table} ({kind.columns}, row_start_ts)"
            f" SELECT {kind.values}, max(row_end_ts) - interval '1 microsecond' FROM {kind.table}"
        )


@every
def test_rows_leave_only_through_retention(kind: Versioned, run: Run) -> None:
    run(kind.insert)

    with pytest.raises(errors.RestrictViolation, match="rows are kept; DELETE is refused"):
        run(f"DELETE FROM {kind.table}")
    with pytest.raises(errors.RestrictViolation, match="rows are kept; TRUNCATE is refused"):
        run(f"TRUNCATE {kind.table}")
    run(f"BEGIN; SET LOCAL precog.retention = 'on'; DELETE FROM {kind.table}; COMMIT")
    assert run(f"SELECT * FROM {kind.table}") == []


@every
def test_nothing_but_delete_is_let_through_by_retention(kind: Versioned, run: Run) -> None:
    run(kind.insert)

    for statement in (f"TRUNCATE {kind.table}", f"UPDATE {kind.table} SET {kind.change}"):
        with pytest.raises(errors.RestrictViolation):
            run(f"BEGIN; SET LOCAL precog.retention = 'on'; {statement}")
        run("ROLLBACK")


def test_close_and_insert_in_one_statement_leave_no_gap(run: Run) -> None:
    run(BALANCE.insert)

    run(
        "WITH closed AS (UPDATE account_balance SET row_current_ind = false WHERE row_current_ind RETURNING *)"
        " INSERT INTO account_balance (platform_id, balance, currency, row_start_ts)"
        " SELECT platform_id, balance - 1, currency, row_end_ts FROM closed"
    )

    [(old_end,), (new_start,)] = run(
        "SELECT coalesce(row_end_ts, row_start_ts) FROM account_balance ORDER BY row_start_ts"
    )
    assert old_end == new_start


def test_versions_of_other_things_are_not_in_the_way(run: Run) -> None:
    run(BALANCE.insert)

    run("INSERT INTO account_balance (platform_id, balance, currency) VALUES ('kalshi', 5, 'USDC')")

    assert run("SELECT count(*) FROM current_balances") == [(2,)]


def test_two_games_without_an_external_id_are_one_game(run: Run) -> None:
    run(GAME.insert)
    numbered = f"INSERT INTO game_states ({GAME.columns}, external_game_id) VALUES ({GAME.values}, '401')"
    run(numbered)

    for again in (GAME.insert, numbered):
        with pytest.raises(errors.UniqueViolation, match="game_states_current_key"):
            run(again)


def test_one_external_market_is_current_under_one_id(run: Run) -> None:
    run(MARKET.insert)

    with pytest.raises(errors.UniqueViolation, match="markets_current_external_id_key"):
        run(MARKET.insert.replace("'BUF-WINS'", "'ANOTHER'"))


@pytest.mark.parametrize(
    ("kind", "column"),
    [(MARKET, "updated_at"), (GAME, "updated_at"), (POSITION, "updated_at"), (POSITION, "last_update")],
    ids=lambda each: each if isinstance(each, str) else each.table,
)
def test_a_current_row_can_say_when_it_was_last_seen_unchanged(kind: Versioned, column: str, run: Run) -> None:
    run(kind.insert)

    seen = run(
        f"UPDATE {kind.table} SET {column} = clock_timestamp() WHERE row_current_ind RETURNING {column} - row_start_ts"
    )

    assert [age > timedelta(0) for (age,) in seen] == [True]
    run(kind.close)
    with pytest.raises(errors.RestrictViolation, match="a closed version never changes"):
        run(f"UPDATE {kind.table} SET {column} = clock_timestamp()")


def test_the_first_version_registers_the_identity_that_others_reference(run: Run) -> None:
    [(position_id,)] = run(
        "INSERT INTO positions (market_id, platform_id, side, entry_price, quantity)"
        " VALUES ('KC-WINS', 'kalshi', 'yes', 0.5, 100) RETURNING position_id"
    )
    exit_made = (
        "INSERT INTO position_exits (position_id, exit_condition, exit_priority, quantity_exited, exit_price)"
        " VALUES (%s, 'stop_loss', 'CRITICAL', 100, 0.3)"
    )

    run(exit_made, position_id)
    with pytest.raises(errors.ForeignKeyViolation, match="position_exits_position_id_fkey"):
        run(exit_made, position_id + 1)


def test_a_drawn_number_never_continues_what_somebody_numbered_by_hand(run: Run) -> None:
    numbered = POSITION.insert.replace("VALUES (7,", "VALUES (1,")
    unnumbered = numbered.replace("position_id, ", "").replace("VALUES (1, ", "VALUES (")
    run(numbered)
    run(POSITION.close)

    with pytest.raises(errors.UniqueViolation, match="position_keys_pkey"):
        run(unnumbered)
    assert run(f"{unnumbered} RETURNING position_id") == [(2,)]


def test_of_two_writers_of_the_same_change_one_is_told(database_url: str, run: Run) -> None:
    """The second waits for the first, then finds that the row it read is no longer the current one."""
    run(BALANCE.insert)
    with closing(psycopg2.connect(database_url)) as first, closing(psycopg2.connect(database_url)) as second:
        one, two = first.cursor(), second.cursor()
        one.execute(BALANCE.close)
        one.execute(BALANCE.insert)
        two.execute("SET lock_timeout = '100ms'")
        with pytest.raises(errors.LockNotAvailable):
            two.execute(BALANCE.insert)
        first.commit()
        second.rollback()
        with pytest.raises(errors.UniqueViolation):
            two.execute(BALANCE.insert)
