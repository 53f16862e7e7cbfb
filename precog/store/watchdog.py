"""Ends a wait for a server that keeps its connection and says nothing, which no timeout of PostgreSQL or TCP does."""

import os
import socket
import time
from types import TracebackType

from precog.watchdog import WATCHDOG


class Watch:
    """`with Watch(socket, seconds):` shuts the socket down when the block takes longer: the wait in it then fails."""

    __slots__ = ("_socket", "deadline", "expired")

    def __init__(self, descriptor: int, seconds: float) -> None:
        self._socket = os.dup(descriptor)  # ours: whatever else gets the number meanwhile is left alone
        self.deadline = time.monotonic() + seconds
        self.expired = False

    def __enter__(self) -> "Watch":
        WATCHDOG.watch(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> None:
        WATCHDOG.forget(self)
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
