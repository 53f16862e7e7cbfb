"""How urllib3 connects here: to an address that was looked at, and under one deadline for the whole exchange."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse

from precog.channels.addresses import dial
from precog.channels.deadline import Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    deadline: Deadline
    allow_private: bool


_current: ContextVar[Exchange] = ContextVar("exchange")
"""What the connection that is used in this thread belongs to: urllib3 hands nothing of ours down to it."""


@contextmanager
def exchange(seconds: float, *, allow_private: bool) -> Iterator[Exchange]:
    """Everything that an adapter sends and reads inside counts against `seconds`."""
    with Deadline(seconds) as deadline:
        token = _current.set(Exchange(deadline=deadline, allow_private=allow_private))
        try:
            yield _current.get()
        finally:
            _current.reset(token)


class _Guarded(HTTPConnection):
    """Sends head and body in one piece: two cost a system call more, and wake the peer twice."""

    _held: list[bytes] | None = None
    """What of a request is written so far; None outside one."""

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._held = []
        try:
            super().request(*args, **kwargs)
            whole = b"".join(self._held)
        finally:
            self._held = None
        self.send(whole)

    def send(self, data: Any) -> None:
        if self._held is None:
            super().send(data)
        else:
            self._held.append(data)

    def _new_conn(self) -> socket.socket:
        return _dialled(self)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3 itself
        """From here on the peer sets the pace. The socket is kept, because a response takes it from its connection."""
        sock = self.sock
        _current.get().deadline.watch(lambda: sock)
        return super().getresponse()


class _Plain(_Guarded):
    pass


class _Tls(_Guarded, HTTPSConnection):
    pass


def _dialled(connection: HTTPConnection) -> socket.socket:
    now = _current.get()
    sock = dial(connection.host, connection.port, allow_private=now.allow_private, deadline=now.deadline)
    sock.settimeout(now.deadline.left)  # for the TLS handshake
    return sock


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


def guarded_pools(ca_file: str) -> PoolManager:
    """To be used inside `exchange` only. It keeps connections for the next message, and trusts the authorities of a PEM
    file."""
    pools = PoolManager(maxsize=10, cert_reqs="CERT_REQUIRED", ca_certs=ca_file)
    pools.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
    return pools
