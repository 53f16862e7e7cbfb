"""The Redis user of the guide, on a real server: enough for everything that runs, and for nothing else."""

import re
import shlex
from collections.abc import Iterator

import pytest
import redis

import precog
from precog import queue
from precog.cli.broker_checks import broker
from precog.cli.checks import Grade
from precog.domain.alerts import Environment
from precog.localstack.commands import FLOWER
from precog.localstack.server import free_port
from precog.localstack.services import installed
from tests.documents import CHECKOUT, blocks
from tests.e2e.world import Program, World, statuses, wait_until_all_are_sent
from tests.waiting import eventually

pytestmark = pytest.mark.e2e

GUIDE = CHECKOUT / "docs/NOTIFICATION_SYSTEM_GUIDE.md"
"""docs/NOTIFICATION_SYSTEM_GUIDE.md"""


def _command() -> list[str]:
    """The guide's, for this test's environment."""
    [text] = [block.text for block in blocks(GUIDE) if "ACL SETUSER" in block.text]
    return shlex.split(text.replace("\\\n", "").replace("precog:prod:", "precog:demo:").replace("PASSWORD", "narrow"))[
        1:
    ]


@pytest.fixture
def owner(world: World) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(world.redis.url, decode_responses=True) as client:
        client.execute_command(*_command())
        yield client


@pytest.fixture
def narrow_url(world: World, owner: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> str:
    url = re.sub(r"//:.*@", "//alerts:narrow@", world.redis.url)
    monkeypatch.setenv("REDIS_URL", url)
    return url


@pytest.fixture
def worker(world: World, narrow_url: str) -> Program:
    return world.worker(REDIS_URL=narrow_url)


def test_worker_ring_limiter_and_flower_work_as_the_guides_user(
    world: World, worker: Program, owner: redis.Redis, narrow_url: str
) -> None:
    assert precog.log_alert("api_failures", "critical", "kalshi", "5 failures") == 1
    wait_until_all_are_sent(1)
    assert statuses(1)["sms"] == "sent"
    assert queue.waiting() is not None
    assert owner.zcard("precog:demo:sms") == 1, "the limiter counts"
    flower = world.start(
        "flower", *installed(FLOWER), REDIS_URL=narrow_url, FLOWER_PORT=str(free_port()), FLOWER_BASIC_AUTH="a:b"
    )
    eventually(lambda: "Visit me at" in flower.output or flower.process.exit_status is not None)
    precog.log_alert("api_failures", "low", "polymarket", "while Flower listens")
    wait_until_all_are_sent(2)
    answered = list(broker(narrow_url, Environment.DEMO, None))
    assert [each.grade for each in answered] == [Grade.OK] * 2
    worker.process.stop()
    assert worker.process.exit_status == 0, worker.output
    assert [(each["reason"], each["object"], each["username"]) for each in owner.acl_log()] == []


@pytest.mark.parametrize(
    "command",
    [
        ("FLUSHALL",),
        ("FLUSHDB",),
        ("KEYS", "*"),
        ("CONFIG", "GET", "*"),
        ("CONFIG", "SET", "maxmemory", "1"),
        ("ACL", "LIST"),
        ("SHUTDOWN",),
        ("MONITOR",),
        ("SAVE",),
        ("GET", "somebody:else"),
        ("LPUSH", "precog:prod:notifications.sms", "forged"),
        ("DEL", "celery"),
    ],
    ids=" ".join,
)
def test_the_guides_user_is_refused_everything_else(narrow_url: str, command: tuple[str, ...]) -> None:
    with redis.Redis.from_url(narrow_url) as client, pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command)
