"""Processes and the broker die at any moment, and every alert is delivered all the same."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
import redis

import precog
from precog import queue
from precog.domain.alerts import Environment, Severity
from precog.domain.routes import Route
from precog.localstack.processes import Process
from precog.localstack.receivers import Fault, Received, Receiver, Reply, receiver
from precog.localstack.supervisor import Service, Supervisor
from precog.store import channels, deliveries
from tests.e2e.world import RECOVERY, World, statuses, wait_until_all_are_sent, worker_command, write_routes
from tests.waiting import eventually

pytestmark = pytest.mark.e2e


def _alert(severity: str = "critical") -> int:
    return precog.log_alert("api_failures", severity, f"test {uuid4()}", "boom")


def _half_a_minute_passes(world: World) -> None:
    """For recovery, which rings again for what was rung 30 s ago."""
    _sql(world, "UPDATE alert_deliveries SET rung_at = rung_at - interval '30 seconds' WHERE status = 'pending'")


def _leases_end(world: World) -> None:
    """For recovery, which leaves a try alone for the 90 s of its lease."""
    _sql(world, "UPDATE alert_deliveries SET lease_until = clock_timestamp() WHERE status = 'sending'")


def _sql(world: World, statement: str) -> None:
    with (
        closing(psycopg2.connect(world.variables["DATABASE_URL"])) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def _tries(alert_id: int, channel: str) -> list[tuple[Any, Any]]:
    tries = [each for each in deliveries.attempts_of_alert(alert_id) if each["channel"] == channel]
    return [(each["outcome"], each["error_code"]) for each in tries]


@contextmanager
def _gated_slack() -> Iterator[tuple[Receiver, threading.Event]]:
    """A Slack that takes every message at once and answers when it may."""
    may_answer = threading.Event()

    def answer(request: Received) -> Reply:
        may_answer.wait(8)
        return Reply(body=b"ok")

    with receiver(answer) as slack:
        yield slack, may_answer


def test_what_a_killed_worker_was_sending_is_taken_over_when_its_lease_ends(world: World) -> None:
    workers = [world.worker("one"), world.worker("two")]
    world.outside.slack.script(Reply(fault=Fault.HANG))
    alert_id = _alert("high")
    world.outside.slack.wait_for(1)
    # A message that the dead worker had taken and not begun would be rung again only half a minute later.
    eventually(lambda: [status for status in statuses(alert_id).values() if status != "sent"] == ["sending"])
    [attempt] = [each for each in deliveries.attempts_of_alert(alert_id) if each["channel"] == "slack"]
    sender = int(attempt["worker"].rpartition(":")[2])
    [dead] = [worker for worker in workers if sender in worker.alive()]
    dead.process.kill()
    eventually(lambda: not dead.alive())
    assert statuses(alert_id)["slack"] == "sending"
    _leases_end(world)
    wait_until_all_are_sent(alert_id)
    assert _tries(alert_id, "slack") == [("unknown", "lease_expired"), ("accepted", None)]


def test_an_sms_that_a_killed_worker_was_sending_is_looked_up_and_never_sent_blindly(world: World) -> None:
    worker = world.worker("one")
    world.outside.twilio.script(Reply(fault=Fault.HANG))
    alert_id = _alert("high")
    world.outside.twilio.wait_for(1)
    worker.process.kill()
    _leases_end(world)
    world.start("recovery", *RECOVERY)
    eventually(lambda: statuses(alert_id)["sms"] == "unknown")
    assert [request.method for request in world.outside.twilio.received] == ["POST"]


def test_a_worker_that_is_asked_to_stop_finishes_its_send_and_leaves_nothing_behind(world: World) -> None:
    with _gated_slack() as (slack, may_answer):
        worker = world.worker(SLACK_WEBHOOK_URL=f"{slack.url}/services/T0/B0/secret")
        alert_id = _alert("high")
        slack.wait_for(1)
        worker.process.ask_to_stop()
        eventually(lambda: "Warm shutdown" in worker.output)
        may_answer.set()
        assert worker.process.wait(20), worker.output
    assert worker.process.exit_status == 0
    assert _tries(alert_id, "slack") == [("accepted", None)]
    assert not worker.alive()


def test_nothing_of_a_worker_outlives_its_main_process(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # or each writes what it covered before it ends
    worker = world.worker()
    worker.recovery()
    worker.process.send(signal.SIGKILL)
    eventually(lambda: not worker.alive(), 60)


def test_recovery_that_is_killed_is_started_again_by_its_worker(world: World) -> None:
    worker = world.worker()
    first = worker.recovery()
    os.kill(first, signal.SIGKILL)
    worker.wait_until_it_says("recovery ended and is started again")
    assert eventually(lambda: worker.recovery() != first)


def test_recovery_alone_delivers_where_there_never_was_a_broker(world: World) -> None:
    world.redis.stop()
    recovery = world.start("recovery", *RECOVERY)
    write_routes()
    alert_id = _alert("critical")
    wait_until_all_are_sent(alert_id)
    assert len(statuses(alert_id)) == 6
    recovery.process.stop()
    assert recovery.process.exit_status == 0
    assert not recovery.alive()


def test_a_worker_that_starts_while_the_broker_is_away_delivers_through_its_recovery_and_then_takes_messages(
    world: World,
) -> None:
    world.redis.stop()
    worker = world.start("worker", *worker_command("worker"))
    worker.recovery()
    alert_id = _alert("critical")
    wait_until_all_are_sent(alert_id)
    assert not worker.said("ready.")
    world.redis.start()
    worker.wait_until_it_says("ready.")


def test_a_broker_that_forgets_everything_loses_no_alert(world: World) -> None:
    write_routes()
    waiting = [_alert("medium") for _ in range(30)]
    with redis.Redis.from_url(world.redis.url) as client:
        assert client.llen(queue.key_prefix(Environment.DEMO) + queue.queue_name("email")) == 30
        client.flushall()
    worker = world.worker()
    _half_a_minute_passes(world)
    wait_until_all_are_sent(*waiting)
    assert len(world.outside.mail.letters) == 30
    worker.process.stop()


def _has_lost_its_broker(log: Path, times: int) -> bool:
    return log.read_text().count("Connection to broker lost") >= times


def test_a_broker_that_is_killed_again_and_again_in_the_middle_of_sends_ends_no_worker_and_costs_no_alert(
    world: World, record_property: Callable[[str, object], None]
) -> None:
    channels.write_routes(
        Environment.DEMO,
        [Route(environment=Environment.DEMO, severity=Severity.LOW, channel="slack", recipient="slack")],
    )
    ended: list[str] = []
    with _gated_slack() as (slack, may_answer):
        command = world.command("worker", *worker_command("worker"), SLACK_WEBHOOK_URL=f"{slack.url}/services/T/B/s")
        with Supervisor([Service(name="worker", start=lambda: Process(command))], ended.append):
            eventually(lambda: command.log.exists() and "ready." in command.log.read_text())
            for kills in range(1, 4):
                may_answer.clear()
                before = len(slack.received)
                logged = [_alert("low") for _ in range(6)]
                slack.wait_for(before + 2)
                world.redis.kill()
                logged += [_alert("low") for _ in range(3)]
                eventually(partial(_has_lost_its_broker, command.log, kills))
                world.redis.start()
                may_answer.set()
                wait_until_all_are_sent(*logged, seconds=40)
                assert [_tries(alert_id, "slack") for alert_id in logged] == [[("accepted", None)]] * 9
    record_property("worker ended", len(ended))
    print(f"the worker ended {len(ended)} times in 3 kills of its broker: {ended}")
    assert ended == []
