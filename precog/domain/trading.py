"""The rows of the trading side as values: what is traded, believed, held and settled. Amounts are exact or refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Literal

from precog.domain.methods import Config, Versioned
from precog.errors import Problem, RowInvalid

_DECIMALS = 4
_LARGEST = Decimal(10) ** 14
"""Above what the widest column holds. A narrower one refuses by itself; none rounds."""

Category = Literal["sports", "politics", "entertainment"]
Confidence = Literal["high", "medium", "low"]
Priority = Literal["CRITICAL", "HIGH", "MEDIUM", "LOW"]


class Row:
    """Checked when it is made: raises RowInvalid with every field that is wrong."""

    __slots__ = ()

    def __post_init__(self) -> None:
        problems = [
            Problem(f"{type(self).__name__}.{each.name}", wrong)
            for each in fields(self)  # type: ignore[arg-type]  # every one of them is a dataclass
            if (wrong := _wrong(each.type, getattr(self, each.name)))
        ]
        if problems:
            raise RowInvalid(problems)


def _wrong(kind: object, value: object) -> str | None:
    if value is None:
        return None if _optional(kind) else "is missing"
    if kind in (Decimal, Decimal | None):
        return wrong_amount(value)
    if kind in (int, int | None) and (isinstance(value, bool) or not isinstance(value, int)):
        return f"expected int, got {type(value).__name__}"
    if kind is bool and not isinstance(value, bool):
        return f"expected bool, got {type(value).__name__}"
    if isinstance(value, datetime) and value.utcoffset() is None:
        return f"{value.isoformat()} has no time zone; use datetime.now(UTC)"
    if isinstance(value, Mapping):
        return next(_floats_in(value, ""), None)
    return None


def _optional(kind: object) -> bool:
    return type(None) in getattr(kind, "__args__", ())


def wrong_amount(value: object) -> str | None:
    """Why this is no exact amount of four decimals, if it is none."""
    if isinstance(value, float):
        return f'{value} is a float, which is not exact; write Decimal("{value}")'
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        return f"expected Decimal, got {type(value).__name__}"
    number = Decimal(value)
    if not number.is_finite() or number.copy_abs() >= _LARGEST:
        return f"{number} is not a finite number below {_LARGEST:,}"
    if len(format(number, "f").partition(".")[2].rstrip("0")) > _DECIMALS:  # exact, whatever the decimal context is
        return f"{number} has more than {_DECIMALS} decimals; round it yourself: .quantize(Decimal('0.0001'))"
    return None


def _floats_in(value: object, path: str) -> Iterator[str]:
    if isinstance(value, float):
        yield f'{path.lstrip(".")}: {value} is a float, which is not exact; write Decimal("{value}")'
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _floats_in(each, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from _floats_in(each, f"{path}[{number}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform(Row):
    platform_id: str
    display_name: str
    platform_type: Literal["trading", "data_source"] = "trading"
    auth_method: Literal["rsa_pss", "api_key", "metamask"] | None = None
    status: Literal["active", "inactive", "maintenance"] = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series(Row):
    series_id: str
    platform_id: str
    external_id: str
    category: Category
    title: str
    subcategory: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Row):
    event_id: str
    platform_id: str
    series_id: str
    external_id: str
    category: Category
    title: str
    subcategory: str | None = None
    start_time: datetime | None = None
    status: Literal["scheduled", "live", "final", "cancelled"] = "scheduled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Market(Row):
    """A question that can be traded, as it stands. Prices and the spread are dollars, 0 to 1."""

    market_id: str
    platform_id: str
    event_id: str
    external_id: str
    title: str
    yes_price: Decimal
    no_price: Decimal
    spread: Decimal
    market_type: Literal["binary", "categorical", "scalar"] = "binary"
    volume: Decimal = Decimal(0)
    open_interest: Decimal = Decimal(0)
    ticker: str | None = None
    status: Literal["open", "closed", "settled"] = "open"
    settlement_value: Decimal | None = None
    metadata: Mapping[str, Config] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position(Row):
    """What is held on a market. Without an id a new position begins."""

    position_id: int | None = None
    market_id: str
    platform_id: str
    side: Literal["yes", "no"]
    entry_price: Decimal
    quantity: Decimal
    fees: Decimal | None = None
    status: Literal["open", "closed", "settled"] = "open"
    unrealized_pnl: Decimal | None = None
    realized_pnl: Decimal | None = None
    current_price: Decimal | None = None
    unrealized_pnl_pct: Decimal | None = None
    trailing_stop_state: Mapping[str, Config] | None = None
    exit_reason: str | None = None
    exit_priority: Priority | None = None

    @property
    def pnl(self) -> Decimal:
        """What it made so far, taken or not."""
        return (self.realized_pnl or Decimal(0)) + (self.unrealized_pnl or Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitAttempt(Row):
    """An order that was sent to leave a position, and what became of it."""

    position_id: int
    exit_condition: str
    """What asked for it, such as stop_loss, trailing_stop or profit_target."""
    priority_level: Priority
    order_type: Literal["market", "limit"]
    quantity: Decimal
    attempt_number: int
    """Of this try of the exit, from 1."""
    success: bool
    """Whether it filled."""
    limit_price: Decimal | None = None
    """Of a limit order, which needs one."""
    fill_price: Decimal | None = None
    timeout_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionExit(Row):
    """What was sold of a position, all of it or a part."""

    position_id: int
    exit_condition: str
    exit_priority: Priority
    quantity_exited: Decimal
    exit_price: Decimal
    unrealized_pnl_at_exit: Decimal | None = None
    """Dollars, just before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GameState(Row):
    """Score and clock of a game. Period and clock are in the words of the source: Q3, 07:42."""

    event_id: str
    external_game_id: str | None = None
    """None where the event is one game."""
    sport: str
    home_team: str
    away_team: str
    home_score: int
    away_score: int
    period: str
    time_remaining: str
    possession: str | None = None
    status: Literal["scheduled", "pregame", "live", "halftime", "final"]
    sport_metadata: Mapping[str, Config] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge(Row):
    """A difference between our probability of YES and the market's price. Without an id a new edge begins."""

    edge_id: int | None = None
    market_id: str
    method_id: int
    strategy_id: int | None = None
    model_id: int | None = None
    probability_matrix_id: int | None = None
    expected_value: Decimal
    true_win_probability: Decimal
    market_implied_probability: Decimal
    market_price: Decimal
    confidence_level: Confidence
    confidence_metrics: Mapping[str, Config] | None = None
    recommended_action: Literal["auto_execute", "alert", "ignore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance(Row):
    platform_id: str
    balance: Decimal
    currency: str = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade(Row):
    """A fill."""

    market_id: str
    platform_id: str
    method_id: int
    side: Literal["buy", "sell"]
    price: Decimal
    quantity: Decimal
    is_paper: bool = False
    position_id: int | None = None
    edge_id: int | None = None
    strategy_id: int | None = None
    model_id: int | None = None
    order_id: str | None = None
    fees: Decimal | None = None
    edge_at_execution: Decimal | None = None
    confidence_at_execution: Confidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement(Row):
    market_id: str
    platform_id: str
    outcome: Literal["yes", "no", "other"]
    payout: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy(Row):
    """A version of a strategy; what it is never changes once it is stored."""

    name: Versioned
    config: Mapping[str, Config]
    strategy_type: Literal["entry", "exit", "sizing", "hedging"] | None = None
    sport: str | None = None
    status: Literal["draft", "testing", "active", "inactive", "deprecated"] = "draft"
    description: str | None = None
    created_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model(Row):
    """A version of a probability model; what it is never changes once it is stored."""

    name: Versioned
    category: Category
    config: Mapping[str, Config]
    model_type: Literal["elo", "regression", "ensemble", "ml"] | None = None
    sport: str | None = None
    status: Literal["draft", "training", "validating", "active", "deprecated"] = "draft"
    validation_accuracy: Decimal | None = None
    validation_calibration: Decimal | None = None
    validation_sample_size: int | None = None
    description: str | None = None
    created_by: str | None = None
