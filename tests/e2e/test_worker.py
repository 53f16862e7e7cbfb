"""A worker as the local stack starts it, between log_alert() and the receivers of the outside."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import pytest

import precog
from precog import queue
from precog.domain.alerts import Environment, Severity
from precog.domain.routes import Route
from precog.localstack.receivers import Reply
from precog.store import alerts, channels, deliveries
from tests.e2e.world import Program, World, statuses, wait_until_all_are_sent
from tests.waiting import eventually

pytestmark = pytest.mark.e2e

DEMO = Environment.DEMO


@pytest.fixture(scope="module")
def world(shared_world: World) -> World:
    return shared_world


@pytest.fixture(scope="module")
def worker(world: World) -> Iterator[Program]:
    """Two people get its mail at medium severity."""
    worker = world.worker(MEDIUM_ALERT_EMAILS="ann@example.com,bob@example.com")
    yield worker
    worker.process.stop()
    assert worker.process.exit_status == 0, worker.output
    assert not worker.alive()


def _alert(severity: str, **more: Any) -> int:
    """An alert like no other, unless `more` says its component."""
    return precog.log_alert("api_failures", severity, **{"component": f"test {uuid4()}", "message": "boom"} | more)


def test_a_critical_alert_reaches_all_six_channels_and_every_attempt_can_be_read_back(
    world: World, worker: Program
) -> None:
    component = f"kalshi {uuid4()}"
    alert_id = _alert("critical", component=component, message="5 failures in 5 minutes")
    wait_until_all_are_sent(alert_id)
    assert set(statuses(alert_id)) == set(queue.CHANNELS)
    assert component in worker.output
    assert component in (world.folder / "logs" / "alerts.jsonl").read_text()
    assert any(component in letter.raw.decode() for letter in world.outside.mail.letters)
    assert any("5 failures" in request.form["Body"] for request in world.outside.twilio.asked_to_send)
    assert any(component in request.body.decode() for request in world.outside.slack.received)
    assert any(component in request.body.decode() for request in world.outside.webhook.received)
    attempts = deliveries.attempts_of_alert(alert_id)
    assert [(each["attempt"], each["outcome"]) for each in attempts] == [(1, "accepted")] * 6
    for attempt in attempts:
        assert attempt["finished_at"] is not None
        assert attempt["started_at"] <= attempt["finished_at"]
        assert int(attempt["worker"].rpartition(":")[2]) in worker.alive()
    alert = alerts.get(alert_id, DEMO)
    assert alert["notification_sent"]
    assert alert["notification_attempts"] == 6


def test_the_alert_is_there_when_the_call_returns(world: World, worker: Program) -> None:
    alert_id = _alert("low", message="stored before it is told")
    with closing(psycopg2.connect(world.variables["DATABASE_URL"])) as other, other.cursor() as cursor:
        cursor.execute("SELECT message FROM alerts WHERE alert_id = %s", (alert_id,))
        assert cursor.fetchone() == ("stored before it is told",)


def test_a_low_alert_goes_to_the_file_and_to_nobody(world: World, worker: Program) -> None:
    alert_id = _alert("low")
    wait_until_all_are_sent(alert_id)
    assert statuses(alert_id) == {"file": "sent"}


def test_a_duplicate_is_stored_and_reaches_nobody(world: World, worker: Program) -> None:
    component = f"polymarket {uuid4()}"
    first = _alert("medium", component=component)
    second = _alert("medium", component=component)
    wait_until_all_are_sent(first)
    assert statuses(second) == {}
    assert alerts.get(second, DEMO)["duplicate_of"] == first
    letters = [letter for letter in world.outside.mail.letters if component in letter.raw.decode()]
    assert sorted(letter.recipients for letter in letters) == [("ann@example.com",), ("bob@example.com",)]


def test_a_webhook_that_is_down_for_a_moment_gets_the_same_alert_again_under_the_same_id(
    world: World, worker: Program
) -> None:
    before = len(world.outside.webhook.received)
    world.outside.webhook.script(Reply(status=503))
    alert_id = _alert("critical")
    wait_until_all_are_sent(alert_id)
    first, second = world.outside.webhook.received[before:]
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert [json.loads(each.body)["data"]["attempt"] for each in (first, second)] == [1, 2]
    tries = [each for each in deliveries.attempts_of_alert(alert_id) if each["channel"] == "webhook"]
    assert [(each["attempt"], each["error_code"]) for each in tries] == [(1, "503"), (2, None)]
    assert tries[1]["outcome"] == "accepted"


def test_a_refused_mailbox_holds_up_nobody(world: World, worker: Program) -> None:
    world.outside.mail.refuse("RCPT", "550 5.1.1 no such user")
    alert_id = _alert("medium")
    eventually(lambda: {each["status"] for each in deliveries.of_alert(alert_id)} == {"sent", "failed"})
    mail = [each for each in deliveries.of_alert(alert_id) if each["channel"] == "email"]
    assert {(each["status"], each["error_code"], each["attempts"]) for each in mail} == {
        ("failed", "550", 1),
        ("sent", None, 1),
    }


def test_refused_credentials_pause_the_channel_which_is_said_once_elsewhere_and_goes_on_when_resumed(
    world: World, worker: Program
) -> None:
    refused = Reply(status=401, body=b'{"code": 20003, "message": "Authenticate"}')
    world.outside.twilio.script(*[refused] * 10)  # whatever is tried before the pause is refused as well
    first = _alert("high")
    eventually(lambda: statuses(first)["sms"] == "held")
    second = _alert("high")
    eventually(lambda: statuses(second)["sms"] == "held")
    [said] = eventually(lambda: [each for each in alerts.newest(DEMO) if each["alert_type"] == "channel_paused"])
    eventually(lambda: statuses(said["alert_id"])["slack"] == "sent")
    assert [pause.error_code for pause in channels.paused(DEMO)] == ["20003"]
    assert sum("channel_paused" in request.body.decode() for request in world.outside.slack.received) == 1
    eventually(lambda: statuses(said["alert_id"])["sms"] == "held")  # recovery holds it at its next beat
    world.outside.twilio.unscript()
    channels.resume(DEMO, "sms", by="ann")
    wait_until_all_are_sent(first, second)


def test_a_demo_worker_takes_no_production_message_from_the_redis_they_share(
    world: World, worker: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = Route(environment=Environment.PROD, severity=Severity.LOW, channel="file", recipient="alerts.jsonl")
    channels.write_routes(Environment.PROD, [route])
    with monkeypatch.context() as production:
        production.setenv("PRECOG_ENVIRONMENT", "prod")
        theirs = _alert("low")
        assert (queue.waiting() or {}).get("file") == 1
    ours = _alert("low")
    wait_until_all_are_sent(ours)
    assert statuses(theirs) == {"file": "pending"}
    assert deliveries.attempts_of_alert(theirs) == []


def test_an_alert_in_the_callers_transaction_is_delivered_once_it_commits_and_not_before(
    world: World, worker: Program
) -> None:
    with closing(psycopg2.connect(world.variables["DATABASE_URL"])) as connection:
        theirs = _alert("low", connection=connection)
        later = _alert("low")
        wait_until_all_are_sent(later)
        assert statuses(theirs) == {}
        connection.commit()
    wait_until_all_are_sent(theirs)


def test_an_alert_of_a_transaction_that_is_rolled_back_never_was(world: World, worker: Program) -> None:
    with closing(psycopg2.connect(world.variables["DATABASE_URL"])) as connection:
        theirs = _alert("low", connection=connection)
        connection.rollback()
    later = _alert("low")
    wait_until_all_are_sent(later)
    assert alerts.find(theirs, DEMO) is None


@pytest.mark.parametrize("arguments", [("garbage",), (None,), ({"a": 1},)])
def test_a_message_that_names_no_delivery_is_dropped_with_a_warning_and_the_worker_lives(
    world: World, worker: Program, arguments: tuple[object, ...]
) -> None:
    seen = len(worker.said("a message without a delivery id was dropped"))
    _put_into_the_queue_of_the_file(world, arguments)
    eventually(lambda: len(worker.said("a message without a delivery id was dropped")) > seen)
    alert_id = _alert("low")
    wait_until_all_are_sent(alert_id)


@pytest.mark.parametrize("arguments", [(str(UUID(int=7)),), ()])
def test_a_message_about_a_delivery_that_is_not_there_does_nothing(
    world: World, worker: Program, arguments: tuple[object, ...]
) -> None:
    _put_into_the_queue_of_the_file(world, arguments)
    alert_id = _alert("low")
    wait_until_all_are_sent(alert_id)


def test_the_worker_says_at_its_start_which_channels_are_on(worker: Program) -> None:
    said = {line["event"] for line in worker.said("channel ")}
    assert "channel email: on, 2 recipients" in said
    assert "channel slack: on, 1 recipient" in said


def test_no_secret_and_no_address_is_in_the_workers_log(world: World, worker: Program) -> None:
    alert_id = _alert("critical")
    wait_until_all_are_sent(alert_id)
    for name in ("SLACK_WEBHOOK_URL", "CUSTOM_WEBHOOK_URL", "CUSTOM_WEBHOOK_SECRET", "TWILIO_AUTH_TOKEN", "REDIS_URL"):
        assert world.variables[name] not in worker.output
    for address in ("ann@example.com", "bob@example.com", "+15550100002"):
        assert address not in worker.output


def _put_into_the_queue_of_the_file(world: World, arguments: tuple[object, ...]) -> None:
    with world.celery() as app:
        app.send_task(queue.task_name("file"), args=arguments, queue=queue.queue_name("file"))
