"""What an order touches, what blocks it, and the answer to whether it may go."""

import string
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from precog.domain.nearest import did_you_mean
from precog.errors import AlertTypeError, AlertValueError

_SPACE = " \t\n\r\f\v"
_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_LONGEST_NAME = 200


class ScopeKind(StrEnum):
    ALL = "all"
    PLATFORM = "platform"
    MARKET = "market"
    STRATEGY = "strategy"


@dataclass(frozen=True, slots=True)
class Scope:
    """All trading, or what concerns one platform, market or strategy: `all`, `platform:kalshi`.

    Spelt as the database's interlock_scope() spells it, without spaces around the name and in small ASCII letters, so
    that `Kalshi` and `kalshi` are one platform.
    """

    kind: ScopeKind
    name: str = ""

    def __post_init__(self) -> None:
        if self.kind is ScopeKind.ALL:
            if self.name:
                raise AlertValueError("scope", f"all has no name, and {self.name!r} was given")
            return
        name = self.name.strip(_SPACE).translate(_SMALL)
        if not 1 <= len(name) <= _LONGEST_NAME:
            raise AlertValueError("scope", f"a {self.kind} has a name of 1 to {_LONGEST_NAME} characters")
        object.__setattr__(self, "name", name)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind.value

    @classmethod
    def all(cls) -> "Scope":
        return cls(ScopeKind.ALL)

    @classmethod
    def platform(cls, platform_id: str) -> "Scope":
        return cls(ScopeKind.PLATFORM, platform_id)

    @classmethod
    def market(cls, market_id: str) -> "Scope":
        return cls(ScopeKind.MARKET, market_id)

    @classmethod
    def strategy(cls, strategy_id: str | int) -> "Scope":
        return cls(ScopeKind.STRATEGY, str(strategy_id))

    @classmethod
    def parse(cls, text: str) -> "Scope":
        """Of `all`, `platform:NAME`, `market:NAME` or `strategy:NAME`. Raises AlertValueError, AlertTypeError."""
        if not isinstance(text, str):
            raise AlertTypeError("scope", text, "a Scope, or a str such as 'platform:kalshi'")
        kind, _, name = text.strip(_SPACE).partition(":")
        if kind.translate(_SMALL) not in set(ScopeKind):
            hint = did_you_mean(kind.translate(_SMALL), ScopeKind)
            allowed = ", ".join(each if each == "all" else f"{each}:NAME" for each in ScopeKind)
            raise AlertValueError("scope", f"{text!r} is not one of {allowed}{hint}")
        return cls(ScopeKind(kind.translate(_SMALL)), name)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRule:
    """What a critical alert of one type blocks."""

    alert_type: str
    scope_kind: ScopeKind
    field: str | None
    """The field of `details` that names it; None for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the interlock of an environment goes by."""

    blocking: frozenset[BlockRule]
    releasers: frozenset[str]
    """Roles of PostgreSQL, or `public`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A scope that an alert blocks and nobody has released."""

    scope: Scope
    alert_id: int
    incident_id: int
    alert_type: str
    component: str
    message: str
    since: datetime
    acknowledged_by: str | None
    resolved_by: str | None
    """Whoever ended the alert; that alone releases nothing."""

    def __str__(self) -> str:
        return f"alert {self.alert_id} {self.alert_type} blocks {self.scope} since {self.since:%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether orders that touch these scopes are blocked. True where they are, as the question was asked."""

    asked: tuple[Scope, ...]
    blocks: tuple[Block, ...] = ()
    """Oldest first; of very many the first."""
    unknown: str | None = None
    """Why nobody can say, and it is blocked therefore; None where the database said."""

    @property
    def blocked(self) -> bool:
        return bool(self.blocks) or self.unknown is not None

    def __bool__(self) -> bool:
        return self.blocked

    @property
    def since(self) -> datetime | None:
        return min((each.since for each in self.blocks), default=None)

    @property
    def reasons(self) -> tuple[str, ...]:
        return (*map(str, self.blocks), *([self.unknown] if self.unknown is not None else []))

    @property
    def release_commands(self) -> tuple[str, ...]:
        return release_commands(self.blocks)

    def __str__(self) -> str:
        asked = ", ".join(map(str, self.asked))
        return f"{asked}: blocked: {'; '.join(self.reasons)}" if self.blocked else f"{asked}: free"


def release_commands(blocks: Iterable[Block]) -> tuple[str, ...]:
    """What a person types to release them: one command an incident, naming the last of its alerts."""
    last: dict[int, int] = {}
    for each in blocks:
        last[each.incident_id] = max(each.alert_id, last.get(each.incident_id, 0))
    return tuple(f"precog interlock release {alert_id} --reason TEXT" for alert_id in last.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The end of one block."""

    release_id: int
    scope: Scope
    alert_id: int
    incident_id: int
    actor: str
    """As the program that called named the person; nothing proves it."""
    role_name: str
    """The role that was logged in to PostgreSQL, as the database saw it."""
    client_address: str | None
    reason: str
    released_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What a release came to, for the whole incident."""

    made: tuple[Release, ...]
    """By this call; none where there was nothing left to release."""
    before: tuple[Release, ...]
    standing: tuple[Block, ...]
    """Blocks of later alerts of the incident, which the call did not name."""
