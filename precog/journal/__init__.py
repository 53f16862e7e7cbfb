"""The alerts that PostgreSQL did not take, in a file of this machine: one JSON line each, until they are stored.

`<environment>.jsonl` is appended to under a lock, with fsync, and replaced as a whole by what is left of it. A line
goes only after its alert was stored; a crash in between stores nothing twice, since the line carries the alert's uuid.
Beside an alert lie the tries to tell people of it meanwhile: a line when one begins, another when it has ended. What
can never be stored is moved to `<environment>.refused.jsonl`, for a person.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from uuid import UUID

import psycopg2

from precog.domain.alerts import Environment, NewAlert, Severity
from precog.domain.direct import DirectTry
from precog.errors import IdempotencyConflict, PrecogError
from precog.journal import files
from precog.journal.lines import Unreadable, line_of, parsed

log = logging.getLogger("precog.journal")

MOST_BYTES = 16 * 2**20
"""Tens of thousands of alerts. What comes beyond is refused aloud: a full disk would take PostgreSQL down as well."""

_unlooked = set(Environment)
"""Where this process may have something to replay: it has not looked yet, or has kept an alert since."""


class Refused(Exception):
    """`store` raises it for what can never be stored."""


_REFUSED = (Unreadable, Refused, IdempotencyConflict, psycopg2.DataError, psycopg2.IntegrityError)
"""What is wrong with one alert and stays so, however often it is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is stored together: an alert, and the tries to tell people of it that were made without PostgreSQL."""

    alert: NewAlert | None
    """None where the alert was stored before, and only a try that ended late is left."""
    tries: tuple[DirectTry, ...] = ()


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
    return files.place(environment, "jsonl")


def refused_file(environment: Environment) -> Path:
    return files.place(environment, "refused.jsonl")


def require_writable(environment: Environment) -> None:
    """Raises JournalError where an alert could not wait, before one has to."""
    files.require_writable(journal_file(environment))


def keep(alert: NewAlert) -> None:
    """Durable when it returns. The alert is kept as it is, with now as the time it happened unless it names one.

    That one time is of this machine's clock: the database's, which gives all others, is away. Raises JournalError, and
    then nothing of it is in the file.
    """
    _keep(alert.environment, line_of(replace(alert, occurred_at=alert.occurred_at or datetime.now(UTC))))


def note(environment: Environment, one: DirectTry) -> None:
    """That a try begins, or how it has ended. Durable when it returns. Raises JournalError."""
    _keep(environment, line_of(one))


def _keep(environment: Environment, line: bytes) -> None:
    file = journal_file(environment)
    with files.reported(file), files.locked(environment):
        files.append(file, [line], limit=MOST_BYTES)
    look_again(environment)


def waiting(environment: Environment) -> tuple[NewAlert, ...]:
    """Oldest first; lines that nobody can read are left out. Raises JournalError."""
    return tuple(each for each in _readable(environment) if isinstance(each, NewAlert))


def tries(environment: Environment) -> tuple[DirectTry, ...]:
    """Those of the alerts that wait, as far as each has come. Raises JournalError."""
    return _newest(each for each in _readable(environment) if isinstance(each, DirectTry))


def _newest(noted: Iterable[DirectTry]) -> tuple[DirectTry, ...]:
    """Each try once: a later line of it knows more than the first."""
    return tuple({(each.delivery_id, each.started_at, each.worker): each for each in noted}.values())


def holds_any(environment: Environment) -> bool:
    """A look at the file's size, not into it. Raises JournalError."""
    file = journal_file(environment)
    with files.reported(file), suppress(FileNotFoundError, NotADirectoryError):
        return file.stat().st_size > 0
    return False


def waiting_critical(environment: Environment) -> NewAlert | None:
    """The oldest critical alert that waits. Takes no lock, so that nobody is waited for: the file is only ever appended
    to or replaced as a whole. Raises JournalError."""
    if not holds_any(environment):
        return None
    file = journal_file(environment)
    with files.reported(file):
        lines = files.read(file)
    likely = (_read_or_none(line) for line in lines if b"critical" in line)
    return next((each for each in likely if isinstance(each, NewAlert) and each.severity is Severity.CRITICAL), None)


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
    store: Callable[[Kept], object],
    *,
    most: int | None = None,
    seconds: float = math.inf,
) -> Report:
    """Give the oldest alerts to `store`, and strike out those that it took.

    No more than `most`, and none but the first after `seconds`: a slow `store` must not hold up somebody in a hurry.
    An alert whose content is refused is set aside, so that it holds up nobody; any other PrecogError ends the replay
    and leaves the rest. One process replays at a time. Raises JournalError.
    """
    with files.reported(journal_file(environment)), ExitStack() as alone:
        try:
            alone.enter_context(files.locked(environment, "replay.lock", seconds=0))
        except BlockingIOError:
            left = _alerts_in(_lines(environment))
            return Report(stored=0, refused=0, left=left, problem="another process replays it at this moment")
        return _replay(environment, store, most, time.monotonic() + seconds)


def _replay(environment: Environment, store: Callable[[Kept], object], most: int | None, until: float) -> Report:
    stored = refused = 0
    done: list[bytes] = []
    aside: list[bytes] = []
    problem = None
    for entry in islice(_entries(_lines(environment)), most):
        try:
            store(entry.kept())
        except _REFUSED as error:
            refused += 1
            aside.extend(entry.lines)
            _say_refused(environment, error)
        except PrecogError as error:
            problem = str(error)
            break
        else:
            stored += not entry.only_tries
            done.extend(entry.lines)
        if time.monotonic() >= until:
            break
    left = _strike_out(environment, {*done, *aside}, aside)
    if stored:
        log.info("alerts of the journal are stored", extra={"stored": stored, "left": left})
    return Report(stored=stored, refused=refused, left=left, problem=problem)


@dataclass(slots=True)
class _Entry:
    """The lines that are stored together, and struck out together: an alert's, or those of tries that came late."""

    lines: list[bytes]
    only_tries: bool

    def kept(self) -> Kept:
        """Raises Unreadable."""
        values = [parsed(line) for line in self.lines]
        alert = next((each for each in values if isinstance(each, NewAlert)), None)
        return Kept(alert=alert, tries=_newest(each for each in values if isinstance(each, DirectTry)))


def _entries(lines: Sequence[bytes]) -> list[_Entry]:
    """In the order of the alerts; a try belongs to the first line of its alert, wherever it stands."""
    entries: list[_Entry] = []
    of_alert: dict[UUID, _Entry] = {}
    late: list[tuple[bytes, DirectTry]] = []
    for line in lines:
        value = _read_or_none(line)
        if isinstance(value, DirectTry):
            late.append((line, value))
            continue
        entries.append(_Entry([line], only_tries=False))
        if value is not None:
            of_alert.setdefault(value.alert_uuid, entries[-1])
    for line, one in late:
        if one.alert_uuid in of_alert:
            of_alert[one.alert_uuid].lines.append(line)
        else:
            entries.append(_Entry([line], only_tries=True))
            of_alert[one.alert_uuid] = entries[-1]
    return entries


def _say_refused(environment: Environment, error: Exception) -> None:
    """Without the text of psycopg2's errors, which repeats what was to be stored."""
    log.error(
        "an alert of the journal can never be stored and is set aside",
        extra={"file": str(refused_file(environment)), "error": type(error).__name__},
    )


def _strike_out(environment: Environment, done: set[bytes], refused: Sequence[bytes]) -> int:
    """Replace the file by what is left of it; how many alerts that are."""
    file = journal_file(environment)
    with files.locked(environment):
        left = [line for line in files.read(file) if line not in done]
        if refused:
            files.append(refused_file(environment), refused)
        if done:
            files.replace(file, left)
        return _alerts_in(left)


def _alerts_in(lines: Sequence[bytes]) -> int:
    return sum(not isinstance(_read_or_none(line), DirectTry) for line in lines)


def _lines(environment: Environment) -> list[bytes]:
    if not holds_any(environment):  # and makes no directory where there is none
        return []
    file = journal_file(environment)
    with files.reported(file), files.locked(environment):
        return files.read(file)


def _readable(environment: Environment) -> list[NewAlert | DirectTry]:
    return [value for line in _lines(environment) if (value := _read_or_none(line)) is not None]


def _read_or_none(line: bytes) -> NewAlert | DirectTry | None:
    try:
        return parsed(line)
    except Unreadable:
        return None
