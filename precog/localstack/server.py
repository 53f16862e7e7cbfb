"""A server of ours on a data directory: started, stopped, killed, and started again at the same address."""

import contextlib
import os
import secrets
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from precog.errors import LocalStackError
from precog.localstack.processes import Command, Process

_START_SECONDS = 30.0
_ADDRESS_TAKEN = ("could not bind", "Address already in use", "Could not create server TCP listening socket")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What differs between one server and another."""

    name: str
    log: Path
    port_file: Path
    prepare: Callable[[], None]
    """Makes the data directory ready; called before each start."""
    command: Callable[[int], Command]
    url: Callable[[int], str]
    problem: Callable[[str], str | None]
    """Why the server at this URL does not answer yet, or None when it does."""
    passing: tuple[str, ...] = ()
    """Words in the log of a failed start that make another try worth while."""


class Server:
    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._port: int | None = None
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """Its address with its password; the same after every restart. Known once it has been started."""
        if self._port is None:
            raise LocalStackError(f"{self._kind.name} was not started yet, so it has no address")
        return self._kind.url(self._port)

    @property
    def name(self) -> str:
        return self._kind.name

    @property
    def process(self) -> Process:
        if self._process is None:
            raise LocalStackError(f"{self._kind.name} is not running")
        return self._process

    def start(self) -> Process:
        """Returns when the server answers."""
        deadline = time.monotonic() + _START_SECONDS
        while (problem := self._try(deadline)) is not None:
            retry = any(sign in problem for sign in (*_ADDRESS_TAKEN, *self._kind.passing))
            if not retry or time.monotonic() > deadline:
                raise LocalStackError(f"{self._kind.name} did not start: {problem}\nIts log is {self._kind.log}")
            time.sleep(0.25)
        return self.process

    def stop(self) -> None:
        if self._process is not None:
            self.resume()
            self._process.stop()

    def kill(self) -> None:
        """Ends it as a power cut would: no time to write anything."""
        self.process.send(signal.SIGKILL)
        self.process.wait(10)

    def pause(self) -> None:
        """It keeps its connections and answers nothing, until `resume`."""
        self.process.send(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send(signal.SIGCONT)

    def _try(self, deadline: float) -> str | None:
        self._kind.prepare()
        port = self._port or remembered_port(self._kind.port_file) or free_port()
        log = self._kind.log
        seen = log.stat().st_size if log.exists() else 0
        process = Process(self._kind.command(port))
        problem = self._wait_until_it_answers(process, self._kind.url(port), deadline)
        if problem is not None:
            process.stop()
            return _said_since(log, seen) or problem
        self._process, self._port = process, port
        self._kind.port_file.write_text(f"{port}\n")
        return None

    def _wait_until_it_answers(self, process: Process, url: str, deadline: float) -> str | None:
        problem: str | None = "it was given no time"
        while process.exit_status is None and time.monotonic() < deadline:
            problem = self._kind.problem(url)
            if problem is None:
                return None
            process.wait(0.02)
        return problem


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has now; another program may still be quicker, so callers try again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def kept_secret(path: Path) -> str:
    """The secret in this file, made on the first call and readable by its owner only."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_text().strip()
    write_private(path, secrets.token_hex(24))
    return path.read_text()


def write_private(path: Path, text: str) -> None:
    """A new file that its owner alone can read, in the place of any that was there."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:  # noqa: PTH123 - the mode counts
        file.write(text)
    draft.replace(path)


def remembered_port(file: Path) -> int | None:
    """The last run's port, if it is free again: addresses that people noted down stay true."""
    try:
        port = int(file.read_text())
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    except (OSError, ValueError, OverflowError):
        return None
    return port


def _said_since(log: Path, position: int) -> str:
    with log.open("rb") as file:
        file.seek(position)
        return file.read()[-2000:].decode(errors="replace").strip()
