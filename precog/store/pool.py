"""Connections to PostgreSQL: one at a time to one user, waiting when all are in use, and never shared across a fork."""

import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TypeVar

import psycopg2
import psycopg2.extensions
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, make_dsn, parse_dsn

from precog.errors import AlertStoreUnavailable, StoreBusy
from precog.fork_gate import no_fork
from precog.settings import process
from precog.store.failures import first_line, lost, outdated, translated
from precog.store.patience import Patience
from precog.store.queries import Prepared, prepared, shaped, sql
from precog.store.values import read_as_ours
from precog.store.watchdog import Watch

Result = TypeVar("Result")
Row = dict[str, Any]
Call = tuple[Sequence[str], Mapping[str, object]]
"""Names of statements, and the parameters of them all."""

MOST_PLANNED = 50
"""Statements that a connection keeps planned at most: a list's plan takes 170 kB of the server's memory (measured)."""

_SESSION = {
    "statement_timeout": "3000",
    "lock_timeout": "2000",
    "idle_in_transaction_session_timeout": "10000",
    "timezone": "UTC",
    "default_transaction_isolation": r"read\ committed",  # the duplicate check needs a new snapshot after its lock
    "search_path": "public,pg_temp",  # pg_temp, named last, is not looked into first
}
"""Times in milliseconds. A caller in a trading loop gets an answer or an error, never a wait without end."""

_CONNECT_SECONDS = 2
_LEAST_CONNECT_SECONDS = 1
"""The shortest time libpq may be given to connect."""
_LINK = {
    "connect_timeout": str(_CONNECT_SECONDS),
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "gssencmode": "disable",  # each connection would ask Kerberos, whose locks a fork leaves locked: 6 of 2,430 hung
}

_ANSWER_SECONDS = 5.0
"""What a round trip of a pooled connection may take: more than a statement may, so that only a hung server is cut off.

Measured: where a backend is stopped and its kernel still acknowledges, neither statement_timeout nor tcp_user_timeout
ends the wait."""


class Connection(psycopg2.extensions.connection):
    """A connection that knows which statements it has planned already, and when it is tired of waiting."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.planned: set[str] = set()
        self.answer_by = math.inf
        """The moment of the monotonic clock at which its user gives up; no round trip lasts longer."""
        self.answer_within = math.inf
        """Seconds that one round trip may take."""
        self._watch = Watch(self.fileno())

    def run(self, *names: str, **parameters: object) -> list[Row]:
        """The named statements in one round trip; outside `transaction()` they are one transaction of their own.

        Returns the rows of the last one.
        """
        return self._rows(";\n".join(sql(name) for name in names), parameters)

    def run_planned(self, *names: str, **parameters: object) -> list[Row]:
        """As `run`, each planned once per connection: planning a hot statement costs more than its work."""
        return self.run_each([(names, parameters)])

    def run_each(self, calls: Sequence[Call]) -> list[Row]:
        """As `run_planned`, for statements that have parameters of their own; the rows of the very last one."""
        batches = [prepared(*names) for names, _ in calls]
        values = [given[name] for batch, (_, given) in zip(batches, calls, strict=True) for name in batch.parameters]
        return self._run_prepared(batches, values)

    def run_shaped(self, name: str, shape: Mapping[str, int], **parameters: object) -> list[Row]:
        """As `run_planned`, with a plan for each `shape`: what it says is written into the statement.

        For one whose best plan depends on which filters are given. Past MOST_PLANNED it is planned each time.
        """
        batch = shaped(name, tuple(shape.items()))
        if len(self.planned) >= MOST_PLANNED and not self.planned.issuperset(batch.prepares):
            return self.run(name, **shape, **parameters)
        return self._run_prepared([batch], [parameters[name] for name in batch.parameters])

    def _run_prepared(self, batches: Sequence[Prepared], values: Sequence[object]) -> list[Row]:
        try:
            for batch in batches:
                self._plan(batch)
            return self._rows(";\n".join([batch.execute for batch in batches]), values)
        except psycopg2.Error as error:
            if outdated(error):
                self.close()  # the next one plans it anew
            raise

    def _plan(self, batch: Prepared) -> None:
        if not self.planned.issuperset(batch.prepares):
            for name, prepare in batch.prepares.items():
                if name not in self.planned:
                    self.command(prepare)
                    self.planned.add(name)

    def command(self, statement: str) -> None:
        """One that has no parameters and no answer but that it is done."""
        self._executed(statement, None)

    def _rows(self, statement: str, parameters: Mapping[str, object] | Sequence[object]) -> list[Row]:
        cursor = self._executed(statement, parameters)
        columns = [column.name for column in cursor.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()] if columns else []

    def _executed(
        self, statement: str, parameters: Mapping[str, object] | Sequence[object] | None
    ) -> psycopg2.extensions.cursor:
        """The connection is lost, and OperationalError says so, when the server does not answer in time."""
        cursor = self.cursor()
        seconds = min(self.answer_within, self.answer_by - time.monotonic())
        if seconds == math.inf:
            cursor.execute(statement, parameters)
            return cursor
        try:
            with self._watch.within(seconds):
                cursor.execute(statement, parameters)
        except psycopg2.Error as error:
            if self._watch.expired:
                raise psycopg2.OperationalError("the server accepted the statement and gave no answer") from error
            raise
        return cursor

    def close(self) -> None:
        super().close()
        self._watch.close()


def connect(dsn: str, *, application: str = "precog", seconds: float = _CONNECT_SECONDS) -> Connection:
    """A connection in autocommit with this module's timeouts, which the DSN's own options override.

    `seconds`: for each host of the DSN, rounded down, 1 at least.

    Raises AlertStoreUnavailable.
    """
    given = _parsed(dsn)
    ours = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    options = " ".join(filter(None, [ours, given.pop("options", None)]))
    try:
        with no_fork:
            made: Connection = psycopg2.connect(
                make_dsn(
                    **{
                        **_LINK,
                        "connect_timeout": str(max(1, int(seconds))),
                        "application_name": application,
                        **given,
                    }
                ),
                options=options,
                connection_factory=Connection,
            )
    except (psycopg2.OperationalError, OSError) as error:  # the second: no descriptor was left for its watch
        raise AlertStoreUnavailable(first_line(error)) from error
    made.autocommit = True
    read_as_ours(made)
    return made


def _parsed(dsn: str) -> dict[str, str]:
    """What the address says. What libpq says of one that it cannot read repeats it, and so perhaps the password."""
    given: dict[str, str] = {"port": "?"}
    with suppress(psycopg2.ProgrammingError):
        given = parse_dsn(dsn)
    if not given.get("port", "0").replace(",", "").isdigit() or "@" in given.get("dbname", ""):
        raise AlertStoreUnavailable(
            "the address of PostgreSQL cannot be read; in a URL, write a password's % / @ : ? # as"
            " %25 %2F %40 %3A %3F %23, and options as libpq names them"
        )
    return given


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
        self._places = threading.BoundedSemaphore(self._size)
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
        places, connection = self._taken(answer_by)
        try:
            yield connection
        finally:
            self._give_back(places, connection)

    def _taken(self, answer_by: float) -> tuple[threading.Semaphore, Connection]:
        """And its place, which is freed with it: that of the pool it came from, whoever forks meanwhile."""
        if self._pid != os.getpid():
            self._after_fork()
        places, began = self._places, time.monotonic()
        if not places.acquire(timeout=max(0.0, min(self._wait, answer_by - began))):
            raise StoreBusy(time.monotonic() - began, self._size)
        try:
            with self._lock:
                found = self._idle.pop() if self._idle else None
            connection = found or self._connect(answer_by)
        except BaseException:
            places.release()
            raise
        connection.answer_by = answer_by
        return places, connection

    def _give_back(self, places: threading.Semaphore, connection: Connection) -> None:
        try:
            usable = not connection.closed and connection.get_transaction_status() == TRANSACTION_STATUS_IDLE
            if usable and self._pid == os.getpid():
                with self._lock:
                    self._idle.append(connection)
            else:
                connection.close()
        finally:
            places.release()

    def _connect(self, answer_by: float) -> Connection:
        seconds = min(_CONNECT_SECONDS, answer_by - time.monotonic())
        if seconds < _LEAST_CONNECT_SECONDS:
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
        places, connection = self._taken(answer_by)
        try:
            return work(connection)
        finally:
            self._give_back(places, connection)

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
