"""A PostgreSQL that keeps its connections and answers nothing holds nobody for long."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

import precog
from precog import intake, journal, queue
from precog.domain.alerts import Environment, Severity
from precog.domain.routes import Route
from precog.errors import AlertStoreUnavailable, StoreBusy
from precog.localstack.server import Server
from precog.logger import log_alert_helper
from precog.settings import process
from precog.store import channels, patience
from precog.store.calls import LOG_SECONDS
from precog.store.patience import Patience
from precog.store.pool import Pool, close_default_pool, default_pool
from tests.proxy import Proxy, proxy
from tests.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def door(precog_env: pytest.MonkeyPatch, program_url: str) -> Iterator[Proxy]:
    """The way to PostgreSQL, on which answers can be swallowed."""
    url = urlsplit(program_url)
    with proxy(url.hostname or "", url.port or 0) as door:
        precog_env.setenv("DATABASE_URL", program_url.replace(f":{url.port}", f":{door.port}"))
        close_default_pool()
        yield door


def _seconds_of_a_call() -> float:
    began = time.monotonic()
    with pytest.raises(AlertStoreUnavailable):
        precog.log_alert("api_failures", "high", "kalshi_api", "boom")
    return time.monotonic() - began


def test_a_statement_without_an_answer_ends_the_call_in_time(door: Proxy) -> None:
    precog.log_alert("api_failures", "low", "kalshi_api", "the connection is there")
    door.swallows.set()
    assert _seconds_of_a_call() < 2 * LOG_SECONDS


def test_a_call_is_not_held_up_by_the_ring_it_could_not_make(door: Proxy, precog_env: pytest.MonkeyPatch) -> None:
    """Redis fails, and PostgreSQL hangs at that very moment: the alert is stored, and the call is over."""
    route = Route(environment=Environment.DEMO, severity=Severity.LOW, channel="email", recipient="ann@example.com")
    channels.write_routes(Environment.DEMO, [route])
    with socket.create_server(("127.0.0.1", 0)) as broker:

        def fail() -> None:
            client, _ = broker.accept()
            door.swallows.set()
            client.close()

        threading.Thread(target=fail, daemon=True).start()
        precog_env.setenv("REDIS_URL", f"redis://127.0.0.1:{broker.getsockname()[1]}/0")
        queue.reset()
        began = time.monotonic()
        assert precog.log_alert("api_failures", "low", "kalshi_api", "boom") > 0
        assert door.swallows.is_set()
        assert time.monotonic() - began < LOG_SECONDS


def test_the_call_after_a_hang_begins_with_a_connection_of_its_own(door: Proxy) -> None:
    precog.log_alert("api_failures", "low", "kalshi_api", "the connection is there")
    door.swallows.set()
    _seconds_of_a_call()
    door.swallows.clear()
    assert [each["message"] for each in precog.get_unresolved_alerts()] == ["boom", "the connection is there"]


def test_one_call_waits_for_a_server_that_hangs_and_those_after_it_do_not(
    door: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "SPARED_SECONDS", 2 * LOG_SECONDS)
    precog.log_alert("api_failures", "low", "kalshi_api", "the connection is there")
    door.swallows.set()
    said = [_what_a_call_says() for _ in range(21)]
    assert ["waited in vain" in each for each in said] == [False] + 20 * [True]
    assert len(journal.waiting(Environment.DEMO)) == 21
    door.swallows.clear()
    eventually(lambda: _stored_after_all() is not None)
    intake.replay_journal(Environment.DEMO)
    assert not journal.holds_any(Environment.DEMO)


def _what_a_call_says() -> str:
    with pytest.raises(AlertStoreUnavailable) as caught:
        precog.log_alert("api_failures", "high", "kalshi_api", "boom")
    return caught.value.reason


def _stored_after_all() -> int | None:
    return log_alert_helper("api_failures", "low", "kalshi_api", "it is back")


def test_a_server_that_is_stopped_ends_calls_in_time(precog_env: pytest.MonkeyPatch, own_postgres: Server) -> None:
    precog_env.setenv("DATABASE_URL", own_postgres.url)
    close_default_pool()
    precog.log_alert("api_failures", "low", "kalshi_api", "the connection is there")
    with default_pool().connection() as connection:
        backend = connection.info.backend_pid
    own_postgres.pause()
    os.kill(backend, signal.SIGSTOP)
    try:
        assert _seconds_of_a_call() < 2 * LOG_SECONDS, "its backend holds a connection of ours"
        default_pool().patience = Patience()
        assert _seconds_of_a_call() < 2 * LOG_SECONDS, "it accepts a new one and says nothing"
    finally:
        os.kill(backend, signal.SIGCONT)


def test_a_wait_for_a_free_connection_counts(database_url: str) -> None:
    pool = Pool(database_url, size=1, wait=10)
    began = time.monotonic()
    with pool.connection(), pytest.raises(StoreBusy):
        pool.safely(lambda connection: connection.run("alerts.unplanned"), within=0.3)
    assert time.monotonic() - began < 5
    pool.close()


def test_a_transaction_ends_too(door: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("precog.store.pool._ANSWER_SECONDS", 0.5)
    pool = Pool(process.database_url(), size=1)
    began = time.monotonic()
    with pytest.raises(AlertStoreUnavailable, match="gave no answer"), pool.transaction():
        door.swallows.set()
    assert time.monotonic() - began < 3
    pool.close()
