"""One connection to PostgreSQL: made with our timeouts, and never waited for without end."""

import math
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import psycopg2
import psycopg2.extensions
from psycopg2.extensions import make_dsn, parse_dsn

from precog.errors import AlertStoreUnavailable
from precog.fork_gate import no_fork
from precog.store.failures import first_line, outdated
from precog.store.queries import Prepared, prepared, shaped, sql
from precog.store.values import read_as_ours
from precog.store.watchdog import Watch

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

CONNECT_SECONDS = 2
LEAST_CONNECT_SECONDS = 1
"""The shortest time libpq may be given to connect."""
_LINK = {
    "connect_timeout": str(CONNECT_SECONDS),
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "client_encoding": "UTF8",  # else PGCLIENTENCODING's, which may lack the characters of an alert
    "gssencmode": "disable",  # each connection would ask Kerberos, whose locks a fork leaves locked: 6 of 2,430 hung
}


class Connection(psycopg2.extensions.connection):
    """A connection that knows which statements it has planned already, and when it is tired of waiting."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.planned: set[str] = set()
        self.answer_by = math.inf
        """The moment of the monotonic clock at which its user gives up; no round trip lasts longer."""
        self.answer_within = math.inf
        """Seconds that one round trip may take."""
        self.made_in = os.getpid()
        """The process whose it is; a child of a fork must not even close it, which says goodbye to the server."""
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


def connect(dsn: str, *, application: str = "precog", seconds: float = CONNECT_SECONDS) -> Connection:
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
                        "connect_timeout": str(max(LEAST_CONNECT_SECONDS, int(seconds))),
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
