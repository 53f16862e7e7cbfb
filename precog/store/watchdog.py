"""Ends a wait for a server that keeps its connection and says nothing, which no timeout of PostgreSQL or TCP does."""

import math
import os
import socket
import time
from contextlib import suppress
from types import TracebackType

from precog.watchdog import WATCHDOG


class Watch:
    """Of one socket, as long as there is one: `with watch.within(seconds):` shuts it down when the block takes longer.

    The wait in it then fails, and `expired` says why. One block at a time.
    """

    __slots__ = ("_descriptor", "_pid", "deadline", "expired")

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._pid = -1, os.getpid()
        self._descriptor = os.dup(descriptor)  # ours: whatever else gets the number meanwhile is left alone
        self.deadline = math.inf
        self.expired = False

    def within(self, seconds: float) -> "Watch":
        self.deadline = time.monotonic() + seconds
        return self

    def __enter__(self) -> "Watch":
        WATCHDOG.watch(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> None:
        WATCHDOG.forget(self)

    def close(self) -> None:
        """Let go of the socket; not inside a block."""
        descriptor, self._descriptor = self._descriptor, -1
        # A child that became a daemon has closed what was its parent's, and the number may be another's by now.
        if descriptor >= 0 and self._pid == os.getpid():
            os.close(descriptor)

    def __del__(self) -> None:  # a connection that is dropped is not closed
        self.close()

    def bite(self) -> None:
        self.expired = True
        with suppress(OSError, ValueError):  # it is closed already
            mine = socket.socket(fileno=self._descriptor)
            try:
                mine.shutdown(socket.SHUT_RDWR)
            finally:
                mine.detach()
