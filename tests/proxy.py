"""A door to a TCP server that can swallow answers: the client's words arrive, and what is said to them does not."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class Proxy:
    """Listens at `port` of 127.0.0.1. While `swallows`, nothing that the server says reaches a client."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listener]
        self.port: int = self._listener.getsockname()[1]
        self.refuses = threading.Event()
        """While it is set, new connections end at once."""
        self.swallows = threading.Event()
        self.swallowed = threading.Event()
        """Set once an answer was swallowed: the server has done what it was asked."""
        threading.Thread(target=self._accept, daemon=True).start()

    def go_away(self) -> None:
        """Refuse from now on, and end every connection there is."""
        self.refuses.set()
        for each in self._open[1:]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refuses.is_set():
                client.close()
                continue
            server = socket.create_connection(self._server)
            self._open += [client, server]
            threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(server, client), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while words := source.recv(65536):
                if self.swallows.is_set() and source.getpeername() == self._server:
                    self.swallowed.set()
                else:
                    target.sendall(words)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def proxy(host: str, port: int) -> Iterator[Proxy]:
    door = Proxy((host, port))
    try:
        yield door
    finally:
        door.close()
