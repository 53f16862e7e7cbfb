"""The doorbell: tells a worker over Celery that a delivery is due. Never the truth: a lost ring is rung again.

Only ids are in a message. A ring never raises and never takes long: the alert is stored when it is called.
"""

import email.parser  # noqa: F401 - this and the next are what a first connection to Redis would import; see fork_gate
import encodings.idna  # noqa: F401
import json
import logging
import os
import re
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from uuid import UUID, uuid4

from celery import Celery, current_app
from kombu import Queue
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from precog.domain.alerts import Environment
from precog.domain.deliveries import Doorbell
from precog.fork_gate import no_fork
from precog.settings import process
from precog.wire import Wire

log = logging.getLogger("precog.queue")

CHANNELS = ("console", "file", "email", "sms", "slack", "webhook")
SILENCE_SECONDS = 5.0
"""After a ring that failed none is tried for so long: one caller pays for a broker that is away, not each."""
_TIMEOUT_SECONDS = 0.15


def queue_name(channel: str) -> str:
    return f"notifications.{channel}"


def task_name(channel: str) -> str:
    return f"precog.deliver_{channel}"


def key_prefix(environment: Environment) -> str:
    """Before every Redis key: a demo worker never takes a production message from a Redis they share."""
    return f"{process.redis_prefix()}:{environment}:"


def queues() -> list[Queue]:
    """One queue a channel, so that a slow one holds up no other."""
    return [Queue(queue_name(channel), routing_key=queue_name(channel)) for channel in CHANNELS]


def ring(doorbells: Sequence[Doorbell], environment: Environment | None = None) -> bool:
    """Tell the workers of an environment, by default this process's, of these deliveries. Never raises.

    False when that failed or was not tried; recovery then rings.
    """
    if not doorbells:
        return True
    if (inline := _eager_app()) is not None:
        for bell in doorbells:
            inline.tasks[task_name(bell.channel)].apply_async(args=(bell.delivery_id,))
        return True
    if not _silence.over():
        return False
    try:
        _publish(doorbells, environment or process.environment())
    except Exception as error:  # noqa: BLE001 - the alert is committed: whatever the broker does, the call has succeeded
        if _silence.begin():
            log.warning(
                "Redis does not take messages; deliveries go on through recovery",
                extra={"error": type(error).__name__, "silence_seconds": SILENCE_SECONDS},
            )
        return False
    return True


def may_ring() -> bool:
    """Whether a ring would be tried now: what the insert writes as `rung_at` depends on it."""
    return _silence.over() or _eager_app() is not None


def _eager_app() -> Celery | None:
    """The program's own Celery app where it has our tasks and runs them inline: `task_always_eager` has no effect on
    a message sent by name."""
    if "workers.tasks" not in sys.modules:  # a look at their settings costs more than a message
        return None
    try:
        eager = current_app.conf.task_always_eager and task_name("console") in current_app.tasks
    except Exception:  # noqa: BLE001 - an app whose settings cannot be read is theirs to mend; the alert is committed
        return None
    return current_app if eager else None


def _publish(doorbells: Sequence[Doorbell], environment: Environment) -> None:
    """All of them in one round trip. Celery's own publisher needs one each, and builds a Redis client for each."""
    prefix = key_prefix(environment)
    wire = _wire_of(os.getpid(), process.redis_url())
    ring_id = str(uuid4())  # each look for random bits is a system call, and hands the interpreter over: one is enough
    messages: dict[str, list[bytes]] = {}
    for number, bell in enumerate(doorbells):
        messages.setdefault(bell.channel, []).append(message(bell, f"{ring_id[:-4]}{number:04x}"))
    wire.send([("LPUSH", prefix + queue_name(channel), *those) for channel, those in messages.items()])


def message(bell: Doorbell, task_id: str) -> bytes:
    """What Celery would put into the broker for this delivery, to the field, but for the limits of a send: those are
    the worker's own, and its callers need not know them."""
    envelope = _envelope(bell.channel)
    said = {_DELIVERY: bell.delivery_id.encode(), _TASK: task_id.encode()}
    said[_BODY] = b64encode(_filled(envelope.body, said))
    return _filled(envelope.text, said)


def _filled(pieces: Sequence[bytes], said: Mapping[bytes, bytes]) -> bytes:
    return b"".join([said.get(piece, piece) for piece in pieces])


def take(channel: str, *, wait_seconds: float = 0.0) -> UUID | None:
    """The delivery that the next message in a channel's queue names. The message is gone then, as when Celery hands one
    to a task.

    None when none comes, when Redis does not answer, and when the next is not a message of a ring: that one is put back
    to where it was, for Celery.
    """
    key, redis_url = key_prefix(process.environment()) + queue_name(channel), process.redis_url()
    wire = _wire_of(os.getpid(), redis_url)
    try:
        if wait_seconds:
            [came] = wire.send([("BRPOP", key, f"{wait_seconds:.3f}")])
            text = came[1] if came else None
        else:
            [text] = wire.send([("RPOP", key)])
        if text is None:
            return None
        named = _named_in(text, channel)
        if named is None:
            client(redis_url).rpush(key, text)
    except RedisError as error:
        log.debug("no message was taken", extra={"channel": channel, "error": type(error).__name__})
        return None
    return named


def _named_in(text: bytes, channel: str) -> UUID | None:
    """What a message for a channel's task names; None where it is for another task, tells a time, or names nothing."""
    try:
        message = json.loads(text)
        headers, body = message["headers"], json.loads(b64decode(message["body"]))
        if headers["task"] != task_name(channel) or headers["eta"] or headers["expires"]:
            return None
        [delivery_id], _, _ = body
        return UUID(delivery_id)
    except (ValueError, TypeError, LookupError, AttributeError):
        return None


_DELIVERY, _TASK, _BODY = b"<delivery>", b"<task>", b"<body>"
_MARKS = re.compile(b"(%b|%b|%b)" % (_DELIVERY, _TASK, _BODY))


@dataclass(frozen=True, slots=True)
class _Envelope:
    """A message as it travels and its body before encoding, each in pieces, of which some are marks for what differs.

    One random id serves as the task's and as the tag of its delivery.
    """

    text: tuple[bytes, ...]
    body: tuple[bytes, ...]


@lru_cache
def _envelope(channel: str) -> _Envelope:
    """A message that Celery itself made, captured in its in-memory transport: the pattern for every other."""
    with no_fork:  # Celery imports much of itself only when it is used
        return _captured(channel)


def _captured(channel: str) -> _Envelope:
    app = Celery("precog-doorbell", set_as_current=False, broker="memory://")
    app.conf.update(task_serializer="json", task_ignore_result=True, task_queues=queues())
    with app.connection_for_write() as connection:
        app.send_task(
            task_name(channel),
            args=(_DELIVERY.decode(),),
            task_id=_TASK.decode(),
            queue=queue_name(channel),
            connection=connection,
            ignore_result=True,
        )
        transport: Any = connection.default_channel
        captured = transport._get(queue_name(channel))  # noqa: SLF001 - the message as it travels
    properties = {**captured["properties"], "delivery_tag": _TASK.decode()}
    marked = {**captured, "body": _BODY.decode(), "properties": properties}
    return _Envelope(text=_pieces(json.dumps(marked).encode()), body=_pieces(b64decode(captured["body"])))


def _pieces(text: bytes) -> tuple[bytes, ...]:
    return tuple(_MARKS.split(text))


def client(redis_url: str) -> Redis:
    """Answers or fails within 150 ms and never tries twice. Opens no connection yet; safe across threads and forks."""
    return _client_of(os.getpid(), redis_url)


@cache
def _client_of(_pid: int, redis_url: str) -> Redis:
    """One a process. A child neither uses nor drops its parent's: both take the lock of its pool, which another thread
    of the parent may have held at the fork, and which nobody in the child will ever release."""
    return Redis.from_url(
        redis_url,
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


@cache
def _wire_of(_pid: int, redis_url: str) -> Wire:
    """One a process, as its client."""
    return Wire(client(redis_url))


def waiting() -> dict[str, int] | None:
    """How many messages wait in each channel's queue; None when Redis cannot say."""
    prefix = key_prefix(process.environment())
    try:
        with client(process.redis_url()).pipeline(transaction=False) as pipe:
            for channel in CHANNELS:
                pipe.llen(prefix + queue_name(channel))
            return dict(zip(CHANNELS, pipe.execute(), strict=True))
    except RedisError as error:
        log.debug("the broker cannot be asked", extra={"error": type(error).__name__})
        return None


class _Silence:
    """A circuit breaker for rings: closed, or open until a moment of the monotonic clock.

    Without a lock, which a fork could leave locked for good: of two who open it at once, both may say so.
    """

    def __init__(self) -> None:
        self._until = 0.0

    def over(self) -> bool:
        return time.monotonic() >= self._until

    def begin(self) -> bool:
        """True for the caller who opens it, who says so."""
        first = self.over()
        self._until = time.monotonic() + SILENCE_SECONDS
        return first

    def end(self) -> None:
        self._until = 0.0


_silence = _Silence()


def reset() -> None:
    """Try the broker again at the next ring, however the last one ended."""
    _silence.end()
