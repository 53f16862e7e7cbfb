"""The whole system as its users run it: programs in processes of their own, a Redis, and the outside on loopback."""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from precog import queue
from precog.channels.registry import KINDS
from precog.domain.alerts import Environment
from precog.localstack.commands import WORKERS
from precog.localstack.processes import Command, Process
from precog.localstack.redis import redis_server
from precog.localstack.server import Server
from precog.localstack.services import installed
from precog.resources import resource
from precog.settings.load import load_settings
from precog.settings.routes import planned_routes
from precog.store import channels, deliveries
from precog.store.pool import close_default_pool
from tests.outside import Outside, documented_variables, outside_world
from tests.waiting import eventually

RECOVERY = (sys.executable, "-m", "precog.recovery")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    process: Process

    @property
    def output(self) -> str:
        return self.process.command.log.read_text()

    def said(self, event: str) -> list[dict[str, Any]]:
        """The lines of its log whose event contains these words."""
        lines = (json.loads(line) for line in self.output.splitlines() if line.startswith('{"timestamp"'))
        return [line for line in lines if event in line["event"]]

    def wait_until_it_says(self, event: str) -> None:
        eventually(lambda: self.said(event) or self.process.exit_status is not None)
        assert self.said(event), self.output

    def alive(self) -> set[int]:
        """It and every process that came from it and is not over."""
        return {pid for pid, group in _process_groups() if group == self.process.pid}

    def recovery(self) -> int:
        """The process id of the recovery beside this worker."""
        [found] = eventually(lambda: [pid for pid in self.alive() if b"precog.recovery" in _command_line(pid)])
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`variables` are this process's, too: what the test logs, the world's workers deliver."""

    outside: Outside
    redis: Server
    folder: Path
    variables: Mapping[str, str]
    _running: ExitStack = field(repr=False)

    def start(self, name: str, *argv: str, **variables: str) -> Program:
        """A program in this world, which ends with it at the latest."""
        return Program(process=self._process(self.command(name, *argv, **variables)))

    def command(self, name: str, *argv: str, **variables: str) -> Command:
        return Command(
            name=name,
            argv=argv,
            log=self.folder / f"{name}.log",
            directory=self.folder,
            environment={**os.environ, **self.variables, **variables},
        )

    def worker(self, name: str = "worker", queues: Sequence[str] = queue.CHANNELS, **variables: str) -> Program:
        """A worker that takes messages already when this returns."""
        worker = self.start(name, *worker_command(name, queues), **variables)
        worker.wait_until_it_says("ready.")
        return worker

    @contextmanager
    def celery(self) -> Iterator[Celery]:
        """A Celery client of the worker's broker, as anybody could write it."""
        with Celery("client", broker=self.redis.url, set_as_current=False) as app:
            app.conf.broker_transport_options = {"global_keyprefix": queue.key_prefix(Environment.DEMO)}
            app.conf.task_queues = queue.queues()
            yield app

    def _process(self, command: Command) -> Process:
        process = Process(command)
        self._running.callback(process.kill)
        return process


def worker_command(name: str, of: Sequence[str] = queue.CHANNELS) -> tuple[str, ...]:
    """As the local stack starts its workers, but for the name and the queues."""
    *before, _ = installed(WORKERS["worker"])
    queues = ",".join(map(queue.queue_name, of))
    return (*(part.replace("worker@", f"{name}@") for part in before), queues)


@contextmanager
def open_world(database_url: str, folder: Path) -> Iterator[World]:
    with ExitStack() as running, outside_world() as outside, pytest.MonkeyPatch.context() as environ:
        server = redis_server(folder / "redis")
        running.callback(server.stop)
        server.start()
        for name in documented_variables():
            environ.delenv(name, raising=False)
        variables = {
            **outside.variables(),
            "DATABASE_URL": database_url,
            "REDIS_URL": server.url,
            "PRECOG_ENVIRONMENT": "demo",
            "PRECOG_JOURNAL_DIR": str(folder / "journal"),
            "PRECOG_CONFIG_DIR": str(_impatient_configuration(folder)),
        }
        for name, value in variables.items():
            environ.setenv(name, value)
        close_default_pool()
        queue.reset()
        yield World(outside=outside, redis=server, folder=folder, variables=variables, _running=running)
        close_default_pool()


def write_routes() -> None:
    """Those of the configuration, where no worker has written them yet."""
    settings = load_settings(channels={name: kind.settings for name, kind in KINDS.items()})
    channels.write_routes(settings.environment, planned_routes(settings, KINDS))


def statuses(alert_id: int) -> dict[str, str]:
    """Channel by channel, of an alert that has one recipient in each."""
    return {each["channel"]: each["status"] for each in deliveries.of_alert(alert_id)}


def wait_until_all_are_sent(*alert_ids: int, seconds: float = 60.0) -> None:
    """All deliveries of each alert, of which there is at least one."""

    def unsent() -> dict[int, set[str]]:
        standing = {alert_id: {each["status"] for each in deliveries.of_alert(alert_id)} for alert_id in alert_ids}
        return {alert_id: found for alert_id, found in standing.items() if found != {"sent"}}

    eventually(lambda: not unsent(), seconds)


def _impatient_configuration(folder: Path) -> Path:
    """The shipped one, but for what would make tests wait: pauses of at most a second, and more SMS than they send."""
    copy = folder / "config"
    shutil.copytree(resource("config"), copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    system = copy / "system.yaml"
    text, pauses = re.subn(
        r"base_seconds: \d+, cap_seconds: \d+", "base_seconds: 1, cap_seconds: 1", system.read_text()
    )
    text, limits = re.subn(r"per_hour: \d+", "per_hour: 20", text)
    assert (pauses, limits) == (1, 1)
    system.write_text(text)
    return copy


def _process_groups() -> Iterator[tuple[int, int]]:
    """Process id and group of every process that runs; one that only waits for its parent to look is over."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            yield int(stat.parent.name), int(group)


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""
