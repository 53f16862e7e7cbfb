"""The delivering side: lines 9 and 10 of the targets."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import psycopg2.extensions
from redis import Redis

from benchmarks import alert, naive
from benchmarks.measure import Extent, Row, row
from benchmarks.stage import Stage
from precog import queue
from precog.domain.alerts import Environment
from precog.localstack.commands import WORKERS
from precog.localstack.processes import Command, Process
from precog.localstack.server import free_port
from precog.localstack.services import installed

_PATIENCE = 180.0
_WARM = 40
"""Deliveries, or tasks, before those that are measured."""
_NAIVE = "naive:naive"
"""The key of the naive worker's queue."""
_OPTIONS = ("--concurrency", "2", "--without-gossip", "--without-mingle", "--loglevel", "WARNING")


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """When each alert reached the webhook, by the monotonic clock, in the order they came."""

    file: Path

    def all(self) -> dict[int, float]:
        found: dict[int, float] = {}
        for line in self.file.read_text().splitlines():
            moment, _, body = line.partition(" ")
            found.setdefault(_alert_id(json.loads(body)), float(moment))
        return found

    def wait_for(self, count: int) -> dict[int, float]:
        """Only what is new is read: whoever waits must not take the processors from what it waits for."""
        with self.file.open("rb") as lines:
            came = 0

            def there() -> bool:
                nonlocal came
                came += lines.read().count(b"\n")
                return came >= count

            _until(there, f"{count} webhooks")
        return self.all()


def delivering(stage: Stage, extent: Extent) -> list[Row]:
    """What waits is worked off: ours by a worker as the stack starts it, no-op tasks by one of two processes, too."""
    _let_nothing_wait(stage)
    with _receiver(stage) as received:
        ours, floor = [], []
        for _ in range(1 if extent.deliveries < 500 else 3):
            ours.append(_our_rate(stage, received, extent.deliveries))
            floor.append(_no_op_rate(stage, extent.deliveries))
        figures = f"{max(ours):,.0f} / {max(floor):,.0f} a second"
        return [row("9", [a / b for a, b in zip(ours, floor, strict=True)], figures)]


def _our_rate(stage: Stage, received: Received, count: int) -> float:
    queued = queue.key_prefix(Environment.DEMO) + queue.queue_name("webhook")
    already = len(received.all())
    for _ in range(count):
        alert.log("high")
    with _put_aside(stage, queued) as put_back, _worker(stage, received):
        put_back()
        moments = sorted(received.wait_for(already + _WARM + count).values())
    return _rate(moments[already + _WARM :])


def _no_op_rate(stage: Stage, count: int) -> float:
    """By how fast its queue gets shorter."""
    for number in range(count):
        naive.nothing.delay(str(number))
    with Redis.from_url(stage.redis_url) as redis, _put_aside(stage, _NAIVE) as put_back, _naive_worker(stage):
        for number in range(_WARM):
            naive.nothing.delay(str(number))
        _until(lambda: redis.llen(_NAIVE) == 0, "no-op tasks")
        put_back()
        began, left = time.monotonic(), int(str(redis.llen(_NAIVE)))
        _until(lambda: redis.llen(_NAIVE) == 0, "no-op tasks")
        return left / (time.monotonic() - began)


@contextmanager
def _put_aside(stage: Stage, queued: str) -> Iterator[Callable[[], object]]:
    """The queue is away until what is yielded is called: both workers have started and opened all they need by then."""
    with Redis.from_url(stage.redis_url) as redis:
        redis.rename(queued, "aside")
        yield lambda: redis.rename("aside", queued)


def end_to_end(stage: Stage, extent: Extent) -> list[Row]:
    """From the call to the webhook, at half of what the worker can do; the naive worker gets a quarter of that."""
    _let_nothing_wait(stage)
    with _receiver(stage) as received:
        rate = _our_rate(stage, received, extent.deliveries // 2) / 2
        count = min(extent.deliveries, int(rate * 20))
        with _worker(stage, received):
            already = len(received.all())
            began = _paced(lambda: alert.log("high"), rate, count)
            ours = _latencies(began, received.wait_for(already + count))
    with _receiver(stage) as received, _naive_worker(stage):
        for _ in range(_WARM):
            naive.log(("webhook",))
        received.wait_for(_WARM)
        few = max(2, count // 4)
        began = _paced(lambda: naive.log(("webhook",)), rate / 4, few)
        theirs = _latencies(began, received.wait_for(_WARM + few))
    pairs = {share: (_at(ours, share), _at(theirs, share)) for share in (0.5, 0.99)}
    load = f"at {rate:.0f} a second, naive at {rate / 4:.0f}"
    return [
        row(line, [a / b], f"{a * 1000:.1f} / {b * 1000:.1f} ms {load}")
        for line, (a, b) in zip(("10a", "10b"), pairs.values(), strict=True)
    ]


def _let_nothing_wait(stage: Stage) -> None:
    """What other cases have left to deliver is not what is measured here."""
    with closing(psycopg2.connect(stage.database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("UPDATE alert_deliveries SET status = 'cancelled', finished_at = now() WHERE status = 'pending'")
    with Redis.from_url(stage.redis_url) as redis:
        redis.flushall()


def _paced(call: Callable[[], int], per_second: float, count: int) -> dict[int, float]:
    """When each call began, by what it returned."""
    began: dict[int, float] = {}
    first = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, first + number / per_second - time.monotonic()))
        moment = time.monotonic()
        began[call()] = moment
    return began


def _latencies(began: dict[int, float], came: dict[int, float]) -> list[float]:
    return sorted(came[alert_id] - moment for alert_id, moment in began.items())


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _rate(moments: Sequence[float]) -> float:
    return (len(moments) - 1) / (moments[-1] - moments[0])


def _alert_id(body: dict[str, object]) -> int:
    found = body.get("id") or body.get("alert_id")
    if found is None and isinstance(data := body.get("data"), dict):
        found = data.get("alert_id")
    return int(str(found))


@contextmanager
def _receiver(stage: Stage) -> Iterator[Received]:
    port, file = free_port(), stage.folder / "webhooks"
    file.write_text("")
    os.environ |= {
        "CUSTOM_WEBHOOK_URL": f"http://127.0.0.1:{port}/hook",
        "CUSTOM_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "CUSTOM_WEBHOOK_ALLOW_PRIVATE": "true",
    }
    argv = (sys.executable, "-m", "benchmarks.receiver", str(port), str(file))
    with _running(stage, "receiver", argv):
        yield Received(file=file)


@contextmanager
def _worker(stage: Stage, received: Received) -> Iterator[None]:
    """As the local stack starts its workers, for the webhook alone; both of its processes have sent, and its recovery
    has begun."""
    *before, _ = installed(WORKERS["worker-mail"])
    argv = (*(part.replace("worker-mail@", "ours@") for part in before), queue.queue_name("webhook"))
    with closing(psycopg2.connect(stage.database_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("DELETE FROM recovery_beats")
        with _running(stage, "ours", argv):
            already = len(received.all())
            for _ in range(_WARM):
                alert.log("high")
            received.wait_for(already + _WARM)
            _until(lambda: _any(cursor, "SELECT FROM recovery_beats"), "the first beat of recovery")
            yield


def _any(cursor: psycopg2.extensions.cursor, question: str) -> bool:
    cursor.execute(question)
    return cursor.rowcount > 0


@contextmanager
def _naive_worker(stage: Stage) -> Iterator[None]:
    argv = (*installed(("celery", "--quiet", "-A", "benchmarks.naive", "worker")), *_OPTIONS, "--hostname", "naive@%h")
    with _running(stage, "naive", argv):
        yield


@contextmanager
def _running(stage: Stage, name: str, argv: Sequence[str]) -> Iterator[None]:
    process = Process(
        Command(name=name, argv=tuple(argv), log=stage.folder / f"{name}.log", environment=dict(os.environ))
    )
    try:
        yield
    finally:
        process.stop(patience=30)


def _until(there: Callable[[], object], what: str) -> None:
    until = time.monotonic() + _PATIENCE
    while not there():
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not come within {_PATIENCE:.0f} s")
        time.sleep(0.01)
