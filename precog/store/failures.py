"""What psycopg2 raises, as Precog's own errors. What says that our SQL is wrong is passed through untouched."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2 import errors as pg

from precog.errors import AlertStoreUnavailable, SchemaMismatch

PASSING = (
    pg.SerializationFailure,
    pg.DeadlockDetected,
    pg.LockNotAvailable,
    pg.QueryCanceled,
    pg.TooManyConnections,
    pg.DiskFull,
    pg.OutOfMemory,
    pg.ReadOnlySqlTransaction,
    pg.InsufficientPrivilege,
    pg.InternalError_,
    pg.DataCorrupted,
    pg.IndexCorrupted,
    pg.FeatureNotSupported,
    pg.DuplicatePreparedStatement,
)
"""Answers of a server that is there but cannot do it until it, or somebody's mistake about it, is mended."""

_SCHEMA = (pg.UndefinedTable, pg.UndefinedColumn, pg.UndefinedFunction)


def lost(error: psycopg2.Error) -> bool:
    """Whether the connection broke, so that nobody can say if the work was committed."""
    return isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError) and error.pgcode in {
        None,
        "57P01",
        "57P02",
        "57P03",
    }


def outdated(error: psycopg2.Error) -> bool:
    """Whether a connection has not the plans it is thought to have. Nothing was done.

    A migration changed what a planned statement returns, or an interrupt came before a new plan was noted.
    """
    return isinstance(error, pg.FeatureNotSupported | pg.DuplicatePreparedStatement)


@contextmanager
def translated() -> Iterator[None]:
    """Raises AlertStoreUnavailable and SchemaMismatch in place of what psycopg2 says about servers and schemas."""
    try:
        yield
    except _SCHEMA as error:
        raise SchemaMismatch(f"{first_line(error)}; bring the schema up to date with `precog db migrate`") from error
    except PASSING as error:
        raise AlertStoreUnavailable(f"{first_line(error)} (SQLSTATE {error.pgcode})") from error
    except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
        raise AlertStoreUnavailable(first_line(error)) from error


def first_line(error: Exception) -> str:
    """PostgreSQL's message without its context; the class where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
