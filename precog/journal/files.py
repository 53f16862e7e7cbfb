"""Files of this account that are durable when a call returns, and a lock that all processes of a machine respect."""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from precog.domain.alerts import Environment
from precog.errors import JournalError
from precog.settings.process import journal_directory

_LOCK_SECONDS = 1.0
"""A lock is held for as long as it takes to write a line, or the file once."""


def place(environment: Environment, ending: str) -> Path:
    return journal_directory() / f"{environment}.{ending}"


@contextmanager
def locked(environment: Environment, name: str = "lock", *, seconds: float = _LOCK_SECONDS) -> Iterator[None]:
    """Alone among all processes and threads. Raises BlockingIOError when that takes longer."""
    journal_directory().mkdir(mode=0o700, parents=True, exist_ok=True)
    with _opened(place(environment, name), os.O_RDWR | os.O_CREAT) as descriptor:
        _lock(descriptor, time.monotonic() + seconds)
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # by name: a child forked meanwhile has the descriptor, too


def _lock(descriptor: int, until: float) -> None:
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise BlockingIOError(errno.EWOULDBLOCK, "another process keeps it locked") from None
            time.sleep(0.01)


def read(file: Path) -> list[bytes]:
    """Its lines that are not blank; none where it is not there."""
    with (
        suppress(FileNotFoundError),
        _opened(file, os.O_RDONLY) as descriptor,
        open(descriptor, "rb", closefd=False) as it,
    ):
        return [line for line in it.read().splitlines() if line.strip()]
    return []


def append(file: Path, lines: Sequence[bytes], *, limit: int | None = None) -> None:
    """All of them or none."""
    with _opened(file, os.O_RDWR | os.O_APPEND | os.O_CREAT) as descriptor:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"  # somebody died in the middle of a line
        words = b"\n" * torn + b"".join(line + b"\n" for line in lines)
        if limit is not None and size + len(words) > limit:
            raise OSError(errno.EFBIG, f"it is full, with {size} of {limit} bytes")
        try:
            _write_all(descriptor, words)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    if size == 0:
        _sync_directory(file.parent)


def replace(file: Path, lines: Sequence[bytes]) -> None:
    """By these lines, at once; with none the file goes."""
    if not lines:
        file.unlink(missing_ok=True)
        return
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    append(draft, lines)
    draft.replace(file)


def _write_all(descriptor: int, words: bytes) -> None:
    rest = memoryview(words)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def require_writable(file: Path) -> None:
    """Raises JournalError where this account could not begin it. Makes nothing: whoever asks may not be who writes."""
    with reported(file):
        nearest = next(each for each in file.parents if each.exists())
        if not nearest.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextmanager
def _opened(file: Path, flags: int) -> Iterator[int]:
    """A file of this account's own, whatever somebody else has put in its place."""
    descriptor = os.open(file, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise OSError(errno.EPERM, "it is no file of this account")
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def reported(file: Path) -> Iterator[None]:
    """Raises JournalError in place of what the system says."""
    try:
        yield
    except OSError as error:
        raise JournalError(
            f"the journal {file} cannot be used: {error.strerror or error}; "
            f"PRECOG_JOURNAL_DIR must name a directory that this account may write"
        ) from error
