"""Methods and their templates in PostgreSQL: stored, moved, and measured by their trades."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import cast

from psycopg2 import errors as pg

from precog.domain.methods import (
    CONFIGS,
    Config,
    Method,
    MethodConfigs,
    MethodStatus,
    Performance,
    Versioned,
    canonical_json,
)
from precog.domain.nearest import did_you_mean
from precog.errors import MethodRefused, UnknownMethod
from precog.store.connection import Connection, Row
from precog.store.pool import default_pool, run


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMethod:
    name: Versioned
    strategy_id: int
    model_id: int
    configs: MethodConfigs
    description: str | None
    notes: str | None
    created_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A strategy or a model, and the hash by which its config is compared with that of another database."""

    part_id: int
    config_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What the bets of a period came to; the sums are over its decided bets."""

    trades: int
    bets: int
    decided: int
    won: int
    stake: Decimal
    profit: Decimal
    roi: Decimal | None
    win_rate: Decimal | None
    profit_squared: Decimal
    stake_squared: Decimal
    profit_by_stake: Decimal


def find(name: Versioned) -> Method | None:
    rows = run("methods.find", method_id=None, name=name.name, version=name.version)
    return _method(rows[0]) if rows else None


def get(reference: Versioned | int) -> Method:
    """Raises UnknownMethod."""
    if isinstance(reference, int):
        rows = run("methods.find", method_id=reference, name=None, version=None)
        found = _method(rows[0]) if rows else None
    else:
        found = find(reference)
    if found is None:
        known = [row["name"] for row in run("methods.names")]
        raise UnknownMethod(str(reference), did_you_mean(str(reference), known))
    return found


def listed(*, status: MethodStatus | None = None, name: str | None = None, deprecated: bool = False) -> list[Method]:
    """By name, newest version first; deprecated ones when that is the status, or if asked for."""
    return [_method(row) for row in run("methods.list", status=status, name=name, deprecated=deprecated)]


def twins(method_id: int) -> tuple[Versioned, ...]:
    """Other versions made of the same strategy, model and configs."""
    return tuple(Versioned(*row.values()) for row in run("methods.twins", method_id=method_id))


def template(name: str) -> MethodConfigs | None:
    rows = run("methods.template", name=name)
    return _configs(rows[0]) if rows else None


def template_names() -> list[str]:
    return [row["template_name"] for row in run("methods.template_names")]


def strategy(name: Versioned) -> Part | None:
    rows = run("methods.strategy", **name._asdict())
    return Part(**rows[0]) if rows else None


def model(name: Versioned) -> Part | None:
    rows = run("methods.model", **name._asdict())
    return Part(**rows[0]) if rows else None


def strategy_names() -> list[str]:
    return [row["name"] for row in run("methods.strategy_names")]


def model_names() -> list[str]:
    return [row["name"] for row in run("methods.model_names")]


def add(method: NewMethod, *, template: str | None = None) -> int:
    """Store a draft, and count the use of its template. Raises MethodRefused."""
    with _refusals(), default_pool().transaction() as connection:
        rows = connection.run(
            "methods.add",
            **method.name._asdict(),
            **{name: canonical_json(value) for name, value in method.configs.as_json().items()},
            strategy_id=method.strategy_id,
            model_id=method.model_id,
            config_hash=method.configs.hash,
            description=method.description,
            notes=method.notes,
            created_by=method.created_by,
        )
        if template is not None:
            connection.run("methods.count_use", name=template)
        return cast(int, rows[0]["method_id"])


def move(method_id: int, status: MethodStatus, *, keep_older: bool = False) -> tuple[Versioned, ...]:
    """Change the status, and return the older versions that this deprecated. A repeat changes nothing.

    Raises MethodRefused with the database's reason when the move is not legal or its conditions are not met.
    """
    with _refusals(), default_pool().transaction() as connection:
        connection.run("methods.keep_older", keep=keep_older)
        before = _older_in_use(connection, method_id)
        connection.run("methods.move", method_id=method_id, status=status)
        after = _older_in_use(connection, method_id)
        return tuple(name for name in before if name not in after)


def _older_in_use(connection: Connection, method_id: int) -> list[Versioned]:
    return [Versioned(*row.values()) for row in connection.run("methods.older_in_use", method_id=method_id)]


def performance(method_ids: Sequence[int]) -> dict[tuple[int, bool], Performance]:
    """By method and whether its trades were on paper."""
    rows = run("methods.performance", method_ids=list(method_ids))
    return {(row.pop("method_id"), row["is_paper"]): Performance(**row) for row in rows}


def running(method_id: int, *, paper: bool) -> tuple[datetime | None, datetime | None]:
    """When it opened its first bet, and when it was deactivated."""
    row = run("methods.running", method_id=method_id, paper=paper)[0]
    return row["since"], row["until"]


def made(method_id: int, *, paper: bool, since: datetime, until: datetime) -> Made:
    """What the bets opened in this period came to."""
    return Made(**run("methods.made", method_id=method_id, paper=paper, since=since, until=until)[0])


def now() -> datetime:
    return cast(datetime, run("methods.clock")[0]["now"])


def _method(row: Row) -> Method:
    return Method(
        method_id=row["method_id"],
        name=Versioned(row["method_name"], row["method_version"]),
        strategy=Versioned(row["strategy_name"], row["strategy_version"]),
        model=Versioned(row["model_name"], row["model_version"]),
        configs=_configs(row),
        config_hash=row["config_hash"],
        status=MethodStatus(row["status"]),
        activated_at=row["activated_at"],
        deactivated_at=row["deactivated_at"],
        description=row["description"],
        notes=row["notes"],
        created_at=row["created_at"],
        created_by=row["created_by"],
    )


def _configs(row: Row) -> MethodConfigs:
    return MethodConfigs(**{name: _config(row[name]) for name in CONFIGS})


def _config(text: str) -> dict[str, Config]:
    return cast(dict[str, Config], json.loads(text, parse_float=Decimal))


@contextmanager
def _refusals() -> Iterator[None]:
    """Raises MethodRefused, in the database's words, where a rule of the schema refuses."""
    try:
        yield
    except pg.RestrictViolation as refusal:
        said = (refusal.diag.message_primary, refusal.diag.message_detail, refusal.diag.message_hint)
        raise MethodRefused(" ".join(_sentence(each) for each in said if each)) from refusal
    except (pg.CheckViolation, pg.UniqueViolation, pg.ForeignKeyViolation) as refusal:
        raise MethodRefused(refusal.diag.message_primary or str(refusal)) from refusal


def _sentence(text: str) -> str:
    return text.removeprefix("methods: ").removesuffix(".") + "."
