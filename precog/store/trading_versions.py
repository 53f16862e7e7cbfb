"""Versioned rows of the trading side: a change ends the current version in the moment in which the next begins.

Each call is one transaction in one round trip, under a lock on the thing: of any number of writers each ends the
version of the one before: no gap, no version lost, never two that are current. What is unchanged makes no version.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from precog.domain.trading import Balance, Edge, GameState, Market, Position
from precog.errors import RowRefused
from precog.store.connection import Row
from precog.store.pool import default_pool, run
from precog.store.trading import columns, config, refusals


def record_market(market: Market, *, at: datetime | None = None) -> bool:
    """Whether that was a change. `at`: since when; now where it is left out. Raises RowRefused."""
    return bool(_record("markets.record", f"market {market.market_id}", columns(market), at)["changed"])


def record_balance(balance: Balance, *, at: datetime | None = None) -> bool:
    """Whether that was a change. Raises RowRefused."""
    thing = f"balance {balance.platform_id} {balance.currency}"
    return bool(_record("balances.record", thing, columns(balance), at)["changed"])


def record_game_state(state: GameState, *, at: datetime | None = None) -> bool:
    """Whether that was a change. Raises RowRefused."""
    thing = f"game {state.event_id} {state.external_game_id or ''}"
    return bool(_record("games.record", thing, columns(state), at)["changed"])


def record_position(position: Position, *, at: datetime | None = None) -> int:
    """Its id. Raises RowRefused, also for an id that was never given out."""
    if position.position_id is None:
        return _begin("positions.record", columns(position), at)
    row = _record("positions.record", f"position {position.position_id}", columns(position), at)
    return _known(row["id"], f"position {position.position_id}")


def record_edge(edge: Edge, *, at: datetime | None = None) -> int:
    """Its id. Raises RowRefused, also for an id that was never given out."""
    if edge.edge_id is None:
        return _begin("edges.record", columns(edge), at)
    row = _record("edges.record", f"edge {edge.edge_id}", columns(edge), at)
    return _known(row["id"], f"edge {edge.edge_id}")


def current_market(market_id: str) -> Market | None:
    rows = run("markets.current", market_id=market_id)
    return Market(**{**rows[0], "metadata": config(rows[0]["metadata"])}) if rows else None


def current_position(position_id: int) -> Position | None:
    rows = run("positions.current", position_id=position_id)
    return _position(rows[0]) if rows else None


def open_positions() -> list[Position]:
    return [_position(row) for row in run("positions.current", position_id=None)]


def current_game_state(event_id: str, external_game_id: str | None = None) -> GameState | None:
    rows = run("games.current", event_id=event_id, external_game_id=external_game_id)
    return GameState(**{**rows[0], "sport_metadata": config(rows[0]["sport_metadata"])}) if rows else None


def current_balance(platform_id: str, currency: str = "USD") -> Decimal | None:
    rows = run("balances.current", platform_id=platform_id, currency=currency)
    return cast(Decimal, rows[0]["balance"]) if rows else None


def _record(statement: str, thing: str, parameters: dict[str, Any], at: datetime | None) -> Row:
    """May run twice: the second finds nothing changed."""
    with refusals():
        return run("trading.lock", statement, thing=thing, at=at, **parameters)[0]


def _begin(statement: str, parameters: dict[str, Any], at: datetime | None) -> int:
    """Never run twice: that would be two things."""
    with refusals(), default_pool().transaction() as connection:
        return cast(int, connection.run(statement, at=at, **parameters)[0]["id"])


def _known(found: int | None, thing: str) -> int:
    if found is None:
        raise RowRefused(f"there is no {thing}; a new one is recorded without an id, and gets one")
    return found


def _position(row: Row) -> Position:
    return Position(**{**row, "trailing_stop_state": config(row["trailing_stop_state"])})
