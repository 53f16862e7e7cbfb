"""Ends a wait for a server that keeps its connection and says nothing, which no timeout of PostgreSQL or TCP does."""

import math
import os
import socket
import time
from types import TracebackType

from precog.watchdog import WATCHDOG


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
        WATCHDOG.watch(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> None:
        WATCHDOG.forget(self)

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
