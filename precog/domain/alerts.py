"""What an alert is: its severity, its environment, how it ends, and what is stored of the call that raised it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Severity(StrEnum):
    """Worst first, as every list shows them."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """4 for critical down to 1 for low: the number the database compares severities by."""
        return _RANKS[self]


_RANKS = {Severity.LOW: 1, Severity.MEDIUM: 2, Severity.HIGH: 3, Severity.CRITICAL: 4}


class Environment(StrEnum):
    DEMO = "demo"
    PROD = "prod"


class Category(StrEnum):
    RISK = "risk"
    SYSTEM = "system"
    TRADING = "trading"
    DATA = "data"


class ResolutionAction(StrEnum):
    FIXED = "fixed"
    FALSE_POSITIVE = "false_positive"
    IGNORED = "ignored"
    ESCALATED = "escalated"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAlert:
    """A call of `log_alert()` after validation and the sanitizer: safe to store as it is."""

    alert_uuid: UUID
    alert_type: str
    severity: Severity
    category: Category | None
    component: str
    message: str
    details: Mapping[str, Json]
    source_table: str | None
    source_id: str | None
    fingerprint: str
    band: int
    environment: Environment
    tags: Mapping[str, Json]
    occurred_at: datetime | None
    notify: bool
    """Whether the caller wants it delivered at all (`send_notification`)."""
    window_minutes: int
    """How long after its anchor an equal alert counts as a duplicate."""
    request_hash: str
