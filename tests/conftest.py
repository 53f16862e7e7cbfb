"""Real servers for every test that asks: one PostgreSQL and one Redis a session, one fresh database a test.

They are the embedded ones, or those that DATABASE_URL and REDIS_URL name. On those, only databases that this session
made are dropped, with the roles that came with them, and only keys below a prefix of its own are removed. A server that
is missing fails a test; it never skips one.
"""

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import psycopg2
import psycopg2.extensions
import pytest
import redis

from precog.domain.alerts import Environment, Severity
from precog.domain.deliveries import Message
from precog.localstack.postgres import (
    as_login,
    at_database,
    create_database,
    drop_database,
    postgres_server,
    without_new_roles,
)
from precog.localstack.redis import redis_server
from precog.localstack.server import Server
from precog.localstack.stack import Servers, servers
from precog.store.interlock import close_pool as close_interlock_pool
from precog.store.logins import provide_login
from precog.store.migrate import migrate
from precog.store.pool import close_default_pool
from tests.outside import Outside, documented_variables, outside_world

_MEMORY = Path("/dev/shm")

# How fast a busy machine makes inputs and runs an example says nothing about behaviour.
hypothesis.settings.register_profile("precog", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("precog")


@pytest.fixture(scope="session")
def session_servers() -> Iterator[Servers]:
    with _place() as directory, servers(directory, durable=False) as both, without_new_roles(both.database_url):
        yield both


@pytest.fixture(scope="session")
def template_database(session_servers: Servers) -> Iterator[str]:
    """The name of a database with every migration applied and no row."""
    with _database(session_servers.database_url) as (name, url):
        migrate(url)
        yield name


@pytest.fixture(scope="session")
def as_program(session_servers: Servers, template_database: str) -> Iterator[Callable[[str], str]]:
    """Makes of a database's address the one that programs and workers have: no owner, and with no right too many."""
    name, password = f"precog_test_{uuid.uuid4().hex}", uuid.uuid4().hex
    provide_login(
        at_database(session_servers.database_url, template_database),
        as_login(session_servers.database_url, name, password),
    )
    yield lambda url: as_login(url, name, password)
    with contextlib.closing(psycopg2.connect(session_servers.database_url)) as connection, connection:
        connection.cursor().execute(f"DROP ROLE {name}")


@pytest.fixture(scope="session")
def new_database(
    session_servers: Servers, template_database: str
) -> Callable[[], contextlib.AbstractContextManager[str]]:
    """Makes fresh databases with every migration applied, for as long as they are used."""

    @contextlib.contextmanager
    def new() -> Iterator[str]:
        with _database(session_servers.database_url, template=template_database) as (_, url):
            yield url

    return new


@pytest.fixture
def database_url(new_database: Callable[[], contextlib.AbstractContextManager[str]]) -> Iterator[str]:
    """A fresh database with every migration applied, as its owner logs in."""
    with new_database() as url:
        yield url


@pytest.fixture
def program_url(database_url: str, as_program: Callable[[str], str]) -> str:
    """The same database, as programs and workers log in."""
    return as_program(database_url)


@pytest.fixture
def empty_database_url(session_servers: Servers) -> Iterator[str]:
    with _database(session_servers.database_url) as (_, url):
        yield url


@pytest.fixture
def db_cursor(database_url: str) -> Iterator[psycopg2.extensions.cursor]:
    """Each statement is its own transaction."""
    with contextlib.closing(psycopg2.connect(database_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


@pytest.fixture
def clean_test_data(db_cursor: psycopg2.extensions.cursor) -> None:
    """A strategy and a probability model, both of id 1, in a database that holds no other row."""
    db_cursor.execute(
        "INSERT INTO strategies (strategy_id, strategy_name, strategy_version, config)"
        " VALUES (1, 'test_strategy', 'v1.0', '{}')"
    )
    db_cursor.execute(
        "INSERT INTO probability_models (model_id, model_name, model_version, category, config)"
        " VALUES (1, 'test_model', 'v1.0', 'sports', '{}')"
    )
    # An explicit id leaves its sequence behind: without this the next insert would draw 1 again.
    db_cursor.execute(
        "SELECT setval(pg_get_serial_sequence('strategies', 'strategy_id'), 1),"
        " setval(pg_get_serial_sequence('probability_models', 'model_id'), 1)"
    )


@pytest.fixture(scope="session")
def redis_prefix(session_servers: Servers) -> str:
    """What our keys begin with: on a Redis of somebody's own, a name that nobody else can have."""
    return "precog" if session_servers.redis is not None else f"precog-test-{uuid.uuid4().hex}"


@pytest.fixture
def redis_url(session_servers: Servers, redis_prefix: str) -> Iterator[str]:
    """Empty of our keys before each test."""
    with redis.Redis.from_url(session_servers.redis_url) as client:
        if session_servers.redis is not None:
            client.flushall()
        yield session_servers.redis_url
        if session_servers.redis is None:
            for key in client.scan_iter(f"{redis_prefix}:*"):
                client.delete(key)


@pytest.fixture
def precog_env(
    monkeypatch: pytest.MonkeyPatch, program_url: str, redis_url: str, redis_prefix: str, tmp_path: Path
) -> Iterator[pytest.MonkeyPatch]:
    """The environment of a program that has both servers and configured nothing else."""
    for name in documented_variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", program_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("PRECOG_REDIS_PREFIX", redis_prefix)
    monkeypatch.setenv("PRECOG_ENVIRONMENT", "demo")
    monkeypatch.setenv("PRECOG_JOURNAL_DIR", str(tmp_path / "journal"))
    close_default_pool()
    close_interlock_pool()
    yield monkeypatch
    close_default_pool()
    close_interlock_pool()


@pytest.fixture
def outside() -> Iterator[Outside]:
    with outside_world() as outside:
        yield outside


@pytest.fixture
def configured(precog_env: pytest.MonkeyPatch, outside: Outside, tmp_path: Path) -> None:
    """The environment of an operator who has set everything up; the working directory is the test's own."""
    precog_env.chdir(tmp_path)
    for name, value in outside.variables().items():
        precog_env.setenv(name, value)


@pytest.fixture
def own_postgres() -> Iterator[Server]:
    """A migrated PostgreSQL that the test may stop, kill, pause and start again; `.url` is its database."""
    with _private(lambda directory: postgres_server(directory, durable=False)) as server:
        migrate(server.url)
        yield server


@pytest.fixture
def own_redis() -> Iterator[Server]:
    """A Redis that the test may stop, kill, pause and start again. It keeps its data as production does."""
    with _private(redis_server) as server:
        yield server


@pytest.fixture
def make_message() -> Callable[..., Message]:
    """A claimed delivery of a tripped circuit breaker, with any field replaced."""

    def make(**changes: Any) -> Message:
        fields: dict[str, Any] = {
            "delivery_id": uuid.UUID("a7f3c2d0-1111-4222-8333-444455556666"),
            "attempt": 1,
            "channel": "console",
            "recipient": "stdout",
            "alert_id": 1234,
            "alert_uuid": uuid.UUID(int=5),
            "incident_id": 1201,
            "environment": Environment.DEMO,
            "severity": Severity.CRITICAL,
            "alert_type": "circuit_breaker_daily_loss_limit",
            "component": "risk_manager",
            "message": "Daily loss limit reached, trading is halted",
            "details": {"loss": "512.3000", "limit": "500.0000"},
            "triggered_at": datetime(2026, 11, 23, 3, 3, 37, tzinfo=UTC),
        }
        return Message(**fields | changes)

    return make


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, object, object]:
    """Reports travel between the suite's processes as UTF-8, and what a test logged may be no such text."""
    return _as_utf8((yield))


def _as_utf8(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {key: _as_utf8(each) for key, each in value.items()}
        case list() | tuple():
            return type(value)(map(_as_utf8, value))
        case _:
            return value


@contextlib.contextmanager
def _place() -> Iterator[Path]:
    """In memory where there is room: a database is copied in 0.03 s there, on a disk in 0.3 s (both measured).

    Never below pytest's own directory: root's PostgreSQL may run as another account, which could not enter it.
    """
    roomy = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 2 * 2**30
    runs_programs = roomy and not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC
    with tempfile.TemporaryDirectory(prefix="precog-tests-", dir=_MEMORY if runs_programs else None) as directory:
        yield Path(directory)


@contextlib.contextmanager
def _private(make: Callable[[Path], Server]) -> Iterator[Server]:
    with _place() as directory:
        server = make(directory)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def _database(server_url: str, *, template: str | None = None) -> Iterator[tuple[str, str]]:
    """Name and URL of a database of our own, dropped afterwards."""
    name = f"precog_test_{uuid.uuid4().hex}"
    url = create_database(server_url, name, template=template)
    try:
        yield name, url
    finally:
        drop_database(server_url, name)
