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
from precog.sources import list_breakers, resolve_breaker
from precog.store import trading
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
