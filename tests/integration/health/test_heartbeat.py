"""The ping to somebody outside: as long as alerts reach people, and never more often than it should be."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import psycopg2.extensions
import pytest
from pydantic import SecretStr

import precog
from precog.courier import Courier
from precog.domain.alerts import Environment
from precog.localstack.receivers import Fault, Receiver, Reply, receiver
from precog.recovery import heartbeat
from precog.recovery.process import Recovery
from precog.settings.model import HealthSettings
from tests.waiting import eventually

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor
DEMO = Environment.DEMO
PATH = "/ping/5c0ffee5-0000-4000-8000-000000000000"


@pytest.fixture
def monitor() -> Iterator[Receiver]:
    """healthchecks.io, as a heartbeat sees it."""
    with receiver(lambda _: Reply(body=b"OK")) as running:
        yield running


Make = Callable[..., Recovery]


@pytest.fixture
def recovery(courier: Courier, monitor: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Recoveries that ping the monitor; they look at each beat whether it is time to."""
    monkeypatch.setattr(heartbeat, "SIGN_SECONDS", 0.0)
    made: list[Recovery] = []

    def make(seconds: int = 60) -> Recovery:
        settings = HealthSettings(heartbeat_url=SecretStr(monitor.url + PATH), heartbeat_interval_seconds=seconds)
        made.append(Recovery(courier, health=settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


def _interval_is_over(cursor: Cursor) -> None:
    cursor.execute("UPDATE recovery_beats SET pinged_at = pinged_at - interval '1 hour'")


def _ping_has_ended(recovery: Recovery) -> None:
    eventually(recovery._heartbeat._over)


def test_a_beat_tells_the_monitor_once_an_interval(recovery: Make, monitor: Receiver, db_cursor: Cursor) -> None:
    one = recovery()
    one.beat()
    [ping] = monitor.wait_for(1)
    assert (ping.method, ping.path) == ("GET", PATH)
    _ping_has_ended(one)
    one.beat()
    _interval_is_over(db_cursor)
    one.beat()
    monitor.wait_for(2)
    _ping_has_ended(one)
    assert len(monitor.received) == 2


def test_several_recoveries_share_the_interval(recovery: Make, monitor: Receiver) -> None:
    several = [recovery() for _ in range(3)]
    for each in several:
        each.beat()
    for each in several:
        _ping_has_ended(each)
    assert len(monitor.received) == 1


def test_while_alerts_reach_nobody_the_monitor_hears_nothing(
    recovery: Make, monitor: Receiver, db_cursor: Cursor, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(Recovery, "_hand_out", lambda _: None)  # a recovery whose children do not start
    precog.log_alert("api_failures", "critical", "kalshi_api", "boom")
    db_cursor.execute("UPDATE alert_deliveries SET next_attempt_at = clock_timestamp() - interval '2 minutes'")
    one = recovery()
    one.beat()
    assert one._heartbeat._child is None
    assert "the heartbeat is withheld" in caplog.text
    db_cursor.execute("UPDATE alert_deliveries SET next_attempt_at = clock_timestamp()")
    _interval_is_over(db_cursor)
    one.beat()
    assert len(monitor.wait_for(1)) == 1


def test_a_monitor_that_hangs_holds_up_no_beat(recovery: Make, monitor: Receiver, db_cursor: Cursor) -> None:
    monitor.script(Reply(fault=Fault.HANG))
    one = recovery()
    one.beat()
    monitor.wait_for(1)
    _interval_is_over(db_cursor)
    for _ in range(3):
        one.beat()
    assert not one._heartbeat._over(), "it still waits, and nobody waits for it"
    assert len(monitor.received) == 1


def test_a_failure_is_said_once_and_never_with_its_address(
    recovery: Make, monitor: Receiver, db_cursor: Cursor, capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    logging.getLogger().addHandler(said := logging.StreamHandler())  # a child's log comes out of its standard error
    try:
        monitor.script(*[Reply(status=404, body=f"no check at {PATH}".encode())] * 3)
        one = recovery()
        caplog.set_level(logging.INFO)
        for _ in range(4):
            one.beat()
            _ping_has_ended(one)
            _interval_is_over(db_cursor)
        one.beat()
    finally:
        logging.getLogger().removeHandler(said)
    printed = capfd.readouterr().err
    assert printed.count("the heartbeat URL does not take the ping") == 1
    assert "c0ffee" not in printed + caplog.text
    assert "the heartbeat URL answers again" in caplog.text


def test_without_a_url_there_is_a_sign_of_life_and_no_ping(courier: Courier, db_cursor: Cursor) -> None:
    one = Recovery(courier)
    one.beat()
    one.close()
    db_cursor.execute("SELECT environment, pinged_at, worker FROM recovery_beats")
    found: list[Any] = db_cursor.fetchall()
    assert [(environment, pinged) for environment, pinged, _ in found] == [("demo", None)]
