"""Ends a wait for a server that keeps its connection and answers nothing, which no timeout of PostgreSQL or TCP does.

One daemon thread a process. It sleeps to the earliest deadline it knows of, so that a call in the ordinary case pays
for two short locks and no system call, and wakes nobody.
"""

import math
import os
import socket
import threading
import time
from types import TracebackType


class Watch:
    """Of one socket, as long as there is one: `with watch.within(seconds):` shuts it down when the block takes longer.

    The wait in it then fails, and `expired` says why. One block at a time.
    """

    __slots__ = ("_descriptor", "deadline", "expired")

    def __init__(self, descriptor: int) -> None:
        self._descriptor = os.dup(descriptor)  # ours: whatever else gets the number meanwhile is left alone
        self.deadline = math.inf
        self.expired = False

    def within(self, seconds: float) -> "Watch":
        self.deadline = time.monotonic() + seconds
        return self

    def __enter__(self) -> "Watch":
        _watchdog.watch(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> None:
        _watchdog.forget(self)

    def close(self) -> None:
        """Let go of the socket; not inside a block."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:  # a child drops its parent's connections without closing them
        self.close()

    def bite(self) -> None:
        self.expired = True
        mine = socket.socket(fileno=self._descriptor)
        try:
            mine.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it is closed already
        finally:
            mine.detach()


class _Watchdog:
    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._watches: set[Watch] = set()
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._wakes_at = -math.inf
        """When the thread looks again; infinity while it waits to be called, minus infinity while there is none."""
        self._pid = os.getpid()  # last: until then another thread of a child would wait for a lock of its parent's

    def watch(self, watch: Watch) -> None:
        if self._pid != os.getpid():  # a child has no thread of its parent's, and none of its calls
            self._begin()
        with self._lock:
            self._watches.add(watch)
            if self._wakes_at == -math.inf:
                self._start()
            elif watch.deadline < self._wakes_at:
                self._changed.notify()

    def forget(self, watch: Watch) -> None:
        with self._lock:
            self._watches.discard(watch)

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="precog-watchdog", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is ending and starts no thread: the server's own timeouts remain
            return
        self._wakes_at = math.inf

    def _run(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for late in [each for each in self._watches if each.deadline <= now]:
                    self._watches.discard(late)
                    late.bite()
                self._wakes_at = min((each.deadline for each in self._watches), default=math.inf)
                self._changed.wait(None if self._wakes_at == math.inf else self._wakes_at - now)


_watchdog = _Watchdog()
