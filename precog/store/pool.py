"""Connections that threads share: each has one user at a time, who waits where all are in use; none crosses a fork."""

import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TypeVar

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from precog.errors import AlertStoreUnavailable, StoreBusy
from precog.settings import process
from precog.store.connection import CONNECT_SECONDS, LEAST_CONNECT_SECONDS, Connection, Row, connect
from precog.store.failures import first_line, lost, outdated, translated
from precog.store.patience import Patience
from precog.store.places import Place, Places

Result = TypeVar("Result")

_ANSWER_SECONDS = 5.0
"""What a round trip of a pooled connection may take: more than a statement may, so that only a hung server is cut off.

Measured: where a backend is stopped and its kernel still acknowledges, neither statement_timeout nor tcp_user_timeout
ends the wait."""


class _Coming:
    """A connection that a thread is making."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.problem: str | None = None


class Pool:
    """Up to `size` connections of this process. The next user waits up to `wait` seconds, then gets StoreBusy."""

    def __init__(self, dsn: str, *, size: int = 10, wait: float = 2.0) -> None:
        self._dsn, self._size, self._wait = dsn, size, wait
        self.patience = Patience()
        self._lock = threading.RLock()  # a finalizer runs in the middle of anything, and may log an alert
        self._begin()

    def _begin(self) -> None:
        self._places = Places(self._size)
        self._idle: list[Connection] = []
        self._coming: _Coming | None = None
        self._pid = os.getpid()  # last: until then another thread of a child would take the parent's for its own

    def _after_fork(self) -> None:
        """A child begins with an empty pool. It drops its parent's connections without closing them: psycopg2 then
        says no goodbye on the parent's socket."""
        self._lock = threading.RLock()
        self._begin()

    @contextmanager
    def connection(self, *, answer_by: float = math.inf) -> Iterator[Connection]:
        """A connection in autocommit. It goes back to the pool afterwards, or is closed if it is no longer usable.

        `answer_by`: the moment of the monotonic clock that neither the wait for it nor a round trip on it outlasts.
        """
        place, connection = self._taken(answer_by)
        try:
            yield connection
        finally:
            self._give_back(place, connection)

    def _taken(self, answer_by: float) -> tuple[Place, Connection]:
        """And its place, which is freed with it. Whoever is interrupted drops both: the one is closed then, and another
        made in the other's stead."""
        if self._pid != os.getpid():
            self._after_fork()
        began = time.monotonic()
        place = self._places.take(max(0.0, min(self._wait, answer_by - began)))
        if place is None:
            raise StoreBusy(time.monotonic() - began, self._size)
        try:
            with self._lock:
                found = self._idle.pop() if self._idle else None
            connection = found or self._connect(answer_by)
        except BaseException:
            place.give_back()
            raise
        connection.answer_by = answer_by
        return place, connection

    def _give_back(self, place: Place, connection: Connection) -> None:
        try:
            if connection.made_in != os.getpid():  # a fork in the middle of its use: psycopg2 leaves it to the parent
                return
            if not connection.closed and connection.get_transaction_status() == TRANSACTION_STATUS_IDLE:
                with self._lock:
                    self._idle.append(connection)
            else:
                connection.close()
        finally:
            place.give_back()

    def _connect(self, answer_by: float) -> Connection:
        seconds = min(CONNECT_SECONDS, answer_by - time.monotonic())
        if seconds < LEAST_CONNECT_SECONDS:
            return self._connect_aside(answer_by)
        made = connect(self._dsn, seconds=seconds)
        made.answer_within = _ANSWER_SECONDS
        return made

    def _connect_aside(self, answer_by: float) -> Connection:
        """For who cannot wait as long as libpq may: a thread connects, and what comes too late is there for others."""
        while True:
            mine = _Coming()
            with self._lock:
                if self._idle:
                    return self._idle.pop()
                coming = self._coming = self._coming or mine
            if coming is mine:  # without the lock: the thread may meet a finalizer before it has begun
                self._start(mine)
            if not coming.over.wait(max(0.0, answer_by - time.monotonic())):
                raise AlertStoreUnavailable("no connection was there in time; one is being made")
            if coming.problem is not None:
                raise AlertStoreUnavailable(coming.problem)

    def _start(self, coming: _Coming) -> None:
        try:
            threading.Thread(target=self._bring, args=(coming,), name="precog-connect", daemon=True).start()
        except BaseException:
            self._coming = None
            raise

    def _bring(self, coming: _Coming) -> None:
        made = None
        try:
            made = self._connect(math.inf)
        except Exception as error:  # noqa: BLE001 - told to those who wait for it
            coming.problem = error.reason if isinstance(error, AlertStoreUnavailable) else first_line(error)
        with self._lock:
            if made:
                self._idle.append(made)
            self._coming = None
        coming.over.set()

    def safely(self, work: Callable[[Connection], Result], *, within: float = math.inf) -> Result:
        """`work` on a connection, and once more on a fresh one when the first turns out to be broken.

        `work` must be one that may run twice: nobody can tell whether its first run was committed. `within`: seconds
        for all of it, whatever the server does. Raises AlertStoreUnavailable and SchemaMismatch in place of
        psycopg2's errors.
        """
        answer_by = time.monotonic() + within
        with translated():
            try:
                return self._done(work, answer_by)
            except psycopg2.Error as error:
                if not lost(error) and not outdated(error):
                    raise
                self.close()  # its siblings are as dead, or as old, as it was
                if answer_by <= time.monotonic():
                    raise
                return self._done(work, answer_by)

    def _done(self, work: Callable[[Connection], Result], answer_by: float) -> Result:
        place, connection = self._taken(answer_by)
        try:
            return work(connection)
        finally:
            self._give_back(place, connection)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection inside one READ COMMITTED transaction: committed at the end, rolled back on any exception.

        One that turns out to be broken at its beginning is replaced. Raises StoreError in place of psycopg2's errors.
        """
        with translated(), ExitStack() as held:
            try:
                connection = _begun(held.enter_context(self.connection()))
            except psycopg2.Error as error:
                if not lost(error):
                    raise
                held.close()
                self.close()  # its siblings are as dead as it was
                connection = _begun(held.enter_context(self.connection()))
            try:
                with _ended(connection):
                    yield connection
            except psycopg2.Error as error:
                if outdated(error):
                    self.close()  # its siblings are as old as it was
                raise

    def close(self) -> None:
        """Close what is idle; what is in use comes back to this pool."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


def _begun(connection: Connection) -> Connection:
    connection.command("BEGIN ISOLATION LEVEL READ COMMITTED")
    return connection


@contextmanager
def _ended(connection: Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if not connection.closed:
            connection.command("ROLLBACK")
        raise
    connection.command("COMMIT")


_default: Pool | None = None


def default_pool() -> Pool:
    """This process's pool on DATABASE_URL, made when it is first asked for. Raises ConfigError when that is unset."""
    global _default  # noqa: PLW0603 - one pool a process, like the connections it holds
    pool = _default
    if pool is None:  # no lock, which a fork could leave locked for good: of two made at once, one is soon dropped
        pool = _default = Pool(process.database_url())
    return pool


def close_default_pool() -> None:
    """Close the pool; the next use makes another, from DATABASE_URL as it is then."""
    global _default
    old, _default = _default, None
    if old is not None:
        old.close()


def run_planned(*names: str, **parameters: object) -> Sequence[Row]:
    """As `run`, each planned once per connection."""
    return default_pool().safely(lambda connection: connection.run_planned(*names, **parameters))


def run(*names: str, **parameters: object) -> Sequence[Row]:
    """The named statements in one round trip and one transaction on the default pool; the rows of the last one.

    Only for what may run twice: a broken connection is tried again on a fresh one. Raises StoreError.
    """
    return default_pool().safely(lambda connection: connection.run(*names, **parameters))
