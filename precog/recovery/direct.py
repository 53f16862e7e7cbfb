"""Delivering without the broker: recovery's own children, one a channel, each send under a hard limit."""

import logging
import multiprocessing
import os
import signal
from collections import defaultdict
from collections.abc import Sequence
from multiprocessing.context import ForkProcess
from uuid import UUID

from precog.delivery import Courier, as_worker, deliver
from precog.domain.deliveries import Doorbell
from precog.errors import StoreError
from precog.queue import SEND_LIMIT_SECONDS

log = logging.getLogger("precog.recovery")

BATCH = 50

_fork = multiprocessing.get_context("fork")


class DirectDelivery:
    """At most one child a channel, so that a slow mail server never holds up an SMS."""

    def __init__(self, courier: Courier) -> None:
        self._courier = courier
        self._children: dict[str, ForkProcess] = {}

    def busy(self) -> frozenset[str]:
        """The channels whose child is still at work."""
        self._children = {channel: child for channel, child in self._children.items() if child.is_alive()}
        return frozenset(self._children)

    def start(self, doorbells: Sequence[Doorbell]) -> None:
        """Begin to deliver these, channel by channel. A channel that is busy is left for a later beat."""
        by_channel: defaultdict[str, list[UUID]] = defaultdict(list)
        for bell in doorbells:
            by_channel[bell.channel].append(bell.delivery_id)
        for channel in by_channel.keys() - self.busy():
            child = _fork.Process(target=_deliver_all, args=(self._courier, channel, by_channel[channel]), daemon=True)
            child.start()
            self._children[channel] = child

    def stop(self) -> None:
        """Let running sends finish for a moment; what does not is taken over when its lease ends."""
        for child in self._children.values():
            child.join(timeout=5)
            if child.is_alive():
                child.terminate()
                child.join()


def _deliver_all(courier: Courier, channel: str, delivery_ids: list[UUID]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # a send that hangs ends this process; its lease does the rest
    mine = as_worker(courier)
    parent = os.getppid()
    for delivery_id in delivery_ids:
        if os.getppid() != parent:
            return
        signal.setitimer(signal.ITIMER_REAL, SEND_LIMIT_SECONDS)
        try:
            deliver(mine, channel, delivery_id)
        except StoreError as error:
            log.warning("PostgreSQL is away; the delivery waits", extra={"error": str(error)})
            return
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
