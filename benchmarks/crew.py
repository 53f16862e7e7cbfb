"""Workers as the local stack starts them, any number, and the webhook they deliver to."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis

from benchmarks.stage import Stage
from precog import queue
from precog.localstack.commands import WORKERS
from precog.localstack.processes import Command, Process
from precog.localstack.server import free_port
from precog.localstack.services import installed

_PATIENCE = 180.0
"""Seconds without any progress after which a run is given up."""


@dataclass(slots=True, kw_only=True)
class Receipts:
    """What reached the webhook."""

    file: Path
    moments: list[float] = field(default_factory=list)
    """Of each request, by the monotonic clock."""
    _read: int = 0

    def wait_for(self, count: int) -> list[float]:
        """The moments so far, once there are `count`."""
        last = time.monotonic()
        while len(self.moments) < count:
            if self._look():
                last = time.monotonic()
            elif time.monotonic() - last > _PATIENCE:
                raise TimeoutError(f"of {count} webhooks {len(self.moments)} came, and no more for {_PATIENCE:.0f} s")
            else:
                time.sleep(0.02)
        return self.moments

    def _look(self) -> bool:
        with self.file.open("rb") as lines:
            lines.seek(self._read)
            new = lines.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        self.moments += [float(line.partition(b" ")[0]) for line in whole.splitlines()]
        return bool(whole)


@contextmanager
def receiving(stage: Stage) -> Iterator[tuple[Receipts, Process]]:
    """A webhook that takes everything, in this process's environment from now on."""
    port, file = free_port(), stage.folder / "received"
    file.write_text("")
    os.environ |= {
        "CUSTOM_WEBHOOK_URL": f"http://127.0.0.1:{port}/hook",
        "CUSTOM_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "CUSTOM_WEBHOOK_ALLOW_PRIVATE": "true",
    }
    with _running(stage, "received-by", (sys.executable, "-m", "benchmarks.receiver", str(port), str(file))) as process:
        yield Receipts(file=file), process


@contextmanager
def working(
    stage: Stage, workers: int, *, processes: int = 2, options: tuple[str, ...] = ()
) -> Iterator[list[Process]]:
    """So many workers, for the webhook alone. All of them wait for messages when this yields."""
    *given, _ = installed(WORKERS["worker-mail"])
    given[given.index("--concurrency") + 1] = str(processes)
    with ExitStack() as running:
        started = []
        for number in range(workers):
            argv = [part.replace("worker-mail@", f"worker-{number}@") for part in given]
            argv += [queue.queue_name("webhook"), *options]
            started.append(running.enter_context(_running(stage, f"worker-{number}", tuple(argv))))
        with Redis.from_url(stage.redis_url) as redis:
            _until(lambda: _waiting(redis) >= workers, "the workers' wait for messages")
        yield started
        for each in started:  # all at once, since each takes seconds
            each.ask_to_stop()


def _waiting(redis: Redis) -> int:
    return sum(client["cmd"] == "brpop" for client in redis.client_list())


@contextmanager
def _running(stage: Stage, name: str, argv: tuple[str, ...]) -> Iterator[Process]:
    log = stage.folder / f"{name}.log"
    process = Process(Command(name=name, argv=argv, log=log, environment=dict(os.environ)))
    try:
        yield process
    finally:
        process.stop(patience=30)


def _until(there: Callable[[], object], what: str) -> None:
    until = time.monotonic() + _PATIENCE
    while not there():
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not come within {_PATIENCE:.0f} s")
        time.sleep(0.05)
