"""The console channel: the worker's real standard output. Celery puts a logger in the place of `sys.stdout`."""

import os
import select
import sys

from precog.channels.base import ChannelKind
from precog.domain.alerts import Severity
from precog.domain.deliveries import Message, Receipt
from precog.errors import TransientFailure
from precog.render.console import console_text
from precog.settings.channel import ChannelSettings

RECIPIENT = "stdout"
_WAIT = 5.0
"""Seconds to wait for a reader who lets the pipe run full."""
_ATOMIC = select.PIPE_BUF
"""Bytes a pipe takes without blocking and without another process's text between them, once it says it is ready."""


class ConsoleSettings(ChannelSettings):
    pass


class ConsoleChannel:
    def __init__(self, settings: ConsoleSettings, *, seconds: float = _WAIT) -> None:
        del settings
        self._seconds = seconds

    def send(self, message: Message) -> Receipt:
        try:
            descriptor = _standard_output()
            text = console_text(message, colour=os.isatty(descriptor))
            _write(descriptor, text.encode("utf-8", "backslashreplace"), self._seconds)
        except (OSError, ValueError) as error:  # ValueError: the stream object was closed
            raise TransientFailure(f"standard output takes no text: {error}", code="stdout") from None
        return Receipt(detail="written to standard output")

    def close(self) -> None:
        """Standard output belongs to the process: it stays open."""


def _standard_output() -> int:
    return sys.__stdout__.fileno() if sys.__stdout__ is not None else 1


def _write(descriptor: int, data: bytes, seconds: float) -> None:
    writable = select.poll()
    writable.register(descriptor, select.POLLOUT)
    while data:
        if not writable.poll(seconds * 1000):
            raise TimeoutError(f"its reader took nothing for {seconds:.0f} s")
        data = data[os.write(descriptor, data[:_ATOMIC]) :]


def _recipients(settings: ConsoleSettings, severity: Severity) -> tuple[str, ...]:
    del settings, severity
    return (RECIPIENT,)


CONSOLE = ChannelKind(
    name="console", settings=ConsoleSettings, open=ConsoleChannel, recipients=_recipients, remote=False
)
