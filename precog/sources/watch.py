"""The process that looks at the tables: each source on its interval, until it is told to stop."""

import logging
import os
import queue
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from precog.errors import StoreError
from precog.settings.thresholds import Thresholds
from precog.sources.breakers import check_breakers
from precog.sources.checks import own_checks, run_checks
from precog.sources.health import check_health, say_database_is_away
from precog.sources.thresholds import current_thresholds, file_thresholds

log = logging.getLogger("precog.sources")


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    name: str
    interval: Callable[[Thresholds], float]
    """Seconds from one run to the next."""
    run: Callable[[Thresholds], object]


def duties() -> list[Duty]:
    checks = own_checks()

    def health(limits: Thresholds) -> object:
        run_checks(checks, seconds=limits.health.check_timeout_seconds)
        return check_health(thresholds=limits)

    return [
        Duty(
            name="breakers",
            interval=lambda limits: limits.trading.check_interval_seconds,
            run=lambda limits: check_breakers(thresholds=limits),
        ),
        Duty(name="health", interval=lambda limits: limits.health.check_interval_seconds, run=health),
    ]


class Watch:
    """One watching process. One is enough; several do no harm."""

    def __init__(self) -> None:
        self._duties = duties()
        self._due = dict.fromkeys((duty.name for duty in self._duties), 0.0)
        self._limits = file_thresholds()
        self._asked_to_stop: queue.SimpleQueue[int] = queue.SimpleQueue()  # its put is safe in a signal handler
        self._failed_in_a_row = 0

    def stop(self, *_: object) -> None:
        self._asked_to_stop.put(0)

    def run(self) -> None:
        """Until SIGTERM or SIGINT. Nothing that goes wrong in a duty ends it."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        log.info("watch begins", extra={"pid": os.getpid()})
        while not self._told_to_stop_within(self._until_next()):
            self.beat()
        log.info("watch ends", extra={"pid": os.getpid()})

    def beat(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        for duty in self._duties:
            if self._due[duty.name] <= now:
                self._guarded(duty)
                self._due[duty.name] = now + duty.interval(self._limits)

    def _guarded(self, duty: Duty) -> None:
        try:
            self._limits = current_thresholds()
            duty.run(self._limits)
        except StoreError as error:
            self._store_failed(duty, error)
        except Exception:
            log.exception("a source met what it does not know; it is tried again", extra={"source": duty.name})
        else:
            if self._failed_in_a_row:
                log.info("PostgreSQL is back")
            self._failed_in_a_row = 0

    def _store_failed(self, duty: Duty, error: StoreError) -> None:
        """Say it once, when it has failed as often as makes a component bad."""
        self._failed_in_a_row += 1
        if self._failed_in_a_row == 1:
            log.error("watch waits for PostgreSQL", extra={"source": duty.name, "error": str(error)})
        if self._failed_in_a_row == self._limits.health.bad_reports:
            say_database_is_away(error, self._limits.health)

    def _until_next(self) -> float:
        return max(0.0, min(self._due.values()) - time.monotonic())

    def _told_to_stop_within(self, seconds: float) -> bool:
        try:
            self._asked_to_stop.get(timeout=seconds)
        except queue.Empty:
            return False
        return True


def watch_once() -> dict[str, object]:
    """Every source once, now; what each did. Raises StoreError, ConfigError."""
    limits = current_thresholds()
    return {duty.name: duty.run(limits) for duty in duties()}
