"""Brings a database to the state of database/migrations, and tells how far it is from it."""

import logging
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import psycopg2
import psycopg2.extensions
from psycopg2.errors import InsufficientPrivilege, LockNotAvailable

from precog.errors import MigrationFailed, SchemaMismatch
from precog.store.connection import Connection, connect
from precog.store.failures import first_line
from precog.store.migration_files import Migration, Statement, read_migrations
from precog.store.queries import sql

log = logging.getLogger("precog.store")


class MigrationState(StrEnum):
    APPLIED = "applied"
    PENDING = "pending"
    CHANGED = "changed"
    """Applied, but from another text than the file has now."""
    UNKNOWN = "unknown"
    """Applied, and this code has no such file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationStatus:
    version: str
    name: str
    state: MigrationState
    applied_at: datetime | None

    def __str__(self) -> str:
        return f"{self.version}_{self.name}"


class _Applied(NamedTuple):
    version: str
    name: str
    checksum: str | None
    applied_at: datetime


def migrate(dsn: str, *, directory: Path | None = None, lock_wait: float = 30.0) -> list[str]:
    """Apply what is pending, each file in one transaction, and return the names of what was applied.

    Afterwards the roles have their rights on every table. Of several at once one works and the others wait; no wait for
    a lock is longer than `lock_wait` seconds. The lock belongs to the session, so the connection must not go through a
    pooler that shares sessions.
    Raises SchemaMismatch (applied files changed, or the schema is newer than this code), MigrationFailed, and
    AlertStoreUnavailable.
    """
    migrations = read_migrations(directory)
    with closing(connect(dsn, application="precog migrate")) as connection:
        _be_alone(connection, lock_wait)
        applied = _applied(connection)
        statuses = _compare(migrations, applied)
        _refuse(statuses, MigrationState.UNKNOWN, MigrationState.CHANGED)
        _adopt(connection, migrations, applied)
        connection.autocommit = False  # an error closes the connection, and with it the file's transaction
        pending = {status.version for status in statuses if status.state is MigrationState.PENDING}
        done = [_apply(connection, each) for each in migrations if each.version in pending]
        _grant(connection)
        return done


def status(dsn: str, *, directory: Path | None = None) -> tuple[MigrationStatus, ...]:
    """Every migration of the files and of the database, in order of number. Raises AlertStoreUnavailable."""
    with closing(connect(dsn, application="precog migrate")) as connection:
        return _compare(read_migrations(directory), _applied(connection))


def require_current(connection: psycopg2.extensions.connection, *, directory: Path | None = None) -> None:
    """Raises SchemaMismatch, naming what to do, unless the schema is exactly the one this code was written for."""
    _refuse(_compare(read_migrations(directory), _applied(connection)), *MigrationState)


def _compare(migrations: Sequence[Migration], applied: Iterable[_Applied]) -> tuple[MigrationStatus, ...]:
    foreign = {each.version: each for each in applied}
    ours = [_status_of(each, foreign.pop(each.version, None)) for each in migrations]
    unknown = [
        MigrationStatus(version=each.version, name=each.name, state=MigrationState.UNKNOWN, applied_at=each.applied_at)
        for each in foreign.values()
    ]
    return tuple(sorted([*ours, *unknown], key=lambda status: status.version))


def _status_of(migration: Migration, recorded: _Applied | None) -> MigrationStatus:
    if recorded is None:
        state = MigrationState.PENDING
    elif recorded.name == migration.name and recorded.checksum in {None, migration.checksum}:  # None: applied by psql
        state = MigrationState.APPLIED
    else:
        state = MigrationState.CHANGED
    applied_at = recorded.applied_at if recorded else None
    return MigrationStatus(version=migration.version, name=migration.name, state=state, applied_at=applied_at)


_REFUSALS = {
    MigrationState.UNKNOWN: "the database has {names}, which this code does not know: this code is older than the"
    " schema; upgrade precog",
    MigrationState.CHANGED: "{names} was applied from another text than this code has: a released migration is never"
    " edited; install the precog that made this database, and put the change into a new migration",
    MigrationState.PENDING: "the database lacks {names}; run `precog db migrate`",
}
"""By state, worst first, why code and schema do not fit, and the next step."""


def _refuse(statuses: Iterable[MigrationStatus], *states: MigrationState) -> None:
    for state in (each for each in _REFUSALS if each in states):
        names = ", ".join(str(status) for status in statuses if status.state is state)
        if names:
            raise SchemaMismatch(f"schema: {_REFUSALS[state].format(names=names)}")


def _applied(connection: psycopg2.extensions.connection) -> list[_Applied]:
    with connection.cursor() as cursor:
        cursor.execute(sql("migrations.is_tracked"))
        if cursor.fetchone() != (True,):
            return []
        cursor.execute(sql("migrations.applied"))
        return [_Applied(*row) for row in cursor.fetchall()]


def _be_alone(connection: Connection, lock_wait: float) -> None:
    connection.run("migrations.be_patient", milliseconds=str(int(lock_wait * 1000)))
    try:
        connection.run("migrations.lock")
    except LockNotAvailable as error:
        holders = [
            f"process {row['pid']} ({row['application_name']})" for row in connection.run("migrations.lock_holder")
        ]
        raise MigrationFailed(
            f"waited {lock_wait:g} s while {' and '.join(holders) or 'another process'} migrates this database; "
            f"run the command again when it is done"
        ) from error


def _adopt(connection: Connection, migrations: Iterable[Migration], applied: Iterable[_Applied]) -> None:
    """Ties what psql applied to the text that this code has: the first to look vouches for it."""
    unsealed = {each.version for each in applied if each.checksum is None}
    for each in migrations:
        if each.version in unsealed:
            _seal(connection, each)


def _apply(connection: Connection, migration: Migration) -> str:
    """The file's body and its checksum in one transaction: what is recorded here is whole and sealed."""
    for statement in migration.body():
        _execute(connection, statement, migration.path)
    if not _seal(connection, migration):
        raise MigrationFailed(
            f"{migration.path}: nothing of it was kept, since it does not record itself: add an INSERT of "
            f"('{migration.version}', '{migration.name}') into public.schema_migrations (version, name)"
        )
    try:
        connection.commit()
    except psycopg2.Error as error:
        raise MigrationFailed(
            f"{migration.path}: at COMMIT: {_words(error)}; `precog db status` tells what is applied"
        ) from error
    return migration.path.stem


def _grant(connection: Connection) -> None:
    """Says which roles are missing: without them programs must log in as the owner of the schema."""
    [answer] = connection.run("migrations.may_grant")
    if not answer["may"]:
        return
    missing = ", ".join(row["missing"] for row in connection.run("migrations.grant_roles"))
    connection.commit()
    if missing:
        log.warning(
            "this login may not create the roles %s; let an administrator run CREATE ROLE for each, then"
            " `precog db migrate` again; until then programs need the login that owns the schema",
            missing,
        )


def _seal(connection: Connection, migration: Migration) -> bool:
    return bool(
        connection.run("migrations.seal", version=migration.version, name=migration.name, checksum=migration.checksum)
    )


def _execute(connection: Connection, statement: Statement, path: Path) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement.text)
    except psycopg2.Error as error:
        raise MigrationFailed(
            f"{path}:{_line(statement, error)}: {_words(error)}; nothing of this file was kept"
        ) from error


def _line(statement: Statement, error: psycopg2.Error) -> int:
    """Where PostgreSQL points; the statement's own line where it points nowhere."""
    position = int(error.diag.statement_position or 1)
    return statement.line + statement.text.count("\n", 0, position - 1)


def _words(error: psycopg2.Error) -> str:
    """PostgreSQL's message with its detail and hint."""
    owner = isinstance(error, InsufficientPrivilege) and "PRECOG_OWNER_URL must name the login that owns the schema"
    also = filter(None, [error.diag.message_detail, error.diag.message_hint, owner])
    return " ".join([first_line(error), *(f"({each})" for each in also)])
