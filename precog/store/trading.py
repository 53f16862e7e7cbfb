"""Rows of the trading side that are inserted once: what is traded on, by what, and what was done and settled."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from psycopg2 import errors as pg

from precog.domain.methods import Config, Versioned, canonical_json
from precog.domain.trading import Event, Model, Platform, Row, Series, Settlement, Strategy, Trade
from precog.errors import RowRefused
from precog.store.pool import default_pool, run

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


def add_trade(trade: Trade, *, at: datetime | None = None) -> int:
    return _add("trading.trade", **columns(trade), at=at)


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
