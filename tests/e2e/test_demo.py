"""`precog demo` as a person runs it: in a process of its own, told by its output and by what it leaves."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
import redis

from precog.localstack.stack import Servers
from tests.integration.localstack.places import ended, place

pytestmark = pytest.mark.e2e

Start = Callable[..., "subprocess.Popen[str]"]

_THEIR_QUEUE = "precog:demo:notifications.email"
"""Where a worker of the default prefix would look."""


@contextlib.contextmanager
def _demos() -> Iterator[tuple[Start, Path]]:
    """Starts demos whose temporary directories are in one place, and checks that this is empty afterwards."""
    with place() as home, contextlib.ExitStack() as running:

        def start(**variables: str) -> "subprocess.Popen[str]":
            own = {"TMPDIR": str(home), "NO_COLOR": "1", "COLUMNS": "120"}
            foreign = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
            return running.enter_context(
                subprocess.Popen(
                    [Path(sys.executable).with_name("precog"), "demo"],
                    env={**foreign, **own, **variables},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
            )

        yield start, home


def _processes_of(home: Path) -> list[str]:
    """The command lines of all that was started with this temporary directory and does not end within moments."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if f"TMPDIR={home}".encode() in (process / "environ").read_bytes() and not ended(
                int(process.name), within=3
            ):
                found.append(command)
    return found


def test_the_demo_tells_its_story_shows_what_arrived_and_says_where_to_look_next() -> None:
    with _demos() as (start, home):
        demo = start(SMTP_HOST="smtp.example.com", PRECOG_ENVIRONMENT="prod", PRECOG_CONFIG_DIR="/nowhere")
        said, _ = demo.communicate(timeout=120)
        assert demo.returncode == 0, said
        assert list(home.iterdir()) == []
        assert _processes_of(home) == []
    story, _, rest = said.partition("What arrived")
    arrived, _, next_steps = rest.partition("Where to look next")
    _every_part_of_the_story_is_in(story)
    _each_receiver_is_in(arrived)
    assert "precog alerts list" in next_steps
    assert "39 deliveries sent and received" in next_steps
    assert "\x1b" not in said, "a pipe is not coloured"
    assert "Traceback" not in said, "the log of this process stays in its file"


def _every_part_of_the_story_is_in(story: str) -> None:
    assert "sent 7 of 7; taken on by ana" in story
    assert "suppressed as a duplicate of #1" in story
    assert "webhook try 1 at " in story
    assert ": transient: the webhook answered 503 deploying" in story
    assert "over the limit of 5 an hour until " in story
    assert "UTC; reached instead over console, email, file, slack, webhook" in story


def _each_receiver_is_in(arrived: str) -> None:
    assert "10 letters" in arrived
    assert "Subject: [DEMO] CRITICAL risk_manager: Lost 412.50 USD" in arrived
    assert "5 messages" in arrived
    assert "3 requests taken, 1 refused before; signatures verified" in arrived
    assert "8 lines of JSON" in arrived


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_demo_that_is_stopped_says_so_and_leaves_nothing(
    number: signal.Signals, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A signal's exception in the middle of coverage's own lock leaves that locked, and the demo waits for ever.
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    with _demos() as (start, home):
        demo = start()
        assert demo.stdout is not None
        before = next(line for line in demo.stdout if "workers ready" in line)
        demo.send_signal(number)
        said = before + demo.stdout.read()
        assert demo.wait(60) == status, said
        assert "Stopped by" in said
        assert "Every process that was started has ended" in said
        assert "Traceback" not in said
        assert list(home.iterdir()) == []
        assert _processes_of(home) == []


@pytest.mark.long
def test_two_demos_on_the_same_servers_of_somebody_else_do_not_meet_and_touch_nothing(
    session_servers: Servers, redis_url: str
) -> None:
    theirs = {"DATABASE_URL": session_servers.database_url, "REDIS_URL": redis_url}
    with redis.Redis.from_url(redis_url, decode_responses=True) as client, _demos() as (start, home):
        client.rpush(_THEIR_QUEUE, "theirs")
        databases, keys = _databases(session_servers), set(client.scan_iter())
        both = [start(**theirs), start(**theirs)]
        said = [demo.communicate(timeout=180)[0] for demo in both]
        assert [demo.returncode for demo in both] == [0, 0], said
        assert all("a new database at postgresql://" in each for each in said)
        assert (_databases(session_servers), set(client.scan_iter())) == (databases, keys)
        assert client.lpop(_THEIR_QUEUE, 10) == ["theirs"]
        assert list(home.iterdir()) == []


def _databases(servers: Servers) -> set[str]:
    with contextlib.closing(psycopg2.connect(servers.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'precog_demo%'")
        return {row[0] for row in cursor.fetchall()}


def test_a_role_that_may_not_create_a_database_is_told_what_to_do(session_servers: Servers) -> None:
    with contextlib.closing(psycopg2.connect(session_servers.database_url)) as owner, owner.cursor() as cursor:
        owner.autocommit = True
        cursor.execute("CREATE ROLE demo_visitor LOGIN PASSWORD 'visitor'")
        try:
            address = psycopg2.extensions.make_dsn(
                session_servers.database_url, user="demo_visitor", password="visitor"
            )
            with _demos() as (start, _):
                demo = start(DATABASE_URL=address, REDIS_URL=session_servers.redis_url)
                said, _ = demo.communicate(timeout=60)
        finally:
            cursor.execute("DROP ROLE demo_visitor")
    assert demo.returncode == 1
    assert "may not create a database" in said
    assert "ALTER ROLE ... CREATEDB allows it" in " ".join(said.split())
    assert "visitor" not in said.replace("demo_visitor", "")
