"""`precog up` as a person runs it: from a path with a space, in a terminal, until Ctrl-C."""

import base64
import contextlib
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import psycopg2.errors
import pytest

from precog.localstack.server import free_port
from tests.integration.localstack.places import ended, place

pytestmark = pytest.mark.e2e

_PRECOG = Path(sys.executable).with_name("precog")


@contextlib.contextmanager
def _up(directory: Path, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """Running, and introduced: what it said so far is read."""
    bare = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DATABASE_URL", "PRECOG_OWNER_URL", "REDIS_URL"}
    }
    ours = {"PRECOG_HOME": str(directory / "home"), "PRECOG_JOURNAL_DIR": str(directory / "journal")}
    command = subprocess.Popen(
        [_PRECOG, "up"],
        cwd=directory,
        env={**bare, **ours, "COLUMNS": "300", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with command:
        try:
            yield command
        finally:
            command.send_signal(signal.SIGINT)


def _introduction(command: "subprocess.Popen[str]") -> str:
    assert command.stdout is not None
    lines = []
    for line in command.stdout:
        lines.append(line)
        if "Stop: Ctrl-C" in line:
            break
    return "".join(lines)


def _children(pid: int) -> list[int]:
    """All of them, with theirs."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    direct = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    return [*direct, *(each for child in direct for each in _children(child))]


@pytest.mark.skipif(sys.platform != "linux", reason="looks processes up in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_introduces_itself_and_leaves_no_process_behind(number: signal.Signals) -> None:
    with place("a place") as directory, _up(directory) as command:
        said = _introduction(command)
        assert re.search(r"PostgreSQL +postgresql://precog_programs@127\.0\.0\.1:\d+/precog", said)
        assert re.search(r"Redis +redis://127\.0\.0\.1:\d+/0", said)
        assert (directory / "home" / "flower.password").read_text() not in said
        _flower_wants_its_password(said, (directory / "home" / "flower.password").read_text())
        processes = _children(command.pid)
        assert len(processes) > 5
        command.send_signal(number)
        assert "The data is kept" in command.communicate(timeout=60)[0]
        assert command.returncode == 0
        assert all(ended(pid) for pid in processes)


@pytest.mark.long
def test_another_terminal_uses_it_and_the_data_is_there_the_next_day() -> None:
    with place() as directory:
        for day in (1, 2):
            with _up(directory) as command:
                _introduction(command)
                shell = f". '{directory}/home/env' && '{_PRECOG}' alerts list --all && printf '%s' \"$DATABASE_URL\""
                other = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, check=True)
                assert stat.S_IMODE((directory / "home/env").stat().st_mode) == 0o600
                with contextlib.closing(psycopg2.connect(other.stdout.splitlines()[-1])) as connection:
                    with connection, connection.cursor() as cursor:
                        cursor.execute(
                            "INSERT INTO system_health (component, status, last_check, details)"
                            " VALUES ('test', 'healthy', now(), jsonb_build_object('day', %(day)s::int))",
                            {"day": day},
                        )
                        cursor.execute(
                            "SELECT array_agg((details ->> 'day')::int ORDER BY 1)"
                            " FROM system_health WHERE component = 'test'"
                        )
                        assert cursor.fetchone() == (list(range(1, day + 1)),)
                    with pytest.raises(psycopg2.errors.InsufficientPrivilege), connection.cursor() as cursor:
                        cursor.execute("DELETE FROM alerts")


def test_servers_of_ones_own_are_used(database_url: str, redis_url: str) -> None:
    with place() as directory, _up(directory, DATABASE_URL=database_url, REDIS_URL=redis_url) as command:
        said = _introduction(command)
        assert "yours, from DATABASE_URL" in said
        assert "yours, from REDIS_URL" in said
        assert not list((directory / "home").glob("postgres*"))


@pytest.mark.long
def test_reports_are_taken_where_an_address_says_that_they_can_come() -> None:
    port = str(free_port())
    ours = {"PRECOG_PUBLIC_URL": "https://alerts.example.com", "PRECOG_SERVE_PORT": port}
    with place() as directory, _up(directory, **ours) as command:
        assert re.search(r"Reports +https://alerts\.example\.com", _introduction(command))
        _wait_for(port)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
            assert answer.status == 200


def _flower_wants_its_password(said: str, password: str) -> None:
    (url,) = re.findall(r"http://127\.0\.0\.1:\d+", said)
    _wait_for(url.rpartition(":")[2])
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        urllib.request.urlopen(url, timeout=10)
    refused.value.close()
    request = urllib.request.Request(url)
    request.add_header("Authorization", "Basic " + base64.b64encode(f"precog:{password}".encode()).decode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert b"Flower" in answer.read()


def _wait_for(port: str) -> None:
    """Flower is started last, and says nothing when it listens."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", int(port))):
            return
        time.sleep(0.1)
