"""The two servers together: embedded ones in a directory, or those that DATABASE_URL and REDIS_URL name."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from precog.errors import LocalStackError
from precog.localstack.postgres import as_login, at_database, create_database, has_database, postgres_server
from precog.localstack.redis import redis_server
from precog.localstack.server import Server, kept_secret

_DATABASE = "precog"
_LOGIN = "precog_programs"
_LOCK_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    database_url: str = field(repr=False)
    """By the login that owns it, for what makes and changes the schema."""
    programs_url: str = field(repr=False)
    """The same database for programs and workers, by a login that `precog db login` makes."""
    redis_url: str = field(repr=False)
    postgres: Server | None = field(default=None, repr=False)
    """The embedded one; None where the environment named another."""
    redis: Server | None = field(default=None, repr=False)


@contextlib.contextmanager
def servers(
    directory: Path, *, durable: bool = True, environment: Mapping[str, str] | None = None
) -> Iterator[Servers]:
    """Both servers, running. What DATABASE_URL and REDIS_URL name is used as it is; the rest is started in `directory`.
    PRECOG_OWNER_URL names the owner where DATABASE_URL does not.

    An embedded PostgreSQL holds a database `precog`, empty the first time. Data stays in the directory; one stack at a
    time may use it. With `durable=False` the data may not survive a crash.
    """
    environment = os.environ if environment is None else environment
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.ExitStack() as running:
        keep_open = (running.enter_context(_held(directory)),)
        _set_aside_last_logs(directory / "log")
        postgres = redis = None
        programs_url = environment.get("DATABASE_URL", "")
        database_url = environment.get("PRECOG_OWNER_URL", "") or programs_url
        if not programs_url:
            postgres = running.enter_context(_running(postgres_server(directory, durable=durable, keep_open=keep_open)))
            database_url = _own_database(postgres.url)
            programs_url = as_login(database_url, _LOGIN, kept_secret(directory / "programs.password"))
        if not (redis_url := environment.get("REDIS_URL", "")):
            redis = running.enter_context(_running(redis_server(directory, durable=durable, keep_open=keep_open)))
            redis_url = redis.url
        yield Servers(
            database_url=database_url,
            programs_url=programs_url,
            redis_url=redis_url,
            postgres=postgres,
            redis=redis,
        )


@contextlib.contextmanager
def _running(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _own_database(url: str) -> str:
    return at_database(url, _DATABASE) if has_database(url, _DATABASE) else create_database(url, _DATABASE)


def _set_aside_last_logs(folder: Path) -> None:
    """One run's logs are kept, so that a stack in daily use fills no disk."""
    for log in folder.glob("*.log"):
        log.replace(log.with_suffix(".log.last"))


@contextlib.contextmanager
def _held(directory: Path) -> Iterator[int]:
    """Holds the directory. The servers hold it with us, so it is free only when the last of them has ended.

    A Redis would otherwise write into the files of another that is still about to end.
    """
    with (directory / "lock").open("a+") as file:
        deadline = time.monotonic() + _LOCK_SECONDS
        while not _locked(file.fileno()):
            if time.monotonic() > deadline:
                file.seek(0)
                raise LocalStackError(
                    f"a local stack already runs in {directory}, started by process {file.read().strip()}; "
                    f"use that one, stop it with Ctrl-C, or set PRECOG_HOME to another directory"
                )
            time.sleep(0.05)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield file.fileno()


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
