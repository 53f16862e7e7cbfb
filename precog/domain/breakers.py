"""Circuit breakers as values: what is measured for each, and the trip that comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from precog.domain.alerts import Severity
from precog.domain.methods import Config


class BreakerType(StrEnum):
    API_FAILURES = "api_failures"
    DATA_STALE = "data_stale"
    EDGE_ANOMALY = "edge_anomaly"
    RAPID_LOSS = "rapid_loss"
    UNUSUAL_ACTIVITY = "unusual_activity"
    DAILY_LOSS_LIMIT = "daily_loss_limit"
    CONSECUTIVE_LOSSES = "consecutive_losses"


Scope: TypeAlias = Mapping[str, str | int | None]
"""What an event is about, by the names of columns: {"platform_id": "kalshi"}. One is open per breaker and scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiFailures:
    platform_id: str
    failures: int
    last_error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMarket:
    market_id: str
    platform_id: str
    seen_at: datetime
    """When something last came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeEdges:
    model_id: int | None
    strategy_id: int | None
    edges: int
    largest: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """By how much a platform's gains and losses moved; below zero is a loss."""

    platform_id: str
    positions: int
    change: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Trades:
    platform_id: str
    strategy_id: int | None
    trades: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a position that ended came to."""

    strategy_id: int
    realized_pnl: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    breaker: BreakerType
    severity: Severity
    component: str
    scope: Scope
    message: str
    measured: Mapping[str, Config]
    """The number that went over the limit, the limit, and what else says how it came to it."""
