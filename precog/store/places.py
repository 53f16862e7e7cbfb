"""A semaphore that loses nothing to an interrupt: what a signal's handler raises, in the middle of anything.

threading.Semaphore is written in Python: an interrupt inside it, or before its caller remembers that it has a place,
takes that place for good, or the semaphore's own lock and with it all of them. SimpleQueue is not, but up to Python
3.12 its `get` may wait for ever: one who is called in time, and finds nothing, and that too late.
"""

import threading
import time
from collections import deque
from contextlib import suppress
from weakref import ref


class Place:
    """The right to use one of what there are so many of; for its taker alone, who gives it back once."""

    __slots__ = ("__weakref__", "_of")

    def __init__(self, of: "Places") -> None:
        self._of = of

    def give_back(self) -> None:
        self._of.free(self)


class Places:
    """Each is an object, and is free or with its taker. One that is dropped on the way was lost to an interrupt."""

    def __init__(self, count: int) -> None:
        self._free: deque[Place] = deque()  # in C: hands each out, and takes it back, at one stroke
        self._waiting: deque[threading.Lock] = deque()
        """Of each who waits, what is released when it is to look again."""
        self._all = [ref(Place(self)) for _ in range(count)]
        self._lock = threading.Lock()
        self._replace_dropped()

    def take(self, seconds: float) -> Place | None:
        """None where none is free in so many seconds."""
        if not self._free:
            self._replace_dropped()
        until = time.monotonic() + seconds
        while (place := self._one_that_is_free()) is None and time.monotonic() < until:
            self._wait(until)
        return place

    def free(self, place: Place) -> None:
        self._free.append(place)
        self._call()

    def _one_that_is_free(self) -> Place | None:
        try:
            return self._free.pop()
        except IndexError:
            return None

    def _wait(self, until: float) -> None:
        """Until a place may be free, or so long."""
        called = threading.Lock()
        called.acquire()
        try:
            self._waiting.append(called)
            if not self._free:  # nobody calls for one that was given back before
                called.acquire(timeout=max(0.0, until - time.monotonic()))
        except BaseException:
            if self._free:  # it may have been called for that, in place of another
                self._call()
            raise
        finally:
            with suppress(ValueError):
                self._waiting.remove(called)

    def _call(self) -> None:
        """Let one of those who wait look."""
        with suppress(IndexError):
            self._waiting.popleft().release()

    def _replace_dropped(self) -> None:
        """Not while the lock is taken, perhaps by this very thread: a finalizer runs in the middle of anything."""
        if self._lock.locked():
            return
        with self._lock:
            for number, place in enumerate(self._all):
                if place() is None:
                    new = Place(self)
                    self._all[number] = ref(new)
                    self._free.append(new)
