"""A server that was restarted between two calls: the next one does not notice."""

from collections.abc import Callable

import psycopg2.extensions
import pytest

import precog
from precog.domain.alerts import Environment
from precog.domain.routes import Route
from precog.store import channels

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor
DEMO = Environment.DEMO


def _resolve(alert_id: int) -> object:
    return precog.resolve_alert(alert_id, "ann", "fixed")


def _acknowledge(alert_id: int) -> object:
    return precog.acknowledge_alert(alert_id, "ann")


def _log(_: int) -> object:
    return precog.log_alert("api_failures", "low", "kalshi_api", "again")


def _write_routes(_: int) -> object:
    return channels.write_routes(DEMO, list[Route]())


@pytest.mark.parametrize("call", [_resolve, _acknowledge, _log, _write_routes])
def test_the_next_call_takes_a_connection_that_lives(
    precog_env: pytest.MonkeyPatch, db_cursor: Cursor, call: Callable[[int], object]
) -> None:
    alert_id = precog.log_alert("api_failures", "low", "kalshi_api", "boom")
    db_cursor.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert call(alert_id)
