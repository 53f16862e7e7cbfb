"""Recovery's own children, one a channel: what talks to a provider does so there, under a hard limit.

This process itself opens no connection to a provider: a child would share it, and a hanging one would stop the beat.
"""

import logging
import multiprocessing
import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from multiprocessing.context import ForkProcess
from uuid import UUID

from precog.courier import Courier, as_worker
from precog.domain.deliveries import Doorbell
from precog.errors import StoreError

log = logging.getLogger("precog.recovery")

BATCH = 50
_STOP_WITHIN_SECONDS = 3.0
"""Three times, one after the other: whoever started this process kills it after ten."""

Work = Callable[[Courier, str, UUID], object]
"""`deliver`, `look_up` or `receipts.ask`."""

_fork = multiprocessing.get_context("fork")


class Children:
    """Do one work on many deliveries, with at most one child a channel: a slow mail server never holds up an SMS."""

    def __init__(self, courier: Courier, work: Work) -> None:
        self._courier = courier
        self._work = work
        self._children: dict[str, ForkProcess] = {}

    def busy(self) -> frozenset[str]:
        """The channels whose child is still at work."""
        self._children = {channel: child for channel, child in self._children.items() if child.is_alive()}
        return frozenset(self._children)

    def start(self, doorbells: Sequence[Doorbell]) -> None:
        """Begin with these, channel by channel. A channel that is busy is left for a later beat."""
        by_channel: defaultdict[str, list[UUID]] = defaultdict(list)
        for bell in doorbells:
            by_channel[bell.channel].append(UUID(bell.delivery_id))
        for channel in by_channel.keys() - self.busy():
            arguments = (self._work, self._courier, channel, by_channel[channel])
            child = _fork.Process(target=_do_all, args=arguments, daemon=True)
            child.start()
            self._children[channel] = child

    def stop(self) -> None:
        """Let what runs finish for a moment; what does not is taken over when its lease ends."""
        until = time.monotonic() + _STOP_WITHIN_SECONDS
        for child in self._children.values():
            child.join(max(0.0, until - time.monotonic()))
            if child.is_alive():
                child.terminate()
                child.join()


def _do_all(work: Work, courier: Courier, channel: str, delivery_ids: list[UUID]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # a send that hangs ends this process; its lease does the rest
    mine = as_worker(courier)
    parent = os.getppid()
    for delivery_id in delivery_ids:
        if os.getppid() != parent:
            return
        signal.setitimer(signal.ITIMER_REAL, mine.policy.timing.send_limit_seconds)
        try:
            work(mine, channel, delivery_id)
        except StoreError as error:
            log.warning("PostgreSQL is away; the delivery waits", extra={"error": str(error)})
            return
        except Exception:
            log.exception(
                "a delivery met what nobody foresaw; it waits",
                extra={"channel": channel, "delivery_id": str(delivery_id)},
            )
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
