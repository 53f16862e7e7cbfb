"""What the sources look at beside the breakers, and what the alerts say about the records that raised them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from precog.domain.alerts import Environment, NewAlert
from precog.domain.methods import Versioned
from precog.domain.predictions import Sample, Track, Validation
from precog.store.pool import Connection, Row, default_pool, run


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


def alerts_of_ended_positions(environment: Environment, *, ended_before: datetime) -> list[int]:
    """The open gain and loss alerts of positions that are over."""
    rows = run("sources.alerts_of_ended_positions", environment=environment, ended_before=ended_before)
    return [row["alert_id"] for row in rows]


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
