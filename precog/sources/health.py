"""System health: reports of components, checks of our own, and alerts that come once however a component flaps."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from precog import arguments, intake
from precog.domain.alerts import Environment, Severity
from precog.domain.health import HealthStatus, Patience, Step, judge, next_step
from precog.domain.sanitize import safe_details
from precog.errors import StoreError
from precog.settings import process
from precog.settings.model import HealthSettings
from precog.settings.thresholds import Thresholds
from precog.sources.raising import OWN_NAME, Record, alert_about, end_by_itself, raise_in
from precog.sources.thresholds import current_thresholds
from precog.store import trading, trading_health
from precog.store.pool import default_pool
from precog.store.trading_health import TABLE, Component

log = logging.getLogger("precog.sources")

DATABASE = "database"


def report_health(
    component: str, status: str, details: Mapping[str, object] | None = None, *, at: datetime | None = None
) -> int:
    """Write down how a component fares; its health_id. Whether that is worth an alert, `check_health` decides.

    Call it about every `health.check_interval_seconds`: who stops reporting is taken for down.
    status: healthy, degraded or down. details: what was measured; secret-looking keys are masked.
    Raises AlertValueError, AlertTypeError, StoreError.
    """
    return trading_health.report(
        arguments.text("component", component, arguments.NAME_BYTES),
        arguments.choice("status", status, HealthStatus),
        None if details is None else safe_details(details),
        at=at,
    )


def check_health(*, now: datetime | None = None, thresholds: Thresholds | None = None) -> dict[str, Step]:
    """Judge every component by its reports, raise or end its incident; what was done, by component.

    Raises StoreError, ConfigError.
    """
    rules = (thresholds or current_thresholds()).health
    moment = now or trading.now()
    patience = _patience(rules)
    found = trading_health.components(moment - patience.window - patience.stale_after, moment)
    return {each.name: _see_to(each, rules, patience, moment, at=now) for each in found}


def _see_to(
    component: Component, rules: HealthSettings, patience: Patience, now: datetime, *, at: datetime | None
) -> Step:
    environment = process.environment()
    status = judge(component.reports, now, patience)
    severity = _severity(rules, status)
    incident = trading_health.incident(component.name, environment, own_name=OWN_NAME)
    healthy_at = trading_health.healthy_at(component.name, now)
    step = next_step(status, incident, rank=severity.rank, healthy_at=healthy_at)
    if step is Step.RAISE and status is not None:
        _raise(component, status, severity, patience, now, at=at)
    elif step is Step.RESOLVE and incident is not None:
        _end(incident.alert_id, environment, rules)
    return step


def _raise(
    component: Component,
    status: HealthStatus,
    severity: Severity,
    patience: Patience,
    now: datetime,
    *,
    at: datetime | None,
) -> None:
    """The alert, and the mark at the report that it is about, or neither."""
    silent = now - component.reports[0].at
    recent = (each.status for each in component.reports if now - each.at <= patience.window)
    said = (
        f"has not reported for {silent.total_seconds():.0f} seconds"
        if silent > patience.stale_after
        else f"is {status}"
    )
    alert = alert_about(
        Record(table=TABLE, id=component.health_id),
        alert_type="health_degraded",
        severity=severity,
        component=component.name,
        message=f"{component.name} {said}",
        details={
            "status": status,
            "bad_reports": sum(each is not HealthStatus.HEALTHY for each in recent),
            "seconds_since_last_report": round(silent.total_seconds()),
        },
        occurred_at=at,
    )
    with default_pool().transaction() as connection:
        raise_in(connection, alert)
        trading_health.mark_told_in(connection, component.health_id)


def _end(alert_id: int, environment: Environment, rules: HealthSettings) -> None:
    end_by_itself(alert_id, environment, notes=f"healthy for {rules.window_seconds} seconds")


def say_database_is_away(error: StoreError, rules: HealthSettings) -> None:
    """Into the journal of this machine, from where it is stored and told when the database is back. Never raises."""
    try:
        intake.accept(
            arguments.new_alert(
                alert_type="health_degraded",
                severity=rules.severities.down,
                component=DATABASE,
                message="PostgreSQL cannot be used",
                details={"status": HealthStatus.DOWN, "error": str(error)},
                notify=True,
            )
        )
    except Exception as failure:  # noqa: BLE001 - the promise; the journal has it, or the log has had all of it
        log.warning("the database's alert waits", extra={"error": str(failure)})


def _patience(rules: HealthSettings) -> Patience:
    return Patience(
        window=timedelta(seconds=rules.window_seconds),
        bad_reports=rules.bad_reports,
        stale_after=timedelta(seconds=rules.stale_after_seconds),
    )


def _severity(rules: HealthSettings, status: HealthStatus | None) -> Severity:
    return rules.severities.down if status is HealthStatus.DOWN else rules.severities.degraded
