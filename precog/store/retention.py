"""Incidents that ended long ago, removed as a whole, old health checks and failed requests; and what a hold keeps."""

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg2.errors import ForeignKeyViolation

from precog.domain.alerts import Environment, Severity
from precog.errors import UnknownAlert
from precog.store import alerts
from precog.store.connection import Connection
from precog.store.owner import owners_connection
from precog.store.pool import run

BATCH = 100
"""Incidents a transaction: locks are held for moments, and what was removed stays so when it is interrupted."""
ROWS_BATCH = 50_000
"""Health checks or failed requests a transaction: some three days of the checks of five components."""
_LONGEST_WINDOW_DAYS = 7
"""So far back a breaker may count failed requests."""
_BATCH_SECONDS = 600
"""What one batch may take: a storm of a million duplicates is one incident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    incidents: int
    alerts: int


def remove(environment: Environment, severity: Severity, days: Mapping[Severity, int]) -> Removed:
    """Remove the ended incidents that began with an alert of this severity, batch by batch.

    `days`: how long an incident is kept after its end, by the worst severity in it. Only the owner of the tables may.
    Raises StoreError.
    """
    incidents = rows = 0
    with owners_connection("precog prune") as connection:
        connection.run("retention.patient", milliseconds=str(_BATCH_SECONDS * 1000))
        connection.autocommit = False
        while ended := _ended(connection, environment, severity, days, most=BATCH):
            rows += _remove(connection, ended)
            connection.commit()
            incidents += len(ended)
    return Removed(incidents=incidents, alerts=rows)


def removable(environment: Environment, severity: Severity, days: Mapping[Severity, int]) -> int:
    """How many incidents `remove` would remove now. Changes nothing."""
    with owners_connection("precog prune") as connection:
        connection.run("retention.patient", milliseconds=str(_BATCH_SECONDS * 1000))
        return len(_ended(connection, environment, severity, days, most=None))


def remove_checks(days: int) -> int:
    """Remove the results of health checks that are older, batch by batch; how many.

    The newest of each component stays, and each that an alert was logged for. Only the owner of the tables may. Raises
    StoreError.
    """
    return _remove_rows("retention.remove_checks", days)


def removable_checks(days: int) -> int:
    """How many `remove_checks` would remove now. Changes nothing."""
    return _count_rows("retention.old_checks", days)


def remove_failures(days: int) -> int:
    """Remove the failed requests that are older, and that no breaker counts any more; how many.

    Only the owner of the tables may. Raises StoreError.
    """
    return _remove_rows("retention.remove_failures", max(days, _LONGEST_WINDOW_DAYS))


def removable_failures(days: int) -> int:
    """How many `remove_failures` would remove now. Changes nothing."""
    return _count_rows("retention.old_failures", max(days, _LONGEST_WINDOW_DAYS))


def _remove_rows(statement: str, days: int) -> int:
    removed = 0
    with owners_connection("precog prune") as connection:
        connection.run("retention.patient", milliseconds=str(_BATCH_SECONDS * 1000))
        while gone := int(connection.run("retention.begin", statement, days=days, most=ROWS_BATCH)[0]["rows"]):
            removed += gone
    return removed


def _count_rows(statement: str, days: int) -> int:
    with owners_connection("precog prune") as connection:
        connection.run("retention.patient", milliseconds=str(_BATCH_SECONDS * 1000))
        return int(connection.run(statement, days=days)[0]["rows"])


def _ended(
    connection: Connection,
    environment: Environment,
    severity: Severity,
    days: Mapping[Severity, int],
    *,
    most: int | None,
) -> list[int]:
    rows = connection.run(
        "retention.ended",
        environment=environment,
        severity=severity,
        days=days[severity],
        days_by_rank=[days[each] for each in sorted(Severity, key=lambda each: each.rank)],
        most=most,
    )
    return [row["incident_id"] for row in rows]


def _remove(connection: Connection, incident_ids: list[int]) -> int:
    """How many alerts these were."""
    rows = connection.run(
        "retention.begin",
        "retention.remove_attempts",
        "retention.remove_deliveries",
        "retention.remove_holds",
        "retention.remove_blocks",
        "retention.remove_alerts",
        incident_ids=incident_ids,
    )
    return int(rows[0]["alerts"])


def hold(alert_id: int, environment: Environment, *, by: str, reason: str) -> bool:
    """Keep the alert's whole incident from retention. False when it is kept already.

    Raises UnknownAlert, StoreError.
    """
    alerts.get(alert_id, environment)
    try:
        return bool(run("retention.hold", alert_id=alert_id, environment=environment, by=by, reason=reason))
    except ForeignKeyViolation:  # it was removed between the two
        raise UnknownAlert(alert_id, environment) from None


def lift(alert_id: int, environment: Environment, *, by: str) -> bool:
    """Let retention have the incident again. False when it was not kept. Raises UnknownAlert, StoreError."""
    alerts.get(alert_id, environment)
    return bool(run("retention.lift", alert_id=alert_id, environment=environment, by=by))
