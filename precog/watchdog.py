"""Ends what takes too long: one daemon thread a process, for all that is watched in it.

It sleeps to the earliest deadline it knows of. So what ends in time pays for two short locks and wakes nobody, where a
timer of its own would start a thread.
"""

import math
import os
import threading
import time
from typing import Protocol


class Watched(Protocol):
    @property
    def deadline(self) -> float:
        """By the monotonic clock; it stays while it is watched."""
        ...

    def bite(self) -> None:
        """Called once the deadline has passed, by the watchdog's thread. Must neither wait nor raise."""
        ...


class _Watchdog:
    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._watches: set[Watched] = set()
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._wakes_at = -math.inf
        """When the thread looks again; infinity while it waits to be called, minus infinity while there is none."""
        self._pid = os.getpid()  # last: until then another thread of a child would wait for a lock of its parent's

    def watch(self, watched: Watched) -> None:
        if self._pid != os.getpid():  # a child has no thread of its parent's, and none of its calls
            self._begin()
        with self._lock:
            self._watches.add(watched)
            if self._wakes_at == -math.inf:
                self._start()
            elif watched.deadline < self._wakes_at:
                self._changed.notify()

    def forget(self, watched: Watched) -> None:
        with self._lock:
            self._watches.discard(watched)

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="precog-watchdog", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is ending and starts no thread: the timeouts of each call remain
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


WATCHDOG = _Watchdog()
"""This process's."""
