"""Ends a wait for a server that keeps its connection and answers nothing, which no timeout of PostgreSQL or TCP does.

One daemon thread a process. It sleeps to the earliest deadline it knows of, so that a call in the ordinary case pays
for two short locks and two system calls, and wakes nobody.
"""

import math
import os
import socket
import threading
import time
from types import TracebackType


class Watch:
    """`with Watch(socket, seconds):` shuts the socket down when the block takes longer: the wait in it then fails."""

    __slots__ = ("_socket", "deadline", "expired")

    def __init__(self, descriptor: int, seconds: float) -> None:
        self._socket = os.dup(descriptor)  # ours: whatever else gets the number meanwhile is left alone
        self.deadline = time.monotonic() + seconds
        self.expired = False

    def __enter__(self) -> "Watch":
        _watchdog.watch(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> None:
        _watchdog.forget(self)
        os.close(self._socket)

    def bite(self) -> None:
        self.expired = True
        mine = socket.socket(fileno=self._socket)
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
        self._changed = threading.Condition(threading.Lock())
        self._wakes_at = -math.inf
        """When the thread looks again; infinity while it waits to be called, minus infinity while there is none."""
        self._pid = os.getpid()  # last: until then another thread of a child would wait for a lock of its parent's

    def watch(self, watch: Watch) -> None:
        if self._pid != os.getpid():  # a child has no thread of its parent's, and none of its calls
            self._begin()
        with self._changed:
            self._watches.add(watch)
            if self._wakes_at == -math.inf:
                self._start()
            elif watch.deadline < self._wakes_at:
                self._changed.notify()

    def forget(self, watch: Watch) -> None:
        with self._changed:
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
