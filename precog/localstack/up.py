"""`precog up`: the whole stack for daily use, in the foreground, with its data kept between runs."""

import contextlib
import os
import queue
import shlex
import signal
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from psycopg2.extensions import parse_dsn
from rich.console import Console

from precog.localstack.server import write_private
from precog.localstack.services import FLOWER_USER, Services, services
from precog.localstack.stack import Servers, servers

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def home() -> Path:
    """Where the local stack keeps its data: PRECOG_HOME, else `.precog` in the current directory."""
    return Path(os.environ.get("PRECOG_HOME") or ".precog").resolve()


def up(directory: Path, console: Console) -> None:
    """Returns after Ctrl-C, SIGTERM or a closed terminal, when every process that it started has ended."""
    with _stop_asked() as stop:
        _say_whole(console, f"Starting PostgreSQL and Redis in {directory} ...")
        with servers(directory) as both:
            running = services(both, directory, environment=os.environ, say=console.print, show_console_alerts=True)
            with running as started:
                _write_environment(both, directory / "env")
                _introduce(both, started, directory, console)
                _wait(stop, started)
                console.print("Stopping; a send that is under way gets 10 s to end ...")
    console.print("Stopped. The data is kept.")


@contextlib.contextmanager
def _stop_asked() -> Iterator[queue.SimpleQueue[int]]:
    """A queue, whose `put` is safe in a signal handler, that gets the signal when somebody asks us to stop."""
    asked: queue.SimpleQueue[int] = queue.SimpleQueue()

    before = {number: signal.signal(number, lambda number, _: asked.put(number)) for number in _STOP_SIGNALS}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(stop: queue.SimpleQueue[int], started: Services) -> None:
    while started.supervisor.alive:
        with contextlib.suppress(queue.Empty):
            stop.get(timeout=1)
            return


def _write_environment(both: Servers, file: Path) -> None:
    """For other terminals, in a file that only its owner can read, because the addresses hold the passwords."""
    addresses = {"DATABASE_URL": both.programs_url, "REDIS_URL": both.redis_url}
    write_private(file, "".join(f"export {name}={shlex.quote(value)}\n" for name, value in addresses.items()))


def _introduce(both: Servers, started: Services, directory: Path, console: Console) -> None:
    password = f"user {FLOWER_USER}, password in {directory / 'flower.password'}"
    rows = [
        ("PostgreSQL", without_password(both.programs_url), "" if both.postgres else "yours, from DATABASE_URL"),
        ("Redis", without_password(both.redis_url), "" if both.redis else "yours, from REDIS_URL"),
        ("Flower", started.flower_url, password),
    ]
    if started.public_url is not None:
        rows.append(("Reports", started.public_url, "leads to precog serve on this machine"))
    width = max(len(address) for _, address, _ in rows)
    for name, address, note in rows:
        _say_whole(console, f"{name:<10}  {address:<{width}}  {note}".rstrip())
    _say_whole(console, f"\nIn another terminal:  . {shlex.quote(str(directory / 'env'))}")
    _say_whole(console, f"Logs: {directory / 'log'}    Stop: Ctrl-C\n")


def _say_whole(console: Console, text: str) -> None:
    """The terminal wraps, so that an address or a path copied from it is whole."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def without_password(url: str) -> str:
    """Where a server is, fit to be shown: no password, and no options, which may hold one too."""
    if "://" not in url:
        return " ".join(
            f"{key}={value}" for key, value in parse_dsn(url).items() if key in {"host", "port", "dbname", "user"}
        )
    parts = urllib.parse.urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    return f"{parts.scheme}://{user}{parts.netloc.rpartition('@')[2]}{parts.path}"
