"""PostgreSQL for the programs of this checkout: one pool a process, which waits, and transactions on it."""

from contextlib import AbstractContextManager

from precog.store.connection import Connection
from precog.store.pool import close_default_pool, default_pool

__all__ = ["close", "connection", "transaction"]


def connection() -> AbstractContextManager[Connection]:
    """A psycopg2 connection in autocommit, given back at the end. Waits up to 2 s for a free one, then StoreBusy."""
    return default_pool().connection()


def transaction() -> AbstractContextManager[Connection]:
    """A psycopg2 connection inside one READ COMMITTED transaction: committed at the end, rolled back on an exception.

    It can be handed to `log_alert(connection=...)`. Raises StoreError in place of psycopg2's errors about the server.
    """
    return default_pool().transaction()


def close() -> None:
    """Close this process's connections; the next use opens new ones, to DATABASE_URL as it is then."""
    close_default_pool()
