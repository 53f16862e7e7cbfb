"""`precog watch` from rows to an alert and its end, as a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from precog import get_unresolved_alerts
from precog.domain.alerts import Environment
from precog.domain.trading import Platform
from precog.journal import waiting
from precog.localstack.server import Server
from precog.sources import list_breakers, resolve_breaker
from precog.sources.watch import Watch, watch_once
from precog.store import trading
from precog.store.pool import close_default_pool
from tests.waiting import eventually

pytestmark = pytest.mark.integration

PRECOG = Path(sys.executable).with_name("precog")
Run = Callable[..., list[tuple[Any, ...]]]


@contextmanager
def _watching() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [PRECOG, "watch"], env=dict(os.environ), stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_failed_requests_trip_a_breaker_and_its_resolution_ends_the_alert(ground: None, sql: Run) -> None:
    for _ in range(5):
        trading.add_api_failure("kalshi", "GET /markets", "HTTP 503")

    with _watching() as process:
        [event] = eventually(list_breakers)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0

    [alert] = get_unresolved_alerts(component="kalshi_api")
    assert (alert["alert_type"], alert["severity"]) == ("api_failures", "high")
    assert (alert["source_table"], alert["source_id"]) == ("circuit_breaker_events", str(event.event_id))
    assert (event.breaker, event.scope, event.alert_id) == (
        "api_failures",
        {"platform_id": "kalshi"},
        alert["alert_id"],
    )

    resolve_breaker(event.event_id, "ann", "fixed", "they restarted it")

    assert (list_breakers(), get_unresolved_alerts(component="kalshi_api")) == ([], [])
    done = subprocess.run([PRECOG, "watch", "--once"], capture_output=True, text=True, check=False)
    assert (done.returncode, list_breakers()) == (0, []), "what was there when it was resolved does not trip it again"
    assert "breakers" in done.stdout


def _next_beat(watch: Watch) -> None:
    """As if every interval had passed."""
    watch._due = dict.fromkeys(watch._due, 0.0)
    watch.beat()


def test_a_database_that_stays_away_is_told_of_once_when_it_is_back(
    precog_env: pytest.MonkeyPatch, own_postgres: Server
) -> None:
    precog_env.setenv("DATABASE_URL", own_postgres.url)
    close_default_pool()
    watch = Watch()
    _next_beat(watch)

    own_postgres.stop()
    _next_beat(watch)
    assert waiting(Environment.DEMO) == (), "it may be back in a moment"
    _next_beat(watch)
    _next_beat(watch)
    [alert] = waiting(Environment.DEMO)
    assert (alert.alert_type, alert.component, alert.severity) == ("health_degraded", "database", "high")

    own_postgres.start()
    _next_beat(watch)
    trading.put_platform(Platform(platform_id="kalshi", display_name="Kalshi"))
    for _ in range(5):
        trading.add_api_failure("kalshi", "GET /markets", "HTTP 503")
    _next_beat(watch)
    assert [each.breaker for each in list_breakers()] == ["api_failures"], "it went on"


def test_a_source_that_fails_holds_up_no_other(ground: None, sql: Run) -> None:
    sql("ALTER TABLE edges RENAME COLUMN expected_value TO other_value")
    sql("ALTER TABLE system_health RENAME TO elsewhere")
    watch = Watch()
    _next_beat(watch)
    sql("ALTER TABLE elsewhere RENAME TO system_health")
    _next_beat(watch)
    assert sql("SELECT DISTINCT component FROM system_health ORDER BY 1") == [("database",), ("redis",)]


def test_what_a_watch_does_once_is_said_by_source(ground: None) -> None:
    done = watch_once()
    assert done["health"] == {"database": "nothing", "redis": "nothing"}
    assert (done["breakers"], done["gains and losses"], done["models"]) == ([], [], {})
