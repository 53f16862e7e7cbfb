"""Waiting until everything that is due is done, and how much of the waiting is the machine's own."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg2

from tests.chaos.rig import Rig

_UNDONE = """
SELECT (SELECT count(*) FROM alert_deliveries WHERE status IN ('pending', 'sending', 'unknown')
           OR (status = 'held' AND (error_code IS DISTINCT FROM 'over_limit' AND folded_into IS NULL)))
     + (SELECT count(*) FROM alerts WHERE NOT planned)
"""


def undone(rig: Rig) -> int:
    """Deliveries that have not ended, alerts that nobody decided about, lines that wait in the journal."""
    journal = rig.folder / "journal" / "demo.jsonl"
    waiting = len(journal.read_text().splitlines()) if journal.exists() else 0
    return int(rig.sql(_UNDONE)[0][0]) + waiting


def drain(rig: Rig, *, patience: float = 25.0, most: float = 240.0) -> float:
    """Seconds until nothing is left to do, or until for `patience` seconds nothing more got done."""
    began = moved = time.monotonic()
    left = 1 << 62
    while time.monotonic() - moved < patience and time.monotonic() - began < most:
        try:
            now = undone(rig)
        except psycopg2.OperationalError:  # still coming up
            now = left
        if now == 0:
            break
        if now < left:
            left, moved = now, time.monotonic()
        time.sleep(0.25)
    return time.monotonic() - began


@dataclass(slots=True)
class Lateness:
    """How much later than asked for this process was woken."""

    seconds: list[float] = field(default_factory=list)

    @property
    def p99(self) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] if self.seconds else 0.0

    @property
    def of_a_call(self) -> float:
        """What the machine adds to a call: it is a dozen wakings between caller, doors, PostgreSQL and Redis."""
        return 12 * self.p99


@contextmanager
def measured_machine() -> Iterator[Lateness]:
    lateness, over = Lateness(), threading.Event()

    def measure() -> None:
        while not over.is_set():
            began = time.monotonic()
            time.sleep(0.01)
            lateness.seconds.append(time.monotonic() - began - 0.01)

    thread = threading.Thread(target=measure, daemon=True)
    thread.start()
    try:
        yield lateness
    finally:
        over.set()
        thread.join()
