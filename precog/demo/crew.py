"""The worker processes, as every installation runs them, started again when one ends."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from celery import Celery

from precog.domain.alerts import Environment
from precog.errors import LocalStackError
from precog.localstack.commands import WORKERS
from precog.localstack.processes import Command, Process
from precog.localstack.services import installed
from precog.localstack.supervisor import Service, Supervisor
from precog.queue import key_prefix

READY_SECONDS = 60.0


class Crew:
    """The workers' latest runs, by name."""

    def __init__(self) -> None:
        self._runs: dict[str, Process] = {}

    def start(self, command: Command) -> Process:
        self._runs[command.name] = Process(command)
        return self._runs[command.name]

    def kill(self, name: str) -> int:
        """kill -9 for the worker and everything it started; the number of its process group."""
        self._runs[name].kill()
        return self._runs[name].pid

    def wait_until_ready(self, redis_url: str) -> None:
        """Returns when every worker answers. Raises LocalStackError when one does not in time."""
        deadline = time.monotonic() + READY_SECONDS
        with Celery("precog-demo", broker=redis_url, set_as_current=False) as app:
            app.conf.broker_transport_options = {"global_keyprefix": key_prefix(Environment.DEMO)}
            while len(app.control.ping(timeout=0.5, limit=len(WORKERS)) or ()) < len(WORKERS):
                if time.monotonic() > deadline:
                    raise LocalStackError(f"the workers were not ready within {READY_SECONDS:.0f} s")


@contextmanager
def crew(directory: Path, environment: Mapping[str, str], say: Callable[[str], None]) -> Iterator[Crew]:
    """The workers, started. Their standard output and error go to `directory`/log."""
    workers = Crew()
    commands = [
        Command(
            name=name,
            argv=installed(argv),
            log=directory / "log" / f"{name}.log",
            environment=environment,
            directory=directory,  # Celery imports from where it runs, and a stranger's `workers` may lie there
        )
        for name, argv in WORKERS.items()
    ]
    with Supervisor([Service(name=each.name, start=partial(workers.start, each)) for each in commands], say):
        yield workers
