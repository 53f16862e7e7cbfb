"""A semaphore that loses nothing to an interrupt: what a signal's handler raises, in the middle of anything.

threading.Semaphore is written in Python: an interrupt inside it, or before its caller remembers that it has a place,
takes that place for good, or the semaphore's own lock and with it all of them.
"""

import threading
from queue import Empty, SimpleQueue
from weakref import ref


class Place:
    """The right to use one of what there are so many of; for its taker alone, who gives it back once."""

    __slots__ = ("__weakref__", "_free")

    def __init__(self, free: "SimpleQueue[Place]") -> None:
        self._free = free

    def give_back(self) -> None:
        self._free.put(self)


class Places:
    """Each is an object, and is free or with its taker. One that is dropped on the way was lost to an interrupt."""

    def __init__(self, count: int) -> None:
        self._free: SimpleQueue[Place] = SimpleQueue()  # in C: hands each out, and takes it back, at one stroke
        self._all = [ref(Place(self._free)) for _ in range(count)]
        self._lock = threading.Lock()
        self._replace_dropped()

    def take(self, seconds: float) -> Place | None:
        """None where none is free in so many seconds."""
        if self._free.empty():
            self._replace_dropped()
        try:
            return self._free.get(timeout=seconds)
        except Empty:
            return None

    def _replace_dropped(self) -> None:
        """Not while the lock is taken, perhaps by this very thread: a finalizer runs in the middle of anything."""
        if self._lock.locked():
            return
        with self._lock:
            for number, place in enumerate(self._all):
                if place() is None:
                    new = Place(self._free)
                    self._all[number] = ref(new)
                    self._free.put(new)
