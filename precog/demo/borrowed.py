"""The demo's two servers. On one that the environment names, it uses a database and keys that are its own alone."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import psycopg2.errors
import redis

from precog.errors import LocalStackError
from precog.localstack.postgres import create_database, drop_database, without_new_roles
from precog.localstack.stack import servers
from precog.localstack.up import without_password
from precog.settings import process

_REDIS_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Borrowed:
    """Where the demo may write."""

    database_url: str = field(repr=False)
    owner_url: str = field(repr=False)
    """The same database by the login that makes the schema; on a server of somebody else's there is one for both."""
    redis_url: str = field(repr=False)
    redis_prefix: str
    described: str
    """Whose servers these are, without passwords."""


@contextmanager
def borrowed(directory: Path, say: Callable[[str], None]) -> Iterator[Borrowed]:
    """Both servers, running. What was made on one that is not ours is removed again, and nothing else there is touched.

    Raises ConfigError or LocalStackError, with the next step, where a server of the environment cannot be used.
    """
    _check_addresses()
    with ExitStack() as held:
        both = held.enter_context(servers(directory, durable=False))
        database_url, owner_url, prefix = both.programs_url, both.database_url, "precog"
        postgres, cache = "PostgreSQL", "Redis"
        if both.postgres is None:
            database_url = owner_url = held.enter_context(_own_database(both.programs_url, say))
            postgres = f"a new database at {without_password(database_url)}"
        if both.redis is None:
            prefix = held.enter_context(_own_keys(both.redis_url, say))
            cache = f"keys {prefix}:* at {without_password(both.redis_url)}"
        yield Borrowed(
            database_url=database_url,
            owner_url=owner_url,
            redis_url=both.redis_url,
            redis_prefix=prefix,
            described=f"{postgres} and {cache}",
        )


def _check_addresses() -> None:
    for name, read in (("DATABASE_URL", process.database_url), ("REDIS_URL", process.redis_url)):
        if os.environ.get(name, "").strip():
            read()


@contextmanager
def _own_database(url: str, say: Callable[[str], None]) -> Iterator[str]:
    name = f"precog_demo_{secrets.token_hex(4)}"
    with without_new_roles(url):
        own = _created(url, name)
        try:
            yield own
        finally:
            try:
                drop_database(url, name)
            except psycopg2.Error as error:
                say(f"The demo's database {name} could not be dropped: {_first_line(error)}")


def _created(url: str, name: str) -> str:
    try:
        return create_database(url, name)
    except psycopg2.errors.InsufficientPrivilege as error:
        raise LocalStackError(
            "the role of DATABASE_URL may not create a database, and the demo writes into none but its own: "
            "ALTER ROLE ... CREATEDB allows it; without DATABASE_URL the demo starts a PostgreSQL of its own"
        ) from error
    except psycopg2.Error as error:
        raise LocalStackError(
            f"the server of DATABASE_URL gave no new database: {_first_line(error)}; "
            f"without DATABASE_URL the demo starts a PostgreSQL of its own"
        ) from error


def _first_line(error: psycopg2.Error) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@contextmanager
def _own_keys(url: str, say: Callable[[str], None]) -> Iterator[str]:
    """A prefix that no other demo and no installation has, so that their workers do not take each other's messages."""
    prefix = f"precog:demo-{secrets.token_hex(4)}"
    with redis.Redis.from_url(url, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS) as client:
        try:
            client.ping()
        except redis.RedisError as error:
            raise LocalStackError(
                f"the server of REDIS_URL does not answer: {error}; without REDIS_URL the demo starts one of its own"
            ) from error
        try:
            yield prefix
        finally:
            try:
                for key in client.scan_iter(f"{prefix}:*"):
                    client.delete(key)
            except redis.RedisError as error:
                say(f"Keys {prefix}:* may be left in Redis: {error}")
