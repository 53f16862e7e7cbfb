"""What no program may do and the owner of the tables does: remove rows, and say who may let orders go on."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from psycopg2.errors import InsufficientPrivilege

from precog.errors import StoreError
from precog.settings import process
from precog.store.connection import Connection, connect
from precog.store.failures import first_line, translated


@contextmanager
def owners_connection(application: str) -> Iterator[Connection]:
    """A connection of its own, in autocommit, by PRECOG_OWNER_URL, else DATABASE_URL.

    Raises StoreError, naming the variable, where that login may not do what is done on it.
    """
    with translated():
        try:
            with closing(connect(process.owner_url(), application=application)) as connection:
                yield connection
        except InsufficientPrivilege as error:
            raise StoreError(
                f"{first_line(error)}: PRECOG_OWNER_URL must name the login that owns the tables"
            ) from error
