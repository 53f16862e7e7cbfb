"""What `precog doctor` asks Redis, and over Redis the workers."""

from collections.abc import Iterator
from contextlib import closing

from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from precog.cli.checks import Finding, ok, problem, warning
from precog.domain.alerts import Environment
from precog.domain.redact import short_reason
from precog.queue import CHANNELS, key_prefix, queue_name
from precog.settings.model import ChannelOff, Settings

ANSWER_SECONDS = 2.0


def broker(url: str, environment: Environment, settings: Settings | None) -> Iterator[Finding]:
    try:
        yield policy(_policy(url))
        yield workers(_consumed(url, environment), _expected(settings))
    except (RedisError, OperationalError, OSError, ValueError) as error:
        mend = "start it or correct REDIS_URL; alerts are stored and recovery delivers them meanwhile"
        yield problem(f"Redis does not answer: {short_reason(str(error), [url])}", mend)


def _policy(url: str) -> str:
    with closing(Redis.from_url(url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS)) as client:
        memory = client.info("memory")
    return str(memory["maxmemory_policy"])


def policy(name: str) -> Finding:
    if name == "noeviction":
        return ok("Redis answers and evicts nothing")
    return warning(
        f"Redis evicts by {name} when its memory is full, whole queues too",
        "redis-cli CONFIG SET maxmemory-policy noeviction, and the same in its configuration file",
    )


def _consumed(url: str, environment: Environment) -> frozenset[str]:
    """The queues that the workers which answer take from."""
    with Celery("precog-doctor", broker=url, set_as_current=False) as app:
        app.conf.broker_transport_options = {"global_keyprefix": key_prefix(environment)}
        answers = app.control.inspect(timeout=ANSWER_SECONDS).active_queues() or {}
    return frozenset(queue["name"] for queues in answers.values() for queue in queues)


def _expected(settings: Settings | None) -> tuple[str, ...]:
    """The channels that are on here; all of them where nobody can tell."""
    if settings is None:
        return CHANNELS
    return tuple(name for name in CHANNELS if not isinstance(settings.channels.get(name), ChannelOff))


def workers(consumed: frozenset[str], expected: tuple[str, ...]) -> Finding:
    if not consumed:
        return problem("no worker answers", "celery -A workers worker; precog up starts two on this machine")
    unheard = [queue_name(channel) for channel in expected if queue_name(channel) not in consumed]
    if not unheard:
        return ok("workers take from every channel's queue")
    return problem(
        f"no worker takes from {', '.join(unheard)}", f"celery -A workers worker --queues {','.join(unheard)}"
    )
