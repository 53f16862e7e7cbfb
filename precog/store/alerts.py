"""Alerts in PostgreSQL: read, and ended by people."""

import json
from typing import cast

from precog.domain.alerts import Environment, ResolutionAction, Severity
from precog.domain.records import AlertRecord
from precog.errors import UnknownAlert
from precog.store.calls import lock_name
from precog.store.connection import Connection
from precog.store.pool import default_pool, run


def find(alert_id: int, environment: Environment) -> AlertRecord | None:
    rows = run("alerts.get", alert_id=alert_id, environment=environment)
    return cast(AlertRecord, rows[0]) if rows else None


def get(alert_id: int, environment: Environment) -> AlertRecord:
    """Raises UnknownAlert."""
    found = find(alert_id, environment)
    if found is None:
        raise UnknownAlert(alert_id, environment)
    return found


def newest(
    environment: Environment,
    *,
    severity: Severity | None = None,
    component: str | None = None,
    alert_type: str | None = None,
    duplicates: bool = False,
    only_open: bool = False,
    most: int = 100,
) -> list[AlertRecord]:
    """Alerts newest first, resolved ones too, with their duplicates as rows of their own only if asked for."""
    return _list(
        environment,
        severity=severity,
        component=component,
        alert_type=alert_type,
        duplicates=duplicates,
        only_open=only_open,
        most=most,
    )


def unresolved(
    environment: Environment, *, severity: Severity | None = None, component: str | None = None, most: int = 1000
) -> list[AlertRecord]:
    """Open alerts newest first, without their duplicates."""
    return _list(environment, severity=severity, component=component, only_open=True, most=most)


def unacknowledged(
    environment: Environment, *, severity: Severity | None = None, most: int = 1000
) -> list[AlertRecord]:
    """Open critical and high alerts that nobody has taken on, newest first, without their duplicates."""
    return _list(environment, severity=severity, only_open=True, only_unacknowledged=True, most=most)


def _list(
    environment: Environment,
    *,
    most: int,
    severity: Severity | None = None,
    component: str | None = None,
    alert_type: str | None = None,
    duplicates: bool = False,
    only_open: bool = False,
    only_unacknowledged: bool = False,
) -> list[AlertRecord]:
    """Planned once for each set of filters: a plan for any would have to serve those that are not given, too."""
    shape = {
        "by_severity": severity is not None,
        "by_component": component is not None,
        "by_type": alert_type is not None,
        "duplicates": duplicates,
        "only_open": only_open,
        "only_unacknowledged": only_unacknowledged,
        "most": most,
    }
    values = {
        "environment": environment.value,
        "severity": severity and severity.value,
        "component": component,
        "alert_type": alert_type,
    }
    rows = default_pool().safely(lambda connection: connection.run_shaped("alerts.list", shape, **values))
    return cast(list[AlertRecord], rows)


def acknowledge(alert_id: int, environment: Environment, *, by: str, notes: str | None) -> AlertRecord:
    """Take on the whole incident; what a limit still holds back is cancelled. A repeat changes nothing.

    Raises UnknownAlert.
    """
    with default_pool().transaction() as connection:
        said = {"by": by, "notes": notes}
        return _end_in(connection, alert_id, environment, "alerts.acknowledge", "deliveries.cancel_held", **said)


def resolve(
    alert_id: int, environment: Environment, *, by: str, action: ResolutionAction, notes: str | None
) -> AlertRecord:
    """End the whole incident; what is not sent yet is cancelled. A repeat changes nothing. Raises UnknownAlert."""
    with default_pool().transaction() as connection:
        return resolve_in(connection, alert_id, environment, by=by, action=action, notes=notes)


def resolve_in(
    connection: Connection,
    alert_id: int,
    environment: Environment,
    *,
    by: str,
    action: ResolutionAction,
    notes: str | None,
) -> AlertRecord:
    """As `resolve`, in a transaction that ends something else as well."""
    said = {"by": by, "action": action, "notes": notes}
    return _end_in(connection, alert_id, environment, "alerts.resolve", "deliveries.cancel_unsent", **said)


def _end_in(
    connection: Connection, alert_id: int, environment: Environment, change: str, cancel: str, **said: object
) -> AlertRecord:
    """Under the fingerprint's lock until the transaction ends, so that no duplicate slips in between."""
    found = connection.run("alerts.fingerprint", alert_id=alert_id, environment=environment)
    if not found:
        raise UnknownAlert(alert_id, environment)
    connection.run("alerts.lock", fingerprints=[lock_name(environment, found[0]["fingerprint"])])
    changed = [row["alert_id"] for row in connection.run(change, alert_id=alert_id, **said)]
    cancelled = connection.run(cancel, alert_ids=changed) if changed else []
    for each in sorted({row["alert_id"] for row in cancelled}):
        connection.run("alerts.summarise", alert_id=each)
    return cast(AlertRecord, connection.run("alerts.get", alert_id=alert_id, environment=environment)[0])


def update(alert_id: int, environment: Environment, **columns: object) -> AlertRecord:
    """Set the lifecycle, notification and tag columns that are given. Raises UnknownAlert."""
    written = {
        name: json.dumps(value) if name in _JSON_COLUMNS and value is not None else value
        for name, value in {**dict.fromkeys(UPDATABLE), **columns}.items()
    }
    run("alerts.update", alert_id=alert_id, environment=environment, **written)
    return get(alert_id, environment)


UPDATABLE = (
    "acknowledged_at", "acknowledged_by", "acknowledged_notes",
    "resolved_at", "resolved_by", "resolved_notes", "resolution_action",
    "notification_sent", "notification_sent_at", "notification_channels", "notification_attempts",
    "notification_errors", "tags",
)  # fmt: skip
_JSON_COLUMNS = frozenset({"notification_channels", "notification_errors", "tags"})
