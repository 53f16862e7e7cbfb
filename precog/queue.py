"""The doorbell: tells a worker over Celery that a delivery is due. Never the truth: a lost ring is rung again.

Only ids are in a message. A ring never raises and never takes long: the alert is stored when it is called.
"""

import logging
import threading
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from celery import Celery, current_app
from kombu import Queue

from precog.domain.alerts import Environment
from precog.domain.deliveries import Doorbell
from precog.settings import process

log = logging.getLogger("precog.queue")

CHANNELS = ("console", "file", "email", "sms", "slack", "webhook")
SILENCE_SECONDS = 5.0
"""After a ring that failed none is tried for so long: one caller pays for a broker that is away, not each."""

_TIMEOUT_SECONDS = 0.15
PRODUCER_TRANSPORT = {
    "socket_connect_timeout": _TIMEOUT_SECONDS,
    "socket_timeout": _TIMEOUT_SECONDS,
    "connect_retries_timeout": 0.1,
    "retry_on_timeout": False,
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}


def queue_name(channel: str) -> str:
    return f"notifications.{channel}"


def task_name(channel: str) -> str:
    return f"precog.deliver_{channel}"


def key_prefix(environment: Environment) -> str:
    """Before every Redis key: a demo worker never takes a production message from a Redis they share."""
    return f"precog:{environment}:"


def ring(doorbells: Sequence[Doorbell]) -> bool:
    """Tell workers of these deliveries. False when that failed or was not tried; recovery then rings. Never raises."""
    if not doorbells:
        return True
    if (registered := _eager_app()) is not None:
        for bell in doorbells:
            registered.tasks[task_name(bell.channel)].apply_async(args=(str(bell.delivery_id),))
        return True
    if not _silence.over():
        return False
    try:
        _publish(doorbells)
    except Exception as error:  # noqa: BLE001 - the alert is committed: whatever the broker does, the call has succeeded
        if _silence.begin():
            log.warning(
                "the broker does not take messages; deliveries go on through recovery",
                extra={"error": type(error).__name__, "silence_seconds": SILENCE_SECONDS},
            )
        return False
    _silence.end()
    return True


def may_ring() -> bool:
    """Whether a ring would be tried now: what the insert writes as `rung_at` depends on it."""
    return _silence.over() or _eager_app() is not None


def _eager_app() -> Celery | None:
    """The program's own Celery app where it has our tasks and runs them inline: `task_always_eager` has no effect on
    a message sent by name."""
    return current_app if task_name("console") in current_app.tasks and current_app.conf.task_always_eager else None


def _publish(doorbells: Sequence[Doorbell]) -> None:
    producer_app = _producer()
    with producer_app.producer_or_acquire() as producer:
        for bell in doorbells:
            producer_app.send_task(
                task_name(bell.channel),
                args=(str(bell.delivery_id),),
                queue=queue_name(bell.channel),
                producer=producer,
                retry=False,
            )


def _producer() -> Celery:
    return _producer_app(process.redis_url(), process.environment())


@lru_cache
def _producer_app(redis_url: str, environment: Environment) -> Celery:
    """An app of our own, so that a caller's tight timeouts never reach a worker and theirs never reach us."""
    app = Celery("precog-doorbell", set_as_current=False, broker=redis_url)
    app.conf.update(
        broker_connection_timeout=0.2,
        broker_pool_limit=None,
        broker_transport_options={**PRODUCER_TRANSPORT, "global_keyprefix": key_prefix(environment)},
        task_publish_retry=False,
        task_ignore_result=True,
        task_queues=queues(declared=False),
        task_create_missing_queues=False,
    )
    return app


def queues(*, declared: bool = True) -> list[Queue]:
    """One queue a channel, so that a slow one holds up no other. A producer needs none of them declared."""
    return [
        Queue(queue_name(channel), routing_key=queue_name(channel), no_declare=not declared) for channel in CHANNELS
    ]


class _Silence:
    """A circuit breaker for rings: closed, or open until a moment of the monotonic clock."""

    def __init__(self) -> None:
        self._until = 0.0
        self._lock = threading.Lock()

    def over(self) -> bool:
        return time.monotonic() >= self._until

    def begin(self) -> bool:
        """True for the one caller who opens it, who says so."""
        with self._lock:
            first = self.over()
            self._until = time.monotonic() + SILENCE_SECONDS
            return first

    def end(self) -> None:
        self._until = 0.0


_silence = _Silence()


def reset() -> None:
    """Try the broker again at the next ring, however the last one ended."""
    _silence.end()


def waiting(app: Celery | None = None) -> dict[str, int]:
    """How many messages wait in each channel's queue. Raises what the broker raises."""
    with (app or _producer()).connection_for_read() as connection:
        channel: Any = connection.default_channel
        return {each: int(channel._size(queue_name(each))) for each in CHANNELS}  # noqa: SLF001 - kombu's only size
