"""`python -m tests.chaos.producer NAME JOURNAL RATE [COUNT]`: a trading program that remembers each of its calls.

JOURNAL gets a line, fsynced, for each id that a call returned and each error it raised, with the time it took: what
this program was told, whatever the database says afterwards.
"""

import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

import precog
from precog.errors import PrecogError, StoreError

_MIX = "low=45,medium=31,high=23,critical=1"
"""Of a hundred alerts; PRODUCER_MIX may say otherwise."""


class Calls:
    """One line a call."""

    def __init__(self, journal: Path) -> None:
        self._file = journal.open("a")

    def log(self, component: str, severity: str, **more: Any) -> None:
        """One call of `log_alert()`, and what became of it."""
        told: dict[str, Any] = {"component": component, "severity": severity, "began": time.monotonic()}
        try:
            told["alert_id"] = precog.log_alert("api_failures", severity, component, "boom", **more)
        except Exception as error:  # noqa: BLE001 - whatever it is, it was told to a caller
            told |= {"error": type(error).__name__, "says": str(error), "ours": isinstance(error, PrecogError)}
            if isinstance(error, StoreError):
                told |= {"alert_uuid": error.alert_uuid, "journaled": error.journaled}
        told["seconds"] = time.monotonic() - told["began"]
        self._file.write(json.dumps(told) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def main() -> None:
    name, journal, rate = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    count = int(sys.argv[4]) if len(sys.argv) > 4 else None
    calls = Calls(journal)
    parts = (part.split("=") for part in os.environ.get("PRODUCER_MIX", _MIX).split(","))
    mix = {severity: int(share) for severity, share in parts}
    dice = random.Random(f"{name}-{os.getpid()}")
    next_at = time.monotonic()
    number = 0
    while count is None or number < count:
        number += 1
        calls.log(f"{name}-{os.getpid()}-{number}", dice.choices([*mix], [*mix.values()])[0])
        next_at = max(next_at + 1 / rate, time.monotonic() - 2)  # what a fault held up is made up for, but not for long
        time.sleep(max(0.0, next_at - time.monotonic()))


if __name__ == "__main__":
    main()
