"""What the sources look at beside the breakers, and what the alerts say about the records that raised them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from precog.domain.alerts import Environment, NewAlert
from precog.domain.methods import Versioned
from precog.domain.predictions import Sample, Track, Validation
from precog.store.connection import Connection, Row
from precog.store.pool import default_pool, run


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was said so far about one record under one type."""

    band: int
    rank: int
    """Of the worst severity."""
    triggered_at: datetime
    """When last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlert:
    alert_id: int
    environment: Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A position and what it stands at, taken or not."""

    position_id: int
    market_id: str
    platform_id: str
    side: str
    quantity: Decimal
    status: str
    pnl: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """An open position, what it cost, and what the method behind it allows."""

    position_id: int
    market_id: str
    platform_id: str
    dollars: Decimal
    method: str | None
    """None where no trade names one."""
    most: Decimal | None
    """None where the method does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Attempts in a row to leave an open position, none of which filled."""

    position_id: int
    market_id: str
    platform_id: str
    attempts: int
    first_attempt_id: int
    exit_condition: str
    """What asked for the newest."""
    priority_level: str


def told(alert: NewAlert) -> Told | None:
    """Of this alert's type and record, in its environment."""
    row = run(
        "sources.told",
        source_table=alert.source_table,
        source_id=alert.source_id,
        alert_type=alert.alert_type,
        environment=alert.environment,
    )[0]
    return None if row["triggered_at"] is None else Told(**row)


def open_alerts(source_table: str, source_id: int | str, alert_type: str) -> list[OpenAlert]:
    with default_pool().transaction() as connection:
        return open_alerts_in(connection, source_table, source_id, alert_type)


def open_alerts_in(
    connection: Connection, source_table: str, source_id: int | str, alert_type: str | None = None
) -> list[OpenAlert]:
    """Of one type, or of any."""
    rows = connection.run(
        "sources.open_alerts", source_table=source_table, source_id=str(source_id), alert_type=alert_type
    )
    return [OpenAlert(alert_id=row["alert_id"], environment=Environment(row["environment"])) for row in rows]


def positions(*, ended_after: datetime) -> list[Held]:
    """Those that are open or ended after this moment; not those on paper."""
    return [Held(**row) for row in run("sources.positions", ended_after=ended_after)]


def sized_positions(*, begun_before: datetime) -> list[Sized]:
    """Not those on paper. `begun_before`: since when a position may be that no trade names."""
    return [Sized(**row) for row in run("sources.sized_positions", begun_before=begun_before)]


def failing_exits(now: datetime) -> list[Leaving]:
    """Not those of positions on paper."""
    return [Leaving(**row) for row in run("sources.failing_exits", now=now)]


def alerts_of_ended_positions(
    environment: Environment, alert_types: Sequence[str], *, ended_before: datetime
) -> list[int]:
    """The open alerts of these types about positions that are over."""
    parameters = {"environment": environment, "alert_types": list(alert_types), "ended_before": ended_before}
    return [row["alert_id"] for row in run("sources.alerts_of_ended_positions", **parameters)]


def alerts_of_ended_exits(environment: Environment) -> list[int]:
    """The open alerts about exits that have filled since, or whose position is over."""
    return [row["alert_id"] for row in run("sources.alerts_of_ended_exits", environment=environment)]


def tracks(since: datetime, now: datetime) -> list[Track]:
    """What each active model predicted since a moment and before it, where anything of it is settled."""
    return [_track(row) for row in run("sources.predictions", since=since, now=now)]


def _track(row: Row) -> Track:
    validated = row["validation_accuracy"] is not None and row["validation_sample_size"]
    return Track(
        model_id=row["model_id"],
        name=Versioned(row["model_name"], row["model_version"]),
        recent=Sample(count=row["recent"], right=row["recent_right"], confidence=row["recent_confidence"]),
        earlier=Sample(count=row["earlier"], right=row["earlier_right"], confidence=row["earlier_confidence"]),
        validation=Validation(
            accuracy=row["validation_accuracy"],
            calibration_error=row["validation_calibration"],
            count=row["validation_sample_size"],
        )
        if validated
        else None,
    )
