"""A door to a TCP server that misbehaves on demand: it refuses, delays, hangs, cuts off, and swallows answers."""

import contextlib
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no patience: the other side sees a reset and not an end."""


class Moment(StrEnum):
    BEFORE = "the server never hears of it"
    AFTER = "the server has done it, and its answer is lost"
    NEVER = "it is passed on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Ends the connection of the next client that says `words`, or lets it off."""

    words: bytes
    moment: Moment


class Proxy:
    """Listens at `port` of 127.0.0.1. While `swallows`, nothing that the server says reaches a client."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._connections: set[_Connection] = set()
        self.port: int = self._listener.getsockname()[1]
        self.refuses = threading.Event()
        """While it is set, new connections end at once."""
        self.swallows = threading.Event()
        self.swallowed = threading.Event()
        """Set once an answer was swallowed: the server has done what it was asked."""
        self.flows = threading.Event()
        """While it is not set, no byte passes either way and nobody is told."""
        self.flows.set()
        self.latency = 0.0
        """Seconds that every answer of the server is late."""
        self.cuts: deque[Cut] = deque()
        """What is still to be cut off, first come first served."""
        threading.Thread(target=self._accept, daemon=True).start()

    def go_away(self) -> None:
        """Refuse from now on, and end every connection there is."""
        self.refuses.set()
        self.reset()

    def reset(self) -> None:
        """End every connection there is; new ones are welcome."""
        for each in list(self._connections):
            each.end(abruptly=True)

    def behave(self) -> None:
        """Pass everything on from now on."""
        self.refuses.clear()
        self.swallows.clear()
        self.latency = 0.0
        self.cuts.clear()
        self.flows.set()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.flows.set()
        self.reset()

    def due_cut(self, words: bytes) -> Moment | None:
        """When to cut off the client that says these words, if that is asked for."""
        with contextlib.suppress(IndexError):
            if self.cuts[0].words in words:
                return self.cuts.popleft().moment
        return None

    def forget(self, connection: "_Connection") -> None:
        self._connections.discard(connection)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refuses.is_set():
                client.close()
                continue
            try:
                server = socket.create_connection(self._server)
            except OSError:  # the server is down: so is its door
                client.close()
                continue
            self._connections.add(_Connection(self, client, server))


class _Connection:
    """One client and its line to the server, with a thread for each direction."""

    def __init__(self, door: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._door, self._client, self._server = door, client, server
        self._lost_answer = threading.Event()
        self._directions_left = 2
        self._lock = threading.Lock()
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for direction in (self._questions, self._answers):
            threading.Thread(target=self._until_it_ends, args=(direction,), daemon=True).start()

    def end(self, *, abruptly: bool = False) -> None:
        """Wakes both threads, which then close it: a close alone would leave them waiting on it."""
        for side in (self._client, self._server):
            with contextlib.suppress(OSError):
                if abruptly:
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                side.shutdown(socket.SHUT_RDWR)

    def _until_it_ends(self, direction: Callable[[], None]) -> None:
        with contextlib.suppress(OSError):
            direction()
        self.end()
        with self._lock:
            self._directions_left -= 1
            last = self._directions_left == 0
        if last:
            self._client.close()
            self._server.close()
            self._door.forget(self)

    def _questions(self) -> None:
        while words := self._client.recv(65536):
            self._door.flows.wait()
            match self._door.due_cut(words):
                case Moment.BEFORE:
                    return
                case Moment.AFTER:
                    self._lost_answer.set()
            self._server.sendall(words)

    def _answers(self) -> None:
        while words := self._server.recv(65536):
            if self._lost_answer.is_set():
                return
            if self._door.latency:
                time.sleep(self._door.latency)
            self._door.flows.wait()
            if self._door.swallows.is_set():
                self._door.swallowed.set()
            else:
                self._client.sendall(words)


@contextlib.contextmanager
def proxy(host: str, port: int) -> Iterator[Proxy]:
    door = Proxy((host, port))
    try:
        yield door
    finally:
        door.close()
