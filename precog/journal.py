"""The alerts that PostgreSQL did not take, in a file of this machine: one JSON line each, until they are stored.

`<environment>.jsonl` is appended to under a lock, with fsync, and replaced as a whole by what is left of it. A line
goes only after its alert was stored; a crash in between stores nothing twice, since the line carries the alert's uuid.
What can never be stored is moved to `<environment>.refused.jsonl`, for a person.
"""

import errno
import fcntl
import json
import logging
import math
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg2

from precog.domain.alerts import Category, Environment, NewAlert, Severity
from precog.errors import IdempotencyConflict, JournalError, PrecogError
from precog.settings.process import journal_directory

log = logging.getLogger("precog.journal")

MOST_BYTES = 16 * 2**20
"""Tens of thousands of alerts. What comes beyond is refused aloud: a full disk would take PostgreSQL down as well."""
_LOCK_SECONDS = 1.0
"""A lock is held for as long as it takes to write a line, or the file once."""

_unlooked = set(Environment)
"""Where this process may have something to replay: it has not looked yet, or has kept an alert since."""


class _Unreadable(Exception):
    pass


_REFUSED = (_Unreadable, IdempotencyConflict, psycopg2.DataError, psycopg2.IntegrityError)
"""What is wrong with one alert and stays so, however often it is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a replay."""

    stored: int
    refused: int
    """Those that can never be stored, and lie in another file now."""
    left: int
    problem: str | None
    """Why it ended before the last one; None where there was nothing in its way."""


def journal_file(environment: Environment) -> Path:
    return journal_directory() / f"{environment}.jsonl"


def refused_file(environment: Environment) -> Path:
    return journal_directory() / f"{environment}.refused.jsonl"


def keep(alert: NewAlert) -> None:
    """Durable when it returns. The alert is kept as it is, with now as the time it happened unless it names one.

    That one time is of this machine's clock: the database's, which gives all others, is away. Raises JournalError, and
    then nothing of it is in the file.
    """
    line = _line(replace(alert, occurred_at=alert.occurred_at or datetime.now(UTC)))
    file = journal_file(alert.environment)
    with _told(file), _locked(alert.environment):
        _append(file, [line], limit=MOST_BYTES)
    look_again(alert.environment)


def waiting(environment: Environment) -> tuple[NewAlert, ...]:
    """Oldest first; lines that nobody can read are left out. Raises JournalError."""
    return tuple(alert for line in _lines(environment) if (alert := _readable(line)) is not None)


def holds_any(environment: Environment) -> bool:
    """A look at the file's size, not into it. Raises JournalError."""
    file = journal_file(environment)
    with _told(file), suppress(FileNotFoundError, NotADirectoryError):
        return file.stat().st_size > 0
    return False


def waiting_critical(environment: Environment) -> NewAlert | None:
    """The oldest critical alert that waits. Takes no lock, so that nobody is waited for: the file is only ever appended
    to or replaced as a whole. Raises JournalError."""
    if not holds_any(environment):
        return None
    file = journal_file(environment)
    with _told(file):
        lines = _read(file)
    likely = (_readable(line) for line in lines if b"critical" in line)
    return next((alert for alert in likely if alert is not None and alert.severity is Severity.CRITICAL), None)


def worth_a_look(environment: Environment) -> bool:
    """`holds_any`, asked once a process and once after each alert it kept: cheap enough for every call."""
    if environment not in _unlooked:
        return False
    _unlooked.discard(environment)
    return holds_any(environment)


def look_again(environment: Environment) -> None:
    _unlooked.add(environment)


def replay(
    environment: Environment,
    store: Callable[[NewAlert], object],
    *,
    most: int | None = None,
    seconds: float = math.inf,
) -> Report:
    """Give the oldest alerts to `store`, and strike out those that it took.

    No more than `most`, and none but the first after `seconds`: a slow `store` must not hold up somebody in a hurry.
    An alert whose content is refused is set aside, so that it holds up nobody; any other PrecogError ends the replay
    and leaves the rest. One process replays at a time. Raises JournalError.
    """
    with _told(journal_file(environment)), ExitStack() as alone:
        try:
            alone.enter_context(_locked(environment, "replay.lock", seconds=0))
        except BlockingIOError:
            left = len(_lines(environment))
            return Report(stored=0, refused=0, left=left, problem="another process replays it at this moment")
        return _replay(environment, store, most, time.monotonic() + seconds)


def _replay(environment: Environment, store: Callable[[NewAlert], object], most: int | None, until: float) -> Report:
    stored: list[bytes] = []
    refused: list[bytes] = []
    problem = None
    for line in islice(_lines(environment), most):
        try:
            store(_alert(line))
        except _REFUSED as error:
            refused.append(line)
            _say_refused(environment, error)
        except PrecogError as error:
            problem = str(error)
            break
        else:
            stored.append(line)
        if time.monotonic() >= until:
            break
    left = _strike_out(environment, {*stored, *refused}, refused)
    if stored:
        log.info("alerts of the journal are stored", extra={"stored": len(stored), "left": left})
    return Report(stored=len(stored), refused=len(refused), left=left, problem=problem)


def _say_refused(environment: Environment, error: Exception) -> None:
    """Without the text of psycopg2's errors, which repeats what was to be stored."""
    log.error(
        "an alert of the journal can never be stored and is set aside",
        extra={"file": str(refused_file(environment)), "error": type(error).__name__},
    )


def _strike_out(environment: Environment, done: set[bytes], refused: Sequence[bytes]) -> int:
    """Replace the file by what is left of it; how many lines that are."""
    file = journal_file(environment)
    with _locked(environment):
        left = [line for line in _read(file) if line not in done]
        if refused:
            _append(refused_file(environment), refused)
        if done and left:
            draft = file.with_suffix(".new")
            draft.unlink(missing_ok=True)
            _append(draft, left)
            draft.replace(file)
        elif done:
            file.unlink(missing_ok=True)
        return len(left)


def _lines(environment: Environment) -> list[bytes]:
    if not holds_any(environment):  # and makes no directory where there is none
        return []
    file = journal_file(environment)
    with _told(file), _locked(environment):
        return _read(file)


def _read(file: Path) -> list[bytes]:
    with (
        suppress(FileNotFoundError),
        _opened(file, os.O_RDONLY) as descriptor,
        open(descriptor, "rb", closefd=False) as it,
    ):
        return [line for line in it.read().splitlines() if line.strip()]
    return []


def _append(file: Path, lines: Sequence[bytes], *, limit: int | None = None) -> None:
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


@contextmanager
def _locked(environment: Environment, name: str = "lock", *, seconds: float = _LOCK_SECONDS) -> Iterator[None]:
    """Alone among all processes and threads. Raises BlockingIOError when that takes longer."""
    directory = journal_directory()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _opened(directory / f"{environment}.{name}", os.O_RDWR | os.O_CREAT) as descriptor:
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
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise JournalError(
            f"the journal {file} cannot be used: {error.strerror or error}; "
            f"PRECOG_JOURNAL_DIR must name a directory that this account may write"
        ) from error


def _line(alert: NewAlert) -> bytes:
    return json.dumps({each.name: getattr(alert, each.name) for each in fields(alert)}, default=str).encode()


def _alert(line: bytes) -> NewAlert:
    """Raises _Unreadable for a line that is torn or of another version."""
    try:
        return _parsed(line)
    except (ValueError, TypeError, KeyError) as error:
        raise _Unreadable from error


def _parsed(line: bytes) -> NewAlert:
    columns: dict[str, Any] = json.loads(line)
    happened, category = columns["occurred_at"], columns["category"]
    return NewAlert(
        **{
            **columns,
            "alert_uuid": UUID(columns["alert_uuid"]),
            "severity": Severity(columns["severity"]),
            "category": category and Category(category),
            "environment": Environment(columns["environment"]),
            "occurred_at": happened and datetime.fromisoformat(happened),
        }
    )


def _readable(line: bytes) -> NewAlert | None:
    try:
        return _alert(line)
    except _Unreadable:
        return None
