"""The embedded servers, one at a time: what they survive, and who may talk to them."""

import contextlib
import os
import socket
from pathlib import Path

import psycopg2
import pytest
import redis

from precog.errors import LocalStackError
from precog.localstack import unprivileged
from precog.localstack.postgres import create_database, has_database, postgres_server
from precog.localstack.redis import redis_server
from precog.localstack.server import Server
from tests.integration.localstack.places import place, stopped_after

pytestmark = pytest.mark.integration

_ACCOUNTS = [unprivileged.Account()] if os.geteuid() else [unprivileged.namespace(), unprivileged.nobody()]


@pytest.mark.parametrize("account", [each for each in _ACCOUNTS if each], ids=str)
def test_postgres_runs_whoever_we_are_and_in_a_path_with_a_space(account: unprivileged.Account) -> None:
    with place("with a space, ümlaut and 'quote'") as directory:
        with stopped_after(postgres_server(directory, account=account)) as server:
            create_database(server.url, "kept")
            server.kill()
            server.start()
            assert has_database(server.url, "kept")


def test_postgres_programs_below_a_closed_directory_are_copied_for_another_account(tmp_path: Path) -> None:
    programs = tmp_path / "wheel" / "pginstall" / "bin"
    programs.mkdir(parents=True)
    (programs / "postgres").write_text("binary")
    (tmp_path / "wheel.libs").mkdir()
    (tmp_path / "wheel.libs" / "libpq").write_text("library")
    tmp_path.chmod(0o700)
    with place() as directory:
        copied = unprivileged.Account(owner=(65534, 65534)).reach(programs, directory)
        assert (copied / "postgres").read_text() == "binary"
        assert (copied.parents[2] / "wheel.libs" / "libpq").read_text() == "library"
        assert unprivileged.Account().reach(programs, directory) == programs


def test_a_directory_that_the_other_account_cannot_reach_is_refused_with_the_way_out(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    inside = tmp_path / "home"
    inside.mkdir()
    with pytest.raises(LocalStackError, match="set PRECOG_HOME"):
        unprivileged.Account(owner=(65534, 65534)).reach(Path("/usr/bin"), inside)


def test_redis_keeps_what_it_was_told_through_a_kill_in_a_path_with_a_space() -> None:
    with place("with a space") as directory, stopped_after(redis_server(directory)) as server:
        with redis.Redis.from_url(server.url) as client:
            client.set("kept", "yes")
        server.kill()
        server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.get("kept") == b"yes"
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_nobody_without_the_password_gets_in(own_postgres: Server, own_redis: Server) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(_without_password(own_postgres.url)).close()
    with redis.Redis.from_url(_without_password(own_redis.url)) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_the_password_is_on_no_command_line_and_in_no_open_file() -> None:
    with place() as directory:
        for server in (postgres_server(directory), redis_server(directory)):
            with stopped_after(server):
                password = server.url.split(":")[2].split("@")[0]
                assert password not in Path(f"/proc/{server.process.pid}/cmdline").read_text()
        assert {file.name: oct(file.stat().st_mode & 0o077) for file in _holding(directory, password)} == {
            "redis.conf": "0o0",
            "redis.password": "0o0",
        }


def test_a_server_comes_back_at_its_port_unless_somebody_took_it() -> None:
    with place() as directory:
        with stopped_after(redis_server(directory)) as first:
            pass
        with stopped_after(redis_server(directory)) as second:
            assert second.url == first.url
        with _occupied(first.url), stopped_after(redis_server(directory)) as third:
            assert third.url != first.url


def test_a_pid_file_with_the_number_of_a_stranger_does_not_stop_postgres() -> None:
    with place() as directory:
        with stopped_after(postgres_server(directory)):
            (data,) = directory.glob("postgres-*")
        (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n")
        with stopped_after(postgres_server(directory)) as server:
            assert has_database(server.url, "postgres")


def test_an_initdb_that_was_killed_is_done_again() -> None:
    with place() as directory:
        draft = directory / f"{_data_name()}.new"
        draft.mkdir()
        (draft / "PG_VERSION").write_text("18\n")
        with stopped_after(postgres_server(directory)) as server:
            assert has_database(server.url, "postgres")
        assert not draft.exists()


def test_a_server_that_does_not_start_says_why_and_where_its_log_is() -> None:
    with place() as directory:
        with stopped_after(postgres_server(directory)):
            (data,) = directory.glob("postgres-*")
        (data / "postgresql.conf").write_text("no_such_setting = on\n")
        with pytest.raises(LocalStackError, match=r"(?s)no_such_setting.*postgres\.log"):
            postgres_server(directory).start()


def test_a_paused_server_keeps_its_connections_and_answers_later(own_redis: Server) -> None:
    with redis.Redis.from_url(own_redis.url, socket_timeout=0.2, retry_on_timeout=False, retry=None) as client:
        client.ping()
        own_redis.pause()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        own_redis.resume()
        assert client.ping()


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{'precog@' if scheme == 'postgresql' else ''}{rest.rpartition('@')[2]}"


def _holding(directory: Path, secret: str) -> list[Path]:
    return [file for file in directory.iterdir() if file.is_file() and secret in file.read_text(errors="replace")]


def _occupied(url: str) -> contextlib.AbstractContextManager[socket.socket]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", int(url.rpartition(":")[2].split("/")[0])))
    listener.listen()
    return listener


def _data_name() -> str:
    with place() as directory, stopped_after(postgres_server(directory)):
        return next(directory.glob("postgres-*")).name
