"""What a trading method is: its configs and their hash, its version, its states and its legal moves."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Self, TypeAlias

Config: TypeAlias = "bool | int | Decimal | str | list[Config] | dict[str, Config] | None"
"""JSON whose fractional numbers are Decimals."""

CONFIGS = ("position_mgmt_config", "risk_config", "execution_config", "sport_config")
"""The four configs of a method, by the names of their columns."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")
VERSION = re.compile(r"v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")


class MethodStatus(StrEnum):
    DRAFT = "draft"
    TESTING = "testing"
    ACTIVE = "active"
    INACTIVE = "inactive"
    DEPRECATED = "deprecated"


_S = MethodStatus

MOVES: Mapping[MethodStatus, frozenset[MethodStatus]] = MappingProxyType(
    {
        _S.DRAFT: frozenset({_S.TESTING, _S.DEPRECATED}),
        _S.TESTING: frozenset({_S.ACTIVE, _S.DEPRECATED}),
        _S.ACTIVE: frozenset({_S.INACTIVE, _S.DEPRECATED}),
        _S.INACTIVE: frozenset({_S.ACTIVE, _S.DEPRECATED}),
        _S.DEPRECATED: frozenset(),
    }
)
"""From each status, the statuses a method may move to. The database's trigger holds the same table."""


class Versioned(NamedTuple):
    """One version of a method, a strategy or a model, written `kelly_nfl@v1.0`."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for what is not written so."""
        name, _, version = text.strip().rpartition("@")
        return cls(name, version) if name and VERSION.fullmatch(version) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodConfigs:
    """What a method does, apart from its strategy and its model."""

    position_mgmt_config: Mapping[str, Config]
    risk_config: Mapping[str, Config]
    execution_config: Mapping[str, Config]
    sport_config: Mapping[str, Config]

    def as_json(self) -> dict[str, Config]:
        return {name: dict(getattr(self, name)) for name in CONFIGS}

    @property
    def hash(self) -> str:
        """The MD5, in hex, of the canonical form: the database computes the same and refuses another."""
        return config_hash(self.as_json())


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One version of a method as it is stored."""

    method_id: int
    name: Versioned
    strategy: Versioned
    model: Versioned
    configs: MethodConfigs
    config_hash: str
    status: MethodStatus
    activated_at: datetime | None
    deactivated_at: datetime | None
    description: str | None
    notes: str | None
    created_at: datetime
    created_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """What a method made, computed from its trades. A bet is all it traded on one position, or on one market."""

    is_paper: bool
    trades: int
    bets: int
    decided: int
    """Bets that were sold or whose market is settled; all that follows is of these."""
    won: int
    stake: Decimal
    profit: Decimal
    """Dollars, after fees."""
    roi: Decimal | None
    """profit / stake to four decimals; None while nothing is decided."""
    win_rate: Decimal | None
    """won / decided to four decimals; None while nothing is decided."""
    sharpe: Decimal | None
    """Mean over deviation of the returns of its decided bets; None for fewer than two, or where they never differ."""


def config_hash(configs: Mapping[str, Config]) -> str:
    return hashlib.md5(canonical_json(dict(configs)).encode(), usedforsecurity=False).hexdigest()


def canonical_json(value: Config, *, indent: str | None = None, _margin: str = "\n") -> str:
    """One text for equal values: keys in code point order, 1.50 and 1.5 alike, no exponents; no spaces unless `indent`.

    The database's canonical_json() gives the same text.
    """
    match value:
        case bool() | None:
            return json.dumps(value)
        case int() | Decimal():
            return _number(value)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case list() | dict():
            return _container(value, indent, _margin)


def _container(value: "list[Config] | dict[str, Config]", indent: str | None, margin: str) -> str:
    inner = "" if indent is None else margin + indent
    colon = ":" if indent is None else ": "
    if isinstance(value, list):
        opening, closing = "[]"
        entries = [canonical_json(each, indent=indent, _margin=inner) for each in value]
    else:
        opening, closing = "{}"
        entries = [
            f"{json.dumps(key, ensure_ascii=False)}{colon}{canonical_json(value[key], indent=indent, _margin=inner)}"
            for key in sorted(value)
        ]
    last = margin if indent is not None and entries else ""
    return opening + ",".join(f"{inner}{entry}" for entry in entries) + last + closing


def _number(value: int | Decimal) -> str:
    """Exact, whatever the precision of the decimal context."""
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
