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
from precog.sources.models import check_models
from precog.sources.positions import check_positions
from precog.sources.profit_and_loss import check_profit_and_loss
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
        Duty(
            name="gains and losses",
            interval=lambda limits: limits.trading.check_interval_seconds,
            run=lambda limits: check_profit_and_loss(thresholds=limits),
        ),
        Duty(
            name="positions",
            interval=lambda limits: limits.trading.check_interval_seconds,
            run=lambda limits: check_positions(thresholds=limits),
        ),
        Duty(name="health", interval=lambda limits: limits.health.check_interval_seconds, run=health),
        Duty(
            name="models",
            interval=lambda limits: limits.probability_models.degradation.check_interval_seconds,
            run=lambda limits: check_models(thresholds=limits),
        ),
    ]


class Watch:
    """One watching process. One is enough; several do no harm."""

    def __init__(self) -> None:
        self._duties = duties()
        self._due = dict.fromkeys((duty.name for duty in self._duties), 0.0)
        self._limits = file_thresholds()
        self._asked_to_stop: queue.SimpleQueue[int] = queue.SimpleQueue()  # its put is safe in a signal handler
        self._beats_without_store = 0

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
        away: StoreError | None = None
        for duty in self._duties:
            if self._due[duty.name] <= now:
                away = self._guarded(duty) or away
                self._due[duty.name] = now + duty.interval(self._limits)
        self._note(away)

    def _guarded(self, duty: Duty) -> StoreError | None:
        """What the database said, where it did not do its part."""
        try:
            self._limits = current_thresholds()
            duty.run(self._limits)
        except StoreError as error:
            return error
        except Exception:
            log.exception("a source met what it does not know; it is tried again", extra={"source": duty.name})
        return None

    def _note(self, away: StoreError | None) -> None:
        """Say that PostgreSQL is away, and raise it when that lasts; and that it is back."""
        if away is None:
            if self._beats_without_store:
                log.info("PostgreSQL is back")
            self._beats_without_store = 0
            return
        self._beats_without_store += 1
        if self._beats_without_store == 1:
            log.error("watch waits for PostgreSQL", extra={"error": str(away)})
        if self._beats_without_store == self._limits.health.bad_reports:
            say_database_is_away(away, self._limits.health)

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
