"""How urllib3 connects here: to an address that was looked at, and under one deadline for the whole exchange."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

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


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _dialled(self)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3 itself
        _watched(self)
        return super().getresponse()


class _Tls(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _dialled(self)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3 itself
        _watched(self)
        return super().getresponse()


def _dialled(connection: HTTPConnection) -> socket.socket:
    now = _current.get()
    sock = dial(connection.host, connection.port, allow_private=now.allow_private, deadline=now.deadline)
    sock.settimeout(now.deadline.left)  # for the TLS handshake
    return sock


def _watched(connection: HTTPConnection) -> None:
    """From here on the peer sets the pace. The socket is kept, because a response takes it from its connection."""
    sock = connection.sock
    _current.get().deadline.watch(lambda: sock)


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
