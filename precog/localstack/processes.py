"""A child process that ends with its starter, and is stopped politely first."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_LEASH = Path(__file__).with_name("leash.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    name: str
    argv: Sequence[str]
    log: Path
    """Receives standard error, and standard output too unless `show_output`."""
    show_output: bool = False
    environment: Mapping[str, str] | None = field(default=None, repr=False)
    """The whole environment; None is this process's."""
    directory: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    account: tuple[int, int] | None = None
    """The uid and gid to run as (needs root); None is our own."""
    keep_open: tuple[int, ...] = ()
    """File descriptors that the child keeps, such as a lock that it shares."""


class Process:
    """One run of a command, in a session of its own: the terminal's Ctrl-C reaches only us, who stop it in order.

    On Linux it gets its stop signal when the *thread* that started it ends, however it ends, so a thread that starts
    processes has to outlive them.
    """

    def __init__(self, command: Command) -> None:
        self.command = command
        self._asked = False
        account = ":".join(map(str, command.account or ()))
        leash = [sys.executable, "-I", "-S", str(_LEASH), str(int(command.stop_signal)), str(os.getpid()), account]
        with command.log.open("ab") as log:
            self._popen = subprocess.Popen(
                [*leash, "--", *command.argv],
                stdin=subprocess.DEVNULL,
                stdout=None if command.show_output else log,
                stderr=log,
                cwd=command.directory,
                env=command.environment,
                start_new_session=True,
                pass_fds=command.keep_open,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs; minus the signal's number when a signal ended it."""
        return self._popen.poll()

    def send(self, number: signal.Signals) -> None:
        if self._popen.poll() is None:
            self._popen.send_signal(number)

    def ask_to_stop(self) -> None:
        """Once, however often it is called: to many programs a second signal means "at once"."""
        if not self._asked:
            self._asked = True
            self.send(self.command.stop_signal)

    def stop(self, *, patience: float = 10) -> None:
        """Asks it to stop, waits `patience` seconds, then kills what is left of its group. Returns when it is gone."""
        self.ask_to_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(patience)
        self.kill()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()

    def wait(self, timeout: float) -> bool:
        """True when it has ended within `timeout` seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout)
        return self.exit_status is not None
