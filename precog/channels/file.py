"""The file channel: one JSON object a line, appended, for people with `tail` and for log shippers."""

import errno
import os
import stat
from pathlib import Path

from precog.channels.base import ChannelKind
from precog.domain.alerts import Severity
from precog.domain.deliveries import Message, Receipt
from precog.errors import ChannelMisconfigured, SendFailure, TransientFailure
from precog.render.payload import jsonline
from precog.settings.channel import ChannelSettings

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # no wait on a FIFO

_NOT_A_FILE = frozenset({errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ELOOP, errno.ENXIO})
"""A directory, a path through a file (two ways), a symbolic link, a FIFO: none becomes a file by waiting."""


class FileSettings(ChannelSettings):
    path: Path = Path("logs/alerts.jsonl")
    """Relative to where the worker runs. No field of an alert ever becomes part of it."""
    name: str = "alerts"
    """What deliveries call this file: the recipient."""


class FileChannel:
    def __init__(self, settings: FileSettings) -> None:
        self._path = settings.path
        self._descriptor: int | None = None
        self._torn = False

    def send(self, message: Message) -> Receipt:
        try:
            self._append(jsonline(message))
        except OSError as error:
            self.close()
            raise _failure(error) from None
        return Receipt(detail=f"appended to {self._path.name}")

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _append(self, line: bytes) -> None:
        """One write for the line: the kernel puts it whole behind what other processes append.

        A disk that runs full in the middle leaves a torn line; the next one then begins on a line of its own.
        """
        descriptor = self._open()
        whole = b"\n" + line if self._torn else line
        written = os.write(descriptor, whole)
        while written < len(whole):
            self._torn = True
            written += os.write(descriptor, whole[written:])
        self._torn = False

    def _open(self) -> int:
        if self._descriptor is not None and self._rotated(self._descriptor):
            self.close()
        if self._descriptor is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, _FLAGS, 0o600)
            if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                raise OSError(errno.ENXIO, "it is a device or a FIFO")
        return self._descriptor

    def _rotated(self, descriptor: int) -> bool:
        """Whether the path now names another file than the one that is open, or none."""
        try:
            return not os.path.samestat(os.fstat(descriptor), os.lstat(self._path))
        except FileNotFoundError:
            return True


def _failure(error: OSError) -> SendFailure:
    if error.errno in _NOT_A_FILE:
        reason = f"the alert file is no regular file ({error.strerror}); set notifications.file.path to one"
        return ChannelMisconfigured(reason, code="file")
    return TransientFailure(f"the alert file takes no line: {error.strerror}", code="file")


def _recipients(settings: FileSettings, severity: Severity) -> tuple[str, ...]:
    del severity
    return (settings.name,)


FILE = ChannelKind(name="file", settings=FileSettings, open=FileChannel, recipients=_recipients, remote=False)
