"""Keeps processes running: one that ends is started again, after a pause that grows while it keeps ending."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from precog.errors import LocalStackError
from precog.localstack.processes import Process

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_STEADY_AFTER = 60.0
"""Seconds of running after which earlier ends are forgiven."""


def pause_after(ends: int) -> float:
    """Seconds to wait after this many ends in a row, the first being 1."""
    return float(min(_FIRST_PAUSE * 2 ** min(ends - 1, 10), _LONGEST_PAUSE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    name: str
    start: Callable[[], Process]
    process: Process | None = None
    """A run that somebody else started and will stop; None for a service that is ours from the first start."""


class Supervisor:
    """A context: the services run inside it, and those that it started first have ended after it.

    Its thread starts every process and lives as long as they do, because a process ends with the thread it came from.
    """

    def __init__(
        self, services: Sequence[Service], say: Callable[[str], None], *, longest_pause: float = _LONGEST_PAUSE
    ) -> None:
        self._kept = [_Kept(service, say, longest_pause) for service in services]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="precog-supervisor", daemon=True)

    def __enter__(self) -> "Supervisor":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopping.set()
        self._thread.join()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            while True:
                for kept in self._kept:
                    kept.look(time.monotonic())
                if self._stopping.wait(0.2):
                    break
        finally:
            self._stop()

    def _stop(self) -> None:
        ours = [kept.process for kept in self._kept if kept.ours and kept.process is not None]
        for process in ours:
            process.ask_to_stop()
        for process in ours:
            process.stop()


class _Kept:
    """One service, how often it ended in a row, and when it is to be started again."""

    def __init__(self, service: Service, say: Callable[[str], None], longest_pause: float) -> None:
        self.ours = service.process is None
        self.process = service.process
        self._service = service
        self._say = say
        self._longest_pause = longest_pause
        self._ends = 0
        self._since = time.monotonic()
        self._due: float | None = self._since if self.ours else None

    def look(self, now: float) -> None:
        if self._due is not None:
            if now >= self._due:
                self._start(now)
        elif self.process is not None and self.process.exit_status is not None:
            self._ended(f"ended with status {self.process.exit_status} (see {self.process.command.log})", now)
        elif now - self._since > _STEADY_AFTER:
            self._ends = 0

    def _start(self, now: float) -> None:
        self._due = None
        try:
            self.process = self._service.start()
            self._since = now
        except (LocalStackError, OSError) as error:
            self._ended(f"did not start: {error}", now)

    def _ended(self, how: str, now: float) -> None:
        self._ends += 1
        pause = min(pause_after(self._ends), self._longest_pause)
        self._due = now + pause
        self._say(f"{self._service.name} {how}; starting it again in {pause:g} s")
