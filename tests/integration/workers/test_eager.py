"""The tasks inside this process: eager mode delivers inline, and the settings are those the design rests on."""

import base64
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from celery import Celery

import precog
from precog import queue
from precog.channels.registry import KINDS
from precog.domain.alerts import Environment
from precog.localstack.receivers import Reply
from precog.settings.delivery import Timing
from precog.settings.load import load_settings
from precog.settings.routes import planned_routes
from precog.store import channels, deliveries
from tests.outside import Outside

pytestmark = pytest.mark.integration


@pytest.fixture
def tasks(configured: None) -> Iterator[ModuleType]:
    """`workers.tasks` with this test's settings, and routes for everybody."""
    from workers import app, lifecycle, tasks

    settings = load_settings(channels={name: kind.settings for name, kind in KINDS.items()})
    channels.write_routes(settings.environment, planned_routes(settings, KINDS))
    lifecycle.settings.cache_clear()
    tasks.courier.cache_clear()
    app.set_current()
    yield tasks
    lifecycle.settings.cache_clear()
    tasks.courier.cache_clear()


@pytest.fixture
def app(tasks: ModuleType) -> Celery:
    from workers.app import app

    return app


@pytest.fixture
def eager(app: Celery) -> Iterator[None]:
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def _statuses(alert_id: int) -> dict[str, str]:
    return {each["channel"]: each["status"] for each in deliveries.of_alert(alert_id)}


def test_an_alert_is_delivered_before_the_call_returns(
    eager: None, outside: Outside, capfd: pytest.CaptureFixture[str]
) -> None:
    alert_id = precog.log_alert("api_failures", "critical", "kalshi_api", "boom")
    assert _statuses(alert_id) == dict.fromkeys(KINDS, "sent")
    assert (len(outside.mail.letters), len(outside.twilio.received)) == (1, 1)
    assert (len(outside.slack.received), len(outside.webhook.received)) == (1, 1)
    assert "kalshi_api" in capfd.readouterr().out


def test_a_failed_send_does_not_fail_the_call_and_is_not_tried_at_once_again(eager: None, outside: Outside) -> None:
    outside.slack.script(Reply(status=503))
    alert_id = precog.log_alert("api_failures", "high", "kalshi_api", "boom")
    assert _statuses(alert_id)["slack"] == "pending"
    assert len(outside.slack.received) == 1


def test_without_eager_mode_the_call_only_rings(tasks: ModuleType, outside: Outside) -> None:
    alert_id = precog.log_alert("api_failures", "critical", "kalshi_api", "boom")
    assert set(_statuses(alert_id).values()) == {"pending"}
    assert queue.waiting() == dict.fromkeys(KINDS, 1)
    assert outside.slack.received == []


@pytest.mark.parametrize("channel", KINDS)
def test_each_task_makes_one_delivery_of_its_channel(tasks: ModuleType, channel: str) -> None:
    alert_id = precog.log_alert("api_failures", "critical", "kalshi_api", "boom")
    [delivery] = [each for each in deliveries.of_alert(alert_id) if each["channel"] == channel]
    assert tasks.TASKS[channel].apply(args=(delivery["delivery_id"],)).successful()
    assert _statuses(alert_id) == dict.fromkeys(KINDS, "pending") | {channel: "sent"}


def _of_three_alerts() -> list[str]:
    ids = [precog.log_alert("api_failures", "low", f"api_{number}", "boom") for number in range(3)]
    return [deliveries.of_alert(each)[0]["delivery_id"] for each in ids]


def test_a_worker_goes_on_with_what_else_is_rung_on_its_channel(tasks: ModuleType) -> None:
    first, *others = _of_three_alerts()
    tasks.TASKS["file"].run(first)  # as Celery calls it for the first message
    assert [str(deliveries.standing(UUID(each)).status) for each in (first, *others)] == ["sent"] * 3
    assert queue.waiting() == dict.fromkeys(KINDS, 0)


def test_a_round_ends_when_its_time_is_over(tasks: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = _of_three_alerts()
    monkeypatch.setattr(Timing, "round_seconds", 0.0)
    tasks.TASKS["file"].run(first)
    assert [str(deliveries.standing(UUID(each)).status) for each in (first, *others)] == ["sent", "pending", "pending"]


def test_in_eager_mode_a_task_makes_its_own_delivery_alone(tasks: ModuleType) -> None:
    first, *others = _of_three_alerts()
    tasks.TASKS["file"].apply(args=(first,))
    assert [str(deliveries.standing(UUID(each)).status) for each in (first, *others)] == ["sent", "pending", "pending"]


def test_a_task_leaves_a_delivery_of_another_channel_alone(tasks: ModuleType) -> None:
    alert_id = precog.log_alert("api_failures", "low", "kalshi_api", "boom")
    [delivery] = deliveries.of_alert(alert_id)
    assert tasks.TASKS["slack"].apply(args=(delivery["delivery_id"],)).successful()
    assert _statuses(alert_id) == {"file": "pending"}


@pytest.mark.parametrize("garbage", ["", "garbage", None, 7, ["a"]])
def test_a_task_without_a_delivery_id_is_dropped_with_a_warning(
    tasks: ModuleType, garbage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert tasks.TASKS["file"].apply(args=(garbage,)).successful()
    assert "a message without a delivery id was dropped" in caplog.text


def test_a_task_with_an_unknown_id_does_nothing(tasks: ModuleType) -> None:
    assert tasks.TASKS["file"].apply(args=(str(uuid4()),)).successful()


def test_a_task_whose_database_is_away_ends_quietly_and_leaves_the_row_to_recovery(
    tasks: ModuleType, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from precog.store.pool import close_default_pool

    close_default_pool()
    monkeypatch.setenv("DATABASE_URL", "postgresql://precog@127.0.0.1:1/nowhere")
    assert tasks.TASKS["file"].apply(args=(str(uuid4()),)).successful()
    assert "PostgreSQL is away; recovery rings again" in caplog.text
    assert caplog.records[-1].levelno == logging.ERROR


def test_whoever_imports_the_app_has_its_tasks(configured: None) -> None:
    program = "from workers import app; print(*app.tasks)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert set(done.stdout.split()) >= {f"precog.deliver_{channel}" for channel in KINDS}


def test_there_is_one_task_and_one_queue_a_channel(app: Celery) -> None:
    ours = {name for name in app.tasks if not name.startswith(("celery.", "pytest_celery."))}
    assert ours == {f"precog.deliver_{channel}" for channel in KINDS}
    assert {each.name for each in app.conf.task_queues} == {f"notifications.{channel}" for channel in KINDS}
    for channel in KINDS:
        assert app.amqp.router.route({}, f"precog.deliver_{channel}")["queue"].name == f"notifications.{channel}"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("task_acks_late", False),
        ("worker_disable_prefetch", True),
        ("worker_prefetch_multiplier", 1),
        ("worker_cancel_long_running_tasks_on_connection_loss", False),
        ("broker_connection_max_retries", None),
        ("broker_connection_retry_on_startup", True),
        ("result_backend", None),
        ("task_ignore_result", True),
        ("accept_content", ["json"]),
        ("task_serializer", "json"),
        ("task_create_missing_queues", False),
        ("task_time_limit", 60),
        ("worker_send_task_events", False),
        ("worker_hijack_root_logger", False),
        ("worker_redirect_stdouts", False),
        ("beat_schedule", {}),
    ],
)
def test_the_settings_that_reliability_rests_on(app: Celery, setting: str, value: object) -> None:
    assert app.conf[setting] == value


def test_a_message_holds_an_id_and_never_a_delay(tasks: ModuleType, redis_url: str) -> None:
    alert_id = precog.log_alert("api_failures", "low", "kalshi_api", "a secret text", {"loss": "512"})
    [delivery] = deliveries.of_alert(alert_id)
    with redis.Redis.from_url(redis_url) as client:
        [message] = map(json.loads, client.lrange(queue.key_prefix(Environment.DEMO) + "notifications.file", 0, -1))
    headers, body = message["headers"], base64.b64decode(message["body"]).decode()
    assert json.loads(body)[:2] == [[delivery["delivery_id"]], {}]
    assert (headers["eta"], headers["expires"], headers["retries"]) == (None, None, 0)
    assert headers["argsrepr"] == f"('{delivery['delivery_id']}',)"
    assert "secret" not in str(message) + body
