"""One limit over a whole exchange. A socket's own timeout starts again with every byte a slow peer drips."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType

from precog.watchdog import WATCHDOG


class Deadline:
    """Cuts the connection it watches when its time is up: whoever waits on it then sees the end of the stream."""

    def __init__(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._watched: Callable[[], socket.socket | None] = lambda: None
        self.cut = False
        """Whether the connection was ended: what came before may look like an answer and be a part of one."""

    @property
    def passed(self) -> bool:
        """By the clock: a socket's own timeout may end the wait before the watchdog's thread gets its turn."""
        return time.monotonic() >= self.deadline

    @property
    def left(self) -> float:
        """Seconds until the end, never 0 or less: a socket takes 0 for "do not wait at all"."""
        return max(0.001, self.deadline - time.monotonic())

    def watch(self, current_socket: Callable[[], socket.socket | None]) -> None:
        """Guard whatever socket `current_socket()` names at the end: STARTTLS replaces the first by another."""
        with self._lock:
            self._watched = current_socket
        if self.passed:
            self.bite()

    def bite(self) -> None:
        with self._lock:
            self.cut = True
            current = self._watched()
            if current is not None:
                with contextlib.suppress(OSError):  # already closed: what was to be reached
                    # Not the method of a TLS socket: that would drop its state under the thread that reads.
                    socket.socket.shutdown(current, socket.SHUT_RDWR)

    def __enter__(self) -> "Deadline":
        WATCHDOG.watch(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        WATCHDOG.forget(self)
