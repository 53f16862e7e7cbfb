"""What can be known after a test, from three witnesses that never spoke to each other: callers, receiver, database."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.chaos.rig import Rig


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What one call of `log_alert()` was told."""

    component: str
    severity: str
    began: float
    seconds: float
    alert_id: int | None = None
    error: str | None = None
    says: str = ""
    ours: bool = False
    alert_uuid: str | None = None
    journaled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What the receiver took, by its own clock."""

    at: float
    channel: str
    identity: str
    to: str
    answered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    alert_id: int
    alert_uuid: str
    component: str
    severity: str
    planned: bool
    notify: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    delivery_id: str
    alert_id: int
    channel: str
    status: str
    attempts: int
    error_code: str | None
    folded_into: str | None
    due: bool

    @property
    def identity(self) -> tuple[str, str]:
        """How the receiver knows it."""
        match self.channel:
            case "sms":
                return "sms", self.delivery_id[:6]
            case "slack":
                return "slack", str(self.alert_id)
            case _:
                return self.channel, self.delivery_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    delivery_id: str
    attempt: int
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    error_code: str | None

    @property
    def may_have_sent(self) -> bool:
        return self.outcome in {None, "accepted", "unknown"}


@dataclass(frozen=True, kw_only=True)
class Facts:
    calls: Sequence[Call]
    acceptances: Sequence[Acceptance]
    alerts: Sequence[Alert]
    deliveries: Sequence[Delivery]
    attempts: Sequence[Attempt]

    @cached_property
    def receipts(self) -> Mapping[tuple[str, str], int]:
        """How often the receiver accepted each delivery."""
        found: dict[tuple[str, str], int] = {}
        for each in self.acceptances:
            found[each.channel, each.identity] = found.get((each.channel, each.identity), 0) + 1
        return found

    @cached_property
    def tries(self) -> Mapping[str, list[Attempt]]:
        """Of each delivery, in their order."""
        found: dict[str, list[Attempt]] = {}
        for each in self.attempts:
            found.setdefault(each.delivery_id, []).append(each)
        return found

    @property
    def duplicates(self) -> int:
        """What somebody got more than once, and how often too often."""
        return sum(count - 1 for count in self.receipts.values())


def gather(rig: Rig) -> Facts:
    return Facts(
        calls=[Call(**line) for file in sorted(rig.folder.glob("calls.*.jsonl")) for line in _lines(file)],
        acceptances=[Acceptance(**line) for line in _lines(rig.folder / "accepted.jsonl")],
        alerts=[
            Alert(alert_id=row[0], alert_uuid=row[1], component=row[2], severity=row[3], planned=row[4], notify=row[5])
            for row in rig.sql("SELECT alert_id, alert_uuid::text, component, severity, planned, notify FROM alerts")
        ],
        deliveries=_deliveries(rig),
        attempts=[
            Attempt(
                delivery_id=row[0],
                attempt=row[1],
                started_at=row[2],
                finished_at=row[3],
                outcome=row[4],
                error_code=row[5],
            )
            for row in rig.sql(
                "SELECT delivery_id::text, attempt, started_at, finished_at, outcome, error_code"
                " FROM alert_delivery_attempts ORDER BY delivery_id, attempt"
            )
        ],
    )


def _deliveries(rig: Rig) -> list[Delivery]:
    rows = rig.sql(
        "SELECT delivery_id::text, alert_id, channel, status, attempts, error_code, folded_into::text,"
        " next_attempt_at <= clock_timestamp() FROM alert_deliveries"
    )
    return [
        Delivery(
            delivery_id=row[0],
            alert_id=row[1],
            channel=row[2],
            status=row[3],
            attempts=row[4],
            error_code=row[5],
            folded_into=row[6],
            due=row[7],
        )
        for row in rows
    ]


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a journal; the last one may be torn where its writer was killed."""
    if not file.exists():
        return
    for line in file.read_text().splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue
