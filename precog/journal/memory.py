"""Whom this machine has told without PostgreSQL: which fingerprints, when and how badly, for all its processes."""

import json
from datetime import UTC, datetime
from pathlib import Path

from precog.domain.alerts import Environment, NewAlert
from precog.journal import files

_Told = dict[str, tuple[float, int, int, int]]
"""By fingerprint: when by this machine's clock, the severity's rank, the band, and for how many minutes it holds."""


def first(alert: NewAlert) -> bool:
    """Whether people are to be told of this alert now; who asks has said that they will be.

    False within the window of an equal alert that was no milder: the rule of PostgreSQL, as far as one machine knows
    it. Raises JournalError.
    """
    with files.reported(_file(alert.environment)), files.locked(alert.environment, "told.lock"):
        told = _read(alert.environment)
        before = told.get(alert.fingerprint)
        if before is not None and (alert.severity.rank, alert.band) <= before[1:3]:
            return False
        now = datetime.now(UTC).timestamp()
        told[alert.fingerprint] = (now, alert.severity.rank, alert.band, alert.window_minutes)
        _write(alert.environment, told)
        return True


def forget(alert: NewAlert) -> None:
    """Nobody could be told: the next equal alert tries again. Raises JournalError."""
    with files.reported(_file(alert.environment)), files.locked(alert.environment, "told.lock"):
        told = _read(alert.environment)
        told.pop(alert.fingerprint, None)
        _write(alert.environment, told)


def _file(environment: Environment) -> Path:
    return files.place(environment, "told.json")


def _read(environment: Environment) -> _Told:
    """What still holds. A file that nobody can read says nothing: people are rather told twice."""
    now = datetime.now(UTC).timestamp()
    try:
        entries = json.loads(b"".join(files.read(_file(environment))) or b"{}")
        told = {
            fingerprint: (float(at), int(rank), int(band), int(minutes))
            for fingerprint, (at, rank, band, minutes) in entries.items()
        }
    except (ValueError, TypeError, AttributeError):
        return {}
    return {fingerprint: each for fingerprint, each in told.items() if now - 60 * each[3] < each[0] <= now}


def _write(environment: Environment, told: _Told) -> None:
    files.replace(_file(environment), [json.dumps(told).encode()])
