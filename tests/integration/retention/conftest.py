"""Incidents of any age: what happened is moved into the past by the owner, since no program can."""

from collections.abc import Callable
from typing import Any

import psycopg2.extensions
import pytest

import precog
from precog.domain.alerts import Environment, Severity
from precog.domain.routes import Route
from precog.store import channels

Raise = Callable[..., int]


@pytest.fixture(autouse=True)
def routes(precog_env: pytest.MonkeyPatch, database_url: str) -> None:
    precog_env.setenv("PRECOG_OWNER_URL", database_url)
    channels.write_routes(
        Environment.DEMO,
        [Route(environment=Environment.DEMO, severity=each, channel="file", recipient="alerts") for each in Severity],
    )


@pytest.fixture
def ended(db_cursor: psycopg2.extensions.cursor) -> Raise:
    """`ended(severity, days)`: an incident of one alert that was told, and ended so many days ago."""

    def make(severity: str = "low", days: float = 31, component: str = "feed", **more: Any) -> int:
        alert_id = precog.log_alert("api_failures", severity, component, "boom", **more)
        db_cursor.execute(
            "UPDATE alert_deliveries SET status = 'sending', attempts = 1, lease_until = now(), leased_by = 'w'"
            " WHERE alert_id = %(id)s",
            {"id": alert_id},
        )
        db_cursor.execute(
            "INSERT INTO alert_delivery_attempts (delivery_id, attempt, environment, channel, worker)"
            " SELECT delivery_id, 1, environment, channel, 'w' FROM alert_deliveries WHERE alert_id = %(id)s",
            {"id": alert_id},
        )
        db_cursor.execute(
            "UPDATE alert_deliveries SET status = 'sent', lease_until = NULL, leased_by = NULL, finished_at = now()"
            " WHERE alert_id = %(id)s",
            {"id": alert_id},
        )
        precog.resolve_alert(alert_id, "ann", "fixed")
        db_cursor.execute(
            "UPDATE alerts SET resolved_at = now() - make_interval(days => 1) * %(days)s WHERE alert_id = %(id)s",
            {"days": days, "id": alert_id},
        )
        return alert_id

    return make


@pytest.fixture
def left(db_cursor: psycopg2.extensions.cursor) -> Callable[[], list[int]]:
    """The ids of the alerts there are."""

    def ids() -> list[int]:
        db_cursor.execute("SELECT alert_id FROM alerts ORDER BY alert_id")
        return [row[0] for row in db_cursor.fetchall()]

    return ids
