"""Both servers together: embedded or foreign, one stack a directory, and nothing left behind."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
import redis

from precog.errors import LocalStackError
from precog.localstack.postgres import create_database, drop_database, without_new_roles
from precog.localstack.stack import Servers, servers
from precog.store.migrate import migrate
from tests.integration.localstack.places import ended, place

pytestmark = pytest.mark.integration


@contextlib.contextmanager
def _embedded(directory: Path) -> Iterator[Servers]:
    with servers(directory, durable=False, environment={}) as both:
        yield both


def test_the_data_is_there_again_the_next_time() -> None:
    with place() as directory:
        with _embedded(directory) as both, contextlib.closing(psycopg2.connect(both.database_url)) as connection:
            with connection, connection.cursor() as cursor:
                cursor.execute("CREATE TABLE kept AS SELECT 1 AS one")
        with _embedded(directory) as both, contextlib.closing(psycopg2.connect(both.database_url)) as connection:
            with connection.cursor() as cursor:
                cursor.execute("SELECT one FROM kept")
                assert cursor.fetchone() == (1,)


def test_a_second_stack_in_the_same_directory_says_who_has_it() -> None:
    with place() as directory, _embedded(directory):
        with pytest.raises(LocalStackError, match=f"started by process {os.getpid()}"), _embedded(directory):
            pass


def test_servers_that_the_environment_names_are_used_and_nothing_is_started_or_dropped(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set("theirs", "kept")
        environment = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        with servers(tmp_path, environment=environment) as both:
            assert (both.database_url, both.programs_url, both.redis_url) == (database_url, database_url, redis_url)
            assert (both.postgres, both.redis) == (None, None)
        assert client.get("theirs") == b"kept"
    with contextlib.closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) > 0 FROM schema_migrations")
        assert cursor.fetchone() == (True,)
    assert [file.name for file in tmp_path.iterdir()] == ["lock"]


def test_only_the_server_that_is_not_named_is_started(redis_url: str) -> None:
    with place() as directory, servers(directory, durable=False, environment={"REDIS_URL": redis_url}) as both:
        assert both.redis is None
        assert both.postgres is not None


def test_a_borrowed_server_is_given_back_without_the_roles_that_came_with_the_schema() -> None:
    with place() as directory, _embedded(directory) as both:
        with without_new_roles(both.database_url):
            borrowed = create_database(both.database_url, "borrowed")
            migrate(borrowed)
            assert _groups(both.database_url) == ["precog_app", "precog_readonly"]
            drop_database(both.database_url, "borrowed")
        assert _groups(both.database_url) == []


def test_roles_that_another_database_has_come_to_use_stay() -> None:
    with place() as directory, _embedded(directory) as both:
        with without_new_roles(both.database_url):
            migrate(both.database_url)
        assert _groups(both.database_url) == ["precog_app", "precog_readonly"]


def _groups(url: str) -> list[str]:
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'precog\\_%' ORDER BY rolname")
        return [name for (name,) in cursor.fetchall()]


def test_no_address_with_a_password_is_shown_by_accident() -> None:
    address = "postgresql://u:hidden@h/d"
    shown = repr(Servers(database_url=address, programs_url=address, redis_url="redis://:hidden@h"))
    assert "hidden" not in shown


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to its starter")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_both_servers_end_with_their_starter_however_it_ends(number: signal.Signals) -> None:
    program = (
        "import signal, sys\n"
        "from pathlib import Path\n"
        "from precog.localstack.stack import servers\n"
        "with servers(Path(sys.argv[1]), durable=False, environment={}) as both:\n"
        "    print(both.postgres.process.pid, both.redis.process.pid, flush=True)\n"
        "    signal.pause()\n"
    )
    with place() as directory:
        command = [sys.executable, "-c", program, str(directory)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as starter:
            assert starter.stdout is not None
            pids = [int(pid) for pid in starter.stdout.readline().split()]
            starter.send_signal(number)
        assert len(pids) == 2
        assert all(ended(pid) for pid in pids)
        with _embedded(directory):
            pass
