"""A ring lays into Redis what Celery itself would, and a broker that is away costs the caller next to nothing."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg2.extensions
import pytest
import redis
from celery import Celery
from celery.app import app_or_default

import precog
from precog import queue
from precog.domain.alerts import Environment, Severity
from precog.domain.deliveries import Doorbell
from precog.domain.routes import Route
from precog.store import channels
from tests.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _environment(precog_env: pytest.MonkeyPatch) -> None:
    queue.reset()


@pytest.fixture
def broker(redis_url: str) -> "redis.Redis":
    return redis.Redis.from_url(redis_url)


def _waiting(broker: "redis.Redis", channel: str) -> list[dict[str, Any]]:
    return [
        json.loads(each)
        for each in broker.lrange(f"{queue.key_prefix(Environment.DEMO)}notifications.{channel}", 0, -1)
    ]


@pytest.mark.parametrize("channel", queue.CHANNELS)
def test_a_ring_is_the_message_that_celery_makes_but_leaves_the_limits_of_a_send_to_the_worker(
    broker: "redis.Redis", channel: str
) -> None:
    from workers.tasks import TASKS

    delivery_id = uuid4()
    TASKS[channel].apply_async(args=(str(delivery_id),))
    assert queue.ring([Doorbell(delivery_id=str(delivery_id), channel=channel)])
    ours, theirs = (_comparable(each) for each in _waiting(broker, channel))
    limits = [message["headers"].pop("timelimit") for message in (theirs, ours)]
    assert limits == [[60, 50], [None, None]]
    assert ours == theirs


def _comparable(message: dict[str, Any]) -> dict[str, Any]:
    """The message without what differs between any two: the ids of the try and of the sender."""
    headers, properties = message["headers"], message["properties"]
    assert headers["id"] == headers["root_id"] == properties["correlation_id"]
    for name in ("id", "root_id", "origin"):
        headers.pop(name)
    for name in ("correlation_id", "delivery_tag", "reply_to"):
        properties.pop(name)
    return message | {"body": json.loads(base64.b64decode(message["body"]))}


def test_a_message_carries_an_id_and_nothing_else_of_the_alert(broker: "redis.Redis") -> None:
    channels.write_routes(
        Environment.DEMO,
        [Route(environment=Environment.DEMO, severity=Severity.LOW, channel="email", recipient="ann@example.com")],
    )
    precog.log_alert("api_failures", "low", "kalshi_api", "a very private sentence", {"token_id": "7", "note": "hush"})
    [message] = _waiting(broker, "email")
    text = json.dumps(message) + base64.b64decode(message["body"]).decode()
    for private in ("very private", "ann@example.com", "kalshi", "hush"):
        assert private not in text


def test_a_broker_that_is_away_is_noticed_once_and_then_left_alone(
    precog_env: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    precog_env.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    bell = Doorbell(delivery_id=str(uuid4()), channel="email")
    assert queue.may_ring()
    assert [queue.ring([bell]) for _ in range(3)] == [False] * 3
    assert not queue.may_ring()
    assert len([record for record in caplog.records if "does not take messages" in record.message]) == 1


def test_a_ring_after_redis_closed_the_connections_is_made_over_a_new_one(broker: "redis.Redis") -> None:
    bell = Doorbell(delivery_id=str(uuid4()), channel="email")
    for number in range(1, 4):
        assert queue.ring([bell])
        assert len(_waiting(broker, "email")) == number
        broker.client_kill_filter(_type="normal", skipme=True)


def test_after_a_ring_that_got_no_answer_no_other_waits_on_the_connections_of_that_time(broker: "redis.Redis") -> None:
    bell = Doorbell(delivery_id=str(uuid4()), channel="email")

    def connections() -> set[int]:
        return {int(each["id"]) for each in broker.client_list() if each["cmd"] == "lpush"}

    def several() -> set[int]:
        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(lambda _: queue.ring([bell]), range(50)))
        return found if len(found := connections()) > 1 else set()

    broker.client_kill_filter(_type="normal", skipme=True)  # what other tests have left open
    before = eventually(several)
    broker.client_pause(500)
    assert not queue.ring([bell])
    broker.client_unpause()
    eventually(lambda: not connections() & before)
    queue.reset()
    assert queue.ring([bell])


def test_a_ring_that_redis_refuses_in_part_is_a_ring_that_failed(broker: "redis.Redis") -> None:
    broken = f"{queue.key_prefix(Environment.DEMO)}notifications.email"
    broker.set(broken, "no list")
    bells = [Doorbell(delivery_id=str(uuid4()), channel=channel) for channel in ("email", "slack")]
    assert not queue.ring(bells)
    queue.reset()
    broker.delete(broken)
    assert queue.ring(bells), "no answer of the refused ring is left to be taken for one of this"
    assert [len(_waiting(broker, channel)) for channel in ("email", "slack")] == [1, 2]


def test_threads_that_ring_at_once_lose_no_message(broker: "redis.Redis") -> None:
    bells = [Doorbell(delivery_id=str(uuid4()), channel=channel) for channel in ("email", "slack")]
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda _: queue.ring(bells), range(200)))
    waiting = [_waiting(broker, channel) for channel in ("email", "slack")]
    assert [len(each) for each in waiting] == [200, 200]
    assert len({message["headers"]["id"] for each in waiting for message in each}) == 400


def test_an_alert_that_nobody_tries_to_ring_for_is_written_once(
    precog_env: pytest.MonkeyPatch, db_cursor: psycopg2.extensions.cursor
) -> None:
    route = Route(environment=Environment.DEMO, severity=Severity.LOW, channel="email", recipient="ann@example.com")
    channels.write_routes(Environment.DEMO, [route])
    precog_env.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    told_in_vain, untold = (precog.log_alert("api_failures", "low", f"api_{number}", "boom") for number in range(2))

    db_cursor.execute(
        "SELECT alert_id, rung_at IS NULL, d.xmin = a.xmin FROM alert_deliveries d JOIN alerts a USING (alert_id)"
    )
    assert sorted(db_cursor.fetchall()) == [(told_in_vain, True, False), (untold, True, True)]


def test_a_celery_app_of_the_program_that_cannot_be_configured_costs_no_alert(
    precog_env: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    route = Route(environment=Environment.DEMO, severity=Severity.LOW, channel="email", recipient="ann@example.com")
    channels.write_routes(Environment.DEMO, [route])
    before = app_or_default()
    theirs = Celery("theirs")
    theirs.config_from_object("no_such_module_of_theirs")
    theirs.set_current()
    try:
        assert precog.log_alert("api_failures", "low", "kalshi_api", "boom")
    finally:
        before.set_current()


def test_environments_that_share_a_redis_have_queues_of_their_own(
    precog_env: pytest.MonkeyPatch, broker: "redis.Redis"
) -> None:
    precog_env.setenv("PRECOG_ENVIRONMENT", "prod")
    queue.ring([Doorbell(delivery_id=str(uuid4()), channel="email")])
    assert _waiting(broker, "email") == []
    assert broker.llen(f"{queue.key_prefix(Environment.PROD)}notifications.email") == 1


def test_an_alert_of_another_environment_is_rung_for_in_that_environment(broker: "redis.Redis") -> None:
    route = Route(environment=Environment.PROD, severity=Severity.LOW, channel="email", recipient="ann@example.com")
    channels.write_routes(Environment.PROD, [route])
    precog.log_alert("api_failures", "low", "kalshi_api", "boom", environment="prod")
    assert _waiting(broker, "email") == []
    assert broker.llen(f"{queue.key_prefix(Environment.PROD)}notifications.email") == 1


def test_what_was_rung_is_taken_oldest_first_and_once(broker: "redis.Redis") -> None:
    first, second = uuid4(), uuid4()
    queue.ring([Doorbell(delivery_id=str(each), channel="email") for each in (first, second)])
    assert [queue.take("email"), queue.take("email", wait_seconds=0.01), queue.take("email")] == [first, second, None]
    assert queue.take("email", wait_seconds=0.01) is None


def test_a_message_that_celery_made_is_taken_as_well(broker: "redis.Redis") -> None:
    from workers.tasks import TASKS

    delivery_id = uuid4()
    TASKS["file"].apply_async(args=(str(delivery_id),))
    assert queue.take("file") == delivery_id


@pytest.mark.parametrize(
    ("args", "options"),
    [
        ((), {}),
        (("garbage",), {}),
        ((str(uuid4()), "more"), {}),
        ((str(uuid4()),), {"countdown": 60}),
        ((str(uuid4()),), {"expires": 60}),
        ((str(uuid4()),), {"compression": "gzip"}),
    ],
)
def test_a_message_that_is_no_ring_is_left_to_celery_where_it_was(
    broker: "redis.Redis", args: tuple[str, ...], options: dict[str, Any]
) -> None:
    app = app_or_default()
    for given in (args, (str(uuid4()),)):
        app.send_task(queue.task_name("file"), given, queue=queue.queue_name("file"), **options)
    before = _waiting(broker, "file")
    assert queue.take("file") is None
    assert _waiting(broker, "file") == before
    assert len(before) == 2


def test_a_message_for_another_task_is_left_to_celery(broker: "redis.Redis") -> None:
    app_or_default().send_task(queue.task_name("email"), (str(uuid4()),), queue=queue.queue_name("file"))
    assert queue.take("file") is None
    assert len(_waiting(broker, "file")) == 1


def test_nothing_is_taken_from_a_broker_that_is_away(precog_env: pytest.MonkeyPatch) -> None:
    precog_env.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert queue.take("email") is None
    assert queue.take("email", wait_seconds=0.01) is None
