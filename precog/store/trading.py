"""Rows of the trading side that are inserted once: what is traded on, by what, and what was done and settled."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar, cast

from psycopg2 import errors as pg

from precog.domain.lifecycles import MODEL_MOVES, STRATEGY_MOVES, ModelStatus, StrategyStatus, why_not
from precog.domain.methods import Config, Versioned, canonical_json
from precog.domain.trading import (
    Event,
    ExitAttempt,
    Model,
    Platform,
    PositionExit,
    Row,
    Series,
    Settlement,
    Strategy,
    Trade,
)
from precog.errors import Problem, RowInvalid, RowRefused
from precog.store.pool import default_pool, run

S = TypeVar("S", bound=StrEnum)

_REFUSALS = (
    pg.CheckViolation,
    pg.ForeignKeyViolation,
    pg.UniqueViolation,
    pg.RestrictViolation,
    pg.NotNullViolation,
    pg.NumericValueOutOfRange,
    pg.InvalidTextRepresentation,
)


def put_platform(platform: Platform) -> None:
    """As it is now, new or not; so with series and events. Raises RowRefused."""
    _put("trading.platform", platform)


def put_series(series: Series) -> None:
    _put("trading.series", series)


def put_event(event: Event) -> None:
    _put("trading.event", event)


def add_strategy(strategy: Strategy) -> int:
    """Its id. Raises RowRefused where this version is there already."""
    return _add("trading.strategy", **columns(strategy))


def add_model(model: Model) -> int:
    """Its id. Raises RowRefused where this version is there already."""
    return _add("trading.model", **columns(model))


def move_strategy(strategy_id: int, status: str) -> bool:
    """Let it become `status`; whether it was something else before.

    Of two moves at once, the later is judged by what the earlier made of it. Raises RowRefused with the legal moves.
    """
    there = _status(StrategyStatus, status)
    with refusals(), default_pool().transaction() as connection:
        rows = connection.run("trading.strategy_to_move", id=strategy_id)
        moves = _moves(f"strategy {strategy_id}", rows, there, STRATEGY_MOVES)
        if moves:
            connection.run("trading.move_strategy", id=strategy_id, status=there)
    return moves


def move_model(model_id: int, status: str) -> bool:
    """As move_strategy()."""
    there = _status(ModelStatus, status)
    with refusals(), default_pool().transaction() as connection:
        rows = connection.run("trading.model_to_move", id=model_id)
        moves = _moves(f"model {model_id}", rows, there, MODEL_MOVES)
        if moves:
            connection.run("trading.move_model", id=model_id, status=there)
    return moves


def add_trade(trade: Trade, *, at: datetime | None = None) -> int:
    return _add("trading.trade", **columns(trade), at=at)


def add_exit_attempt(attempt: ExitAttempt, *, at: datetime | None = None) -> int:
    """Its id, which an Order names as exit_attempt_id."""
    return _add("trading.exit_attempt", **columns(attempt), at=at)


def add_position_exit(position_exit: PositionExit, *, at: datetime | None = None) -> int:
    """Its id. The position itself is recorded apart, with what is left of it."""
    return _add("trading.position_exit", **columns(position_exit), at=at)


def add_settlement(settlement: Settlement, *, at: datetime | None = None) -> int:
    return _add("trading.settlement", **columns(settlement), at=at)


def add_api_failure(platform_id: str, request: str, error: str, *, at: datetime | None = None) -> int:
    return _add("trading.api_failure", platform_id=platform_id, request=request, error=error, at=at)


def now() -> datetime:
    """By the clock of the database, which stamps the rows."""
    return cast(datetime, run("trading.clock")[0]["now"])


def _put(statement: str, row: Row) -> None:
    with refusals():
        run(statement, **columns(row))


def _add(statement: str, **parameters: object) -> int:
    """In a transaction of its own, which is never repeated: twice would be two rows."""
    with refusals(), default_pool().transaction() as connection:
        return cast(int, connection.run(statement, **parameters)[0]["id"])


def _status(kind: type[S], text: str) -> S:
    try:
        return kind(text)
    except ValueError:
        raise RowInvalid([Problem("status", f"{text!r} is none of {', '.join(kind)}")]) from None


def _moves(what: str, rows: Sequence[Mapping[str, Any]], there: S, legal: Mapping[S, tuple[S, ...]]) -> bool:
    """Whether it is to be moved; it may be there already."""
    if not rows:
        raise RowRefused(f"there is no {what}")
    here = type(there)(rows[0]["status"])
    if here is not there and (reason := why_not(here, there, legal)):
        raise RowRefused(f"{what}, {rows[0]['name']}, {reason}")
    return here is not there


def columns(row: Row) -> dict[str, Any]:
    """A value's fields as parameters: a versioned name as two of them, mappings as exact JSON."""
    found: dict[str, Any] = {}
    for each in fields(row):  # type: ignore[arg-type]  # every row is a dataclass
        match getattr(row, each.name):
            case Versioned() as named:
                found |= named._asdict()
            case Mapping() as mapping:
                found[each.name] = canonical_json(cast(Config, dict(mapping)))
            case value:
                found[each.name] = value
    return found


@contextmanager
def refusals() -> Iterator[None]:
    """Raises RowRefused, in the database's words, where a rule of the schema refuses."""
    try:
        yield
    except _REFUSALS as refusal:
        said = (refusal.diag.message_primary, refusal.diag.message_detail, refusal.diag.message_hint)
        raise RowRefused(" ".join(f"{each.rstrip('.')}." for each in said if each)) from refusal


def config(text: str | None) -> dict[str, Config] | None:
    """JSON of the database with exact numbers."""
    return None if text is None else cast(dict[str, Config], json.loads(text, parse_float=Decimal))
