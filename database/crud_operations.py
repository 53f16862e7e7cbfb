"""Single rows of `alerts`: thin names over `precog.store`. Whoever wants people to be told calls `log_alert()`."""

from collections.abc import Mapping
from typing import Any

import psycopg2

from precog import arguments
from precog.alert_manager import acknowledge_alert, log_alert, resolve_alert
from precog.domain.alerts import Severity
from precog.domain.nearest import did_you_mean
from precog.domain.records import AlertRecord
from precog.errors import AlertValueError
from precog.store import alerts

__all__ = [
    "acknowledge_alert_db",
    "create_alert",
    "get_alert",
    "get_alerts_by_severity",
    "get_unacknowledged_alerts",
    "resolve_alert_db",
    "update_alert",
]


def create_alert(
    alert_type: str,
    severity: str,
    component: str,
    message: str,
    details: Mapping[str, object] | None = None,
    **columns: Any,
) -> int:
    """Store an alert that tells nobody, and return its alert_id. `columns`: as `log_alert()` takes them by keyword."""
    return log_alert(alert_type, severity, component, message, details, False, **columns)  # noqa: FBT003 - by contract


def get_alert(alert_id: int, *, environment: str | None = None) -> AlertRecord | None:
    return alerts.find(alert_id, arguments.environment_named(environment))


def update_alert(alert_id: int, *, environment: str | None = None, **columns: object) -> AlertRecord:
    """Set columns of the lifecycle, of the notification, or the tags; None leaves a column as it is.

    What was reported never changes: any other column is an AlertValueError, as is a value that PostgreSQL refuses.
    """
    for name in columns.keys() - set(alerts.UPDATABLE):
        hint = did_you_mean(name, alerts.UPDATABLE)
        raise AlertValueError(name, f"cannot be updated; these can: {', '.join(alerts.UPDATABLE)}{hint}")
    try:
        return alerts.update(alert_id, arguments.environment_named(environment), **columns)
    except (psycopg2.IntegrityError, psycopg2.DataError, psycopg2.ProgrammingError) as error:
        raise AlertValueError(", ".join(columns), str(error).splitlines()[0]) from error


def get_alerts_by_severity(severity: str, limit: int = 100, *, environment: str | None = None) -> list[AlertRecord]:
    """The newest alerts of one severity, resolved ones too, without duplicates."""
    where = arguments.environment_named(environment)
    most = arguments.whole_number("limit", limit, least=1, most=100_000)
    return alerts.newest(where, severity=arguments.choice("severity", severity, Severity), most=most)


def get_unacknowledged_alerts(severity: str | None = None, *, environment: str | None = None) -> list[AlertRecord]:
    """Open critical and high alerts that nobody has taken on, newest first."""
    wanted = None if severity is None else arguments.choice("severity", severity, Severity)
    return alerts.unacknowledged(arguments.environment_named(environment), severity=wanted)


def acknowledge_alert_db(
    alert_id: int, acknowledged_by: str, notes: str | None = None, *, environment: str | None = None
) -> AlertRecord:
    return acknowledge_alert(alert_id, acknowledged_by, notes, environment=environment)


def resolve_alert_db(
    alert_id: int,
    resolved_by: str,
    resolution_action: str,
    notes: str | None = None,
    *,
    environment: str | None = None,
) -> AlertRecord:
    return resolve_alert(alert_id, resolved_by, resolution_action, notes, environment=environment)
