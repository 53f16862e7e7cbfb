"""A fork waits for what it would leave half done in the child, where nobody is left to finish it.

An import holds Python's lock of its module. A connection that is being made holds locks of OpenSSL, from which libpq
takes its random numbers. Held by another thread at the fork, either stays locked in the child for good.
"""

import concurrent.futures.thread  # noqa: F401 - it and logging register locks for forks, to be taken after ours, which an
import logging  # noqa: F401 - import may need while a fork waits for it: a fork takes the lock last registered first
import os
import threading
from collections import Counter
from types import TracebackType

_PATIENCE_SECONDS = 20.0
"""For those inside: imports take seconds on a busy machine. A fork that waited in vain goes on as without a gate."""


class _ForkGate:
    def __init__(self) -> None:
        # One thread may hold its lock twice: a finalizer runs in the middle of anything, and may open a connection.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)  # not for `with`: an interrupt in it would keep the lock
        self._inside: Counter[int] = Counter()
        """How often each thread has entered."""

    def __enter__(self) -> None:
        with self._lock:
            self._inside[threading.get_ident()] += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            mine = threading.get_ident()
            self._inside[mine] -= 1
            if not self._inside[mine]:
                del self._inside[mine]
            self._changed.notify_all()

    def holds_here(self) -> bool:
        """Whether a fork of another thread would wait for this one."""
        return self._inside[threading.get_ident()] > 0

    def close(self) -> None:
        self._changed.acquire()
        self._changed.wait_for(lambda: not self._inside.keys() - {threading.get_ident()}, _PATIENCE_SECONDS)

    def open(self) -> None:
        self._changed.release()

    def open_in_child(self) -> None:
        mine = threading.get_ident()
        self._inside = Counter({mine: self._inside[mine]})
        self._changed.release()


no_fork = _ForkGate()
"""`with no_fork:` what another thread's fork has to wait for. Any number may be inside, each more than once."""

os.register_at_fork(before=no_fork.close, after_in_parent=no_fork.open, after_in_child=no_fork.open_in_child)
