"""How many alerts there were: past hours are counted once, so that a question about a day reads no alerts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from precog.domain.alerts import Environment, Severity
from precog.store.pool import default_pool, run

_STEP = timedelta(days=1)
"""What one transaction counts: a first count of a long history is many short ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    severity: Severity
    alert_type: str
    component: str
    alerts: int
    told: int
    """Those that told somebody."""
    suppressed: int
    """Those that were duplicates."""


def roll_up(environment: Environment) -> None:
    """Count the hours that are over, and once more those of the last day. Any number of processes may do so at once."""
    begin_at, until = _to_count(environment)
    while begin_at is not None and begin_at < until:
        end_at = min(begin_at + _STEP, until)
        with default_pool().transaction() as connection:
            if not connection.run("counts.alone", environment=environment)[0]["mine"]:
                return
            connection.run("counts.add", environment=environment, begin_at=begin_at, end_at=end_at)
        begin_at = end_at


def _to_count(environment: Environment) -> tuple[datetime | None, datetime]:
    row = run("counts.begin_at", environment=environment)[0]
    return row["begin_at"], row["now_hour"]


def since(environment: Environment, moment: datetime) -> list[Count]:
    """The alerts since `moment`, by severity, type and component, worst first. `moment`: the beginning of an hour."""
    rows = run("counts.since", environment=environment, since=moment)
    return [Count(**{**row, "severity": Severity(row["severity"])}) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unacknowledged:
    alerts: int
    oldest: datetime | None
    """When the one that waits longest was raised."""


def unacknowledged(environment: Environment, *, severity: Severity | None = None) -> Unacknowledged:
    """The open critical and high alerts that nobody has taken on, their duplicates not counted."""
    return Unacknowledged(**run("counts.unacknowledged", environment=environment, severity=severity)[0])
