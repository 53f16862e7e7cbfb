"""Alerts in PostgreSQL: stored with their decision, read, and ended by people."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import psycopg2.extensions
from psycopg2.extras import RealDictCursor

from precog.domain.alerts import Environment, NewAlert, ResolutionAction, Severity
from precog.domain.deliveries import Doorbell
from precog.domain.records import AlertRecord
from precog.errors import UnknownAlert
from precog.store.pool import Call, Connection, Row, default_pool, run
from precog.store.queries import sql

LOG_SECONDS = 3.0
"""What a caller waits for PostgreSQL at most, with everything: a free connection, connecting, a second try."""
_LOCK_TOGETHER = "250ms"
"""What several calls in one transaction wait for a lock; each waits alone then, in what is left of its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """What became of a call of `log_alert()`."""

    alert_id: int
    planned: bool
    """False while nobody has decided who is told: there are no routes yet, or the caller has not committed."""
    duplicate_of: int | None
    doorbells: tuple[Doorbell, ...]
    """The deliveries to ring for: those that were to be rung for, and are due now."""
    stored_before_as: str | None
    """The request hash that stands under this uuid, where that was looked up; None for a row that is surely new."""


def log(alerts: Sequence[NewAlert], *, ring: bool, within: float = LOG_SECONDS) -> list[Logged]:
    """Store alerts and decide about each, in one round trip and one transaction; durable on return.

    Equals are decided about in their order. The uuids make it safe to repeat: a second call finds the first's rows.
    `within`: seconds for all of it. Raises StoreError, and whether they are stored nobody can tell then.
    """
    return default_pool().safely(lambda connection: log_in(connection, alerts, ring=ring), within=within)


def log_in(connection: Connection, alerts: Sequence[NewAlert], *, ring: bool) -> list[Logged]:
    uuids = [str(alert.alert_uuid) for alert in alerts]
    stored: Call = (("alerts.stored",), {"alert_uuids": list(dict.fromkeys(uuids))})
    if len(alerts) == 1:
        rows = connection.run_planned(*_statements(alerts[0]), **_parameters(alerts[0], ring=ring))
        return [_logged(rows or connection.run_each([stored]), ring=ring)]
    # In one order everywhere: of two groups that lock the same fingerprints one waits, in place of a deadlock.
    ordered = sorted(alerts, key=lambda alert: (alert.environment, alert.fingerprint))
    together: Call = (("alerts.together",), {"lock_timeout": _LOCK_TOGETHER})
    each_alone: list[Call] = [(_statements(alert), _parameters(alert, ring=ring)) for alert in ordered]
    rows = connection.run_each([together, *each_alone, stored])
    by_uuid: dict[str, list[Row]] = {}
    for row in rows:
        by_uuid.setdefault(row["alert_uuid"], []).append(row)
    return [_logged(by_uuid[uuid], ring=ring) for uuid in uuids]


def _statements(alert: NewAlert) -> tuple[str, ...]:
    return ("alerts.lock", "alerts.log") if alert.notify else ("alerts.write",)


def _parameters(alert: NewAlert, *, ring: bool) -> dict[str, Any]:
    return {**_columns(alert), "window_minutes": alert.window_minutes, "ring": ring}


def _logged(rows: Sequence[Row], *, ring: bool) -> Logged:
    first = rows[0]
    return Logged(
        alert_id=first["alert_id"],
        planned=first["planned"],
        duplicate_of=first["duplicate_of"],
        doorbells=_doorbells(rows) if ring and first["delivery_id"] else (),
        stored_before_as=first.get("request_hash"),
    )


def _doorbells(rows: Sequence[Row]) -> tuple[Doorbell, ...]:
    return tuple([Doorbell(delivery_id=row["delivery_id"], channel=row["channel"]) for row in rows])


def join(connection: psycopg2.extensions.connection, alert: NewAlert) -> Logged:
    """Store the alert inside the caller's own transaction, undecided; recovery decides once they commit.

    psycopg2's errors pass through: the transaction is the caller's.
    """
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(sql("alerts.write"), _columns(alert))
        if not (rows := cast(list[Row], cursor.fetchall())):
            cursor.execute(sql("alerts.stored"), {"alert_uuids": [str(alert.alert_uuid)]})
            return _logged(cast(list[Row], cursor.fetchall()), ring=False)
        if alert.notify:
            cursor.execute(sql("alerts.announce"), {"environment": alert.environment})
        return _logged(rows, ring=False)


def _columns(alert: NewAlert) -> dict[str, Any]:
    return {
        "alert_uuid": str(alert.alert_uuid),
        "alert_type": alert.alert_type,
        "severity": alert.severity.value,  # psycopg2 looks long for how to write an enum
        "category": alert.category and alert.category.value,
        "component": alert.component,
        "message": alert.message,
        "details": json.dumps(alert.details),
        "source_table": alert.source_table,
        "source_id": alert.source_id,
        "occurred_at": alert.occurred_at,
        "fingerprint": alert.fingerprint,
        "band": alert.band,
        "environment": alert.environment.value,
        "tags": json.dumps(alert.tags),
        "request_hash": alert.request_hash,
        "notify": alert.notify,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplanned:
    alert_id: int
    alert_type: str
    fingerprint: str


def unplanned(environment: Environment, *, most: int) -> list[Unplanned]:
    """Alerts nobody has decided about yet, oldest first; none while the environment has no routes."""
    return [Unplanned(**row) for row in run("alerts.unplanned", environment=environment, most=most)]


def plan(alert: Unplanned, environment: Environment, *, window_minutes: int) -> tuple[Doorbell, ...]:
    """Decide about a stored alert as `log` would have; its deliveries, none for a duplicate."""
    rows = run(
        "alerts.lock",
        "alerts.plan",
        environment=environment,
        fingerprint=alert.fingerprint,
        alert_id=alert.alert_id,
        window_minutes=window_minutes,
    )
    return _doorbells(rows)


def would_suppress(environment: Environment, fingerprint: str, *, window_minutes: int) -> bool:
    rows = run("alerts.forecast", environment=environment, fingerprint=fingerprint, window_minutes=window_minutes)
    return bool(rows[0]["suppressed"])


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
    connection.run("alerts.lock", environment=environment, fingerprint=found[0]["fingerprint"])
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
