"""The recovery process: a beat every second, sooner when PostgreSQL calls, until it is told to stop."""

import logging
import os
import random
import select
import signal
import time
from collections.abc import Callable

import psycopg2

from precog import pacing, queue, receipts
from precog.courier import Courier
from precog.delivery import deliver, look_up
from precog.errors import StoreError
from precog.recovery import duties
from precog.recovery.direct import BATCH, Children
from precog.recovery.heartbeat import Heartbeat
from precog.settings import process
from precog.settings.model import HealthSettings
from precog.store import counts, upkeep
from precog.store.connection import Connection, connect

log = logging.getLogger("precog.recovery")

BEAT_SECONDS = 1.0
COUNT_SECONDS = 600.0
FULL_QUEUE = 500
"""A queue that holds so many is not rung: the messages wait for workers, not the workers for messages."""


class Recovery:
    """One recovery process. `parent` is the worker that started it: when that dies, this ends."""

    def __init__(
        self,
        courier: Courier,
        *,
        parent: int | None = None,
        health: HealthSettings = HealthSettings(),  # noqa: B008 - frozen
    ) -> None:
        self._courier = courier
        self._heartbeat = Heartbeat(health, courier.environment, courier.sms_limits)
        self._sends = Children(courier, deliver)
        self._look_ups = Children(courier, look_up)
        self._receipts = Children(courier, receipts.ask)
        self._parent = parent
        self._stopping = False
        self._ears: Connection | None = None
        self._database_away = False
        self._counts_at = 0.0

    def stop(self, *_: object) -> None:
        self._stopping = True

    def run(self) -> None:
        """Beat until SIGTERM, SIGINT or the parent's death. Nothing that goes wrong in a beat ends it."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        log.info("recovery begins", extra={"environment": self._courier.environment, "pid": os.getpid()})
        while not self._stopping and not self._orphaned():
            self._guarded(self.beat)
            self._guarded(self._listen)
        self.close()
        log.info("recovery ends", extra={"pid": os.getpid()})

    def close(self) -> None:
        """Let what runs here finish for a moment."""
        self._sends.stop()
        self._look_ups.stop()
        self._receipts.stop()
        self._heartbeat.stop()

    def beat(self) -> None:
        """Heal, then see to it that somebody works on what is due, also where a part of the healing fails."""
        try:
            duties.heal(self._courier)
        finally:
            self._hand_out()
        self._heartbeat.beat()
        self._count()
        if self._database_away:
            self._database_away = False
            log.info("PostgreSQL is back")

    def _count(self) -> None:
        """Count the hours that are over: now and then, since a question about them reads the rest from the alerts."""
        if time.monotonic() >= self._counts_at:
            self._counts_at = time.monotonic() + COUNT_SECONDS
            counts.roll_up(self._courier.environment)

    def _hand_out(self) -> None:
        """What is due to a worker, or without a broker to children of ours; lost messages to their providers."""
        self._ask_providers()
        full = _full_queues()
        passing_by = self._sends.busy() | self._not_here() if full is None else full
        doorbells = upkeep.due(
            self._courier.environment,
            not_channels=passing_by,
            again_after_seconds=self._courier.policy.timing.ring_again_seconds,
            most=BATCH if full is None else duties.BATCH,
        )
        if doorbells and (full is None or not queue.ring(doorbells)):
            self._sends.start([bell for bell in doorbells if bell.channel not in self._not_here()])

    def _ask_providers(self) -> None:
        """Look up the messages whose answers were lost, and ask what became of those that were accepted."""
        environment, again_after_seconds = self._courier.environment, self._courier.policy.timing.look_up_seconds
        self._look_ups.start(upkeep.unknown(environment, again_after_seconds=again_after_seconds, most=BATCH))
        self._receipts.start(
            upkeep.awaiting_receipts(
                environment,
                ages=self._courier.receipt_looks,
                max_age_seconds=pacing.RECEIPT_LOOKS_END,
                not_channels=self._receipts.busy() | self._not_here(),
                most=BATCH,
            )
        )

    def _not_here(self) -> frozenset[str]:
        """Channels this process has no settings for: a worker elsewhere may."""
        return frozenset(queue.CHANNELS) - self._courier.channels.keys()

    def _guarded(self, duty: Callable[[], None]) -> None:
        try:
            duty()
        except StoreError as error:
            self._ears = None
            if not self._database_away:
                log.error("recovery waits for PostgreSQL", extra={"error": str(error)})
            self._database_away = True
            self._sleep()
        except Exception:
            log.exception("recovery met what it does not know; it is tried again at the next beat")
            self._sleep()

    def _listen(self) -> None:
        """Sleep until the next beat, or until a caller's transaction commits an alert."""
        ears = self._ears
        if ears is None:
            ears = self._ears = connect(process.database_url(), application="precog-recovery")
            with ears.cursor() as cursor:
                cursor.execute("LISTEN precog_unplanned")
        ready, _, _ = select.select([ears], [], [], _jittered(BEAT_SECONDS))
        if ready:
            try:
                ears.poll()
            except psycopg2.Error as error:
                self._ears = None
                log.warning("recovery's listening connection broke", extra={"error": type(error).__name__})
            else:
                ears.notifies.clear()

    def _sleep(self) -> None:
        select.select([], [], [], _jittered(BEAT_SECONDS))

    def _orphaned(self) -> bool:
        return self._parent is not None and os.getppid() != self._parent


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311 - several recoveries should not beat in step


def _full_queues() -> frozenset[str] | None:
    """The channels whose queue needs no more messages; None when the broker cannot be asked."""
    waiting = queue.waiting()
    return None if waiting is None else frozenset(name for name, count in waiting.items() if count >= FULL_QUEUE)
