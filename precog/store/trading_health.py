"""Reports of components, and what the alerts say about them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

from precog.domain.alerts import Environment, Json
from precog.domain.health import HealthStatus, Incident, Report
from precog.store.connection import Connection
from precog.store.pool import default_pool, run

TABLE = "system_health"
_FORGOTTEN_AFTER = timedelta(days=7)
"""A component that has been silent for so long is expected no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    name: str
    reports: tuple[Report, ...]
    """Of late, the newest first; at least its last one."""
    health_id: int
    """Of the newest."""


def report(
    component: str, status: HealthStatus, details: Mapping[str, Json] | None, *, at: datetime | None = None
) -> int:
    """Its health_id."""
    with default_pool().transaction() as connection:
        written = None if details is None else json.dumps(details)
        rows = connection.run("health.report", component=component, status=status, details=written, at=at)
        return int(rows[0]["health_id"])


def components(since: datetime, now: datetime) -> list[Component]:
    """Everything that reported something, with its reports since then."""
    rows = run("health.reports", since=since, now=now, forgotten=now - _FORGOTTEN_AFTER)
    return [_component(name, list(each)) for name, each in groupby(rows, key=itemgetter("component"))]


def incident(component: str, environment: Environment, *, own_name: str) -> Incident | None:
    """What was said last about it; `own_name`: by which name this program ends incidents."""
    rows = run("health.incident", component=component, environment=environment)
    if not rows:
        return None
    row = rows[0]
    return Incident(
        alert_id=row["alert_id"],
        rank=row["rank"],
        open=row["ended_at"] is None,
        ended_at=row["ended_at"],
        ended_by_a_person=row["resolved_by"] not in {None, own_name},
    )


def healthy_at(component: str, now: datetime) -> datetime | None:
    found: datetime | None = run("health.healthy_at", component=component, now=now)[0]["at"]
    return found


def mark_told_in(connection: Connection, health_id: int) -> None:
    connection.run("health.mark_told", health_id=health_id)


def _component(name: str, rows: list[dict[str, object]]) -> Component:
    reports = tuple(Report(status=HealthStatus(row["status"]), at=row["at"]) for row in rows)  # type: ignore[arg-type]
    return Component(name=name, reports=reports, health_id=rows[0]["health_id"])  # type: ignore[arg-type]
