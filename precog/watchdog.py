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
        self.begin()

    def begin(self) -> None:
        """Anew in a child, which has no thread of its parent's, and none of its calls."""
        self._watches: set[Watched] = set()
        # One thread may hold its lock twice: a finalizer runs in the middle of anything, and may log an alert.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)  # not for `with`: an interrupt in it would keep the lock
        self._wakes_at = -math.inf
        """When the thread looks again; infinity while it waits to be called, minus infinity while there is none."""

    def watch(self, watched: Watched) -> None:
        with self._lock:
            self._watches.add(watched)
            starts = self._wakes_at == -math.inf
            if starts:
                self._wakes_at = math.inf
            elif watched.deadline < self._wakes_at:
                self._wakes_at = watched.deadline
                self._changed.notify()
        if starts:  # without the lock: the thread may meet a finalizer before it has begun, and we wait until it has
            self._start()

    def forget(self, watched: Watched) -> None:
        with self._lock:
            self._watches.discard(watched)

    def _start(self) -> None:
        try:
            threading.Thread(target=self._run, name="precog-watchdog", daemon=True).start()
        except BaseException as error:
            self._wakes_at = -math.inf
            if not isinstance(
                error, RuntimeError
            ):  # which tells that the interpreter is ending: each call's timeouts remain
                raise

    def _run(self) -> None:
        try:
            earliest = -math.inf
            while True:
                self._sleep(earliest)
                watches, now = list(self._watches), time.monotonic()  # without the lock, which a finalizer would keep
                for late in [each for each in watches if each.deadline <= now]:
                    self._bite(late, now)
                earliest = min((each.deadline for each in watches if each.deadline > now), default=math.inf)
        finally:
            self._wakes_at = -math.inf  # who watches next starts another

    def _sleep(self, until: float) -> None:
        with self._lock:
            self._wakes_at = min(until, self._wakes_at)
            seconds = self._wakes_at - time.monotonic()
            if seconds > 0:
                self._changed.wait(None if seconds == math.inf else seconds)
            self._wakes_at = math.inf  # whatever is watched from here on says when to look again

    def _bite(self, late: Watched, now: float) -> None:
        with self._lock:  # so that nobody who forgot it is bitten
            if late in self._watches and late.deadline <= now:
                self._watches.discard(late)
                late.bite()


WATCHDOG = _Watchdog()
"""This process's."""

os.register_at_fork(after_in_child=WATCHDOG.begin)
