"""One task a channel. Each is given an id and makes one call; when to try again stands in the row, not here."""

import logging
import time
from functools import lru_cache
from uuid import UUID

from celery import Task

from precog.courier import Courier, open_courier
from precog.delivery import Following, by_itself, deliver
from precog.errors import StoreError
from precog.queue import CHANNELS, take, task_name
from workers.app import app
from workers.lifecycle import settings

log = logging.getLogger("workers")


@lru_cache
def courier() -> Courier:
    """This process's channels, opened when the first delivery comes: after the fork."""
    return open_courier(settings())


def deliver_rung(channel: str, delivery_id: str, *, then: Following) -> None:
    """Deliver what a message names, and what `then` does. A message that names nothing is dropped; a row that stays due
    is rung again."""
    try:
        named = UUID(delivery_id)
    except (ValueError, TypeError, AttributeError):
        log.warning("a message without a delivery id was dropped", extra={"channel": channel})
        return
    try:
        deliver(courier(), channel, named, then=then)
    except StoreError as error:
        log.error("PostgreSQL is away; recovery rings again", extra={"channel": channel, "error": str(error)})


def _task_for(channel: str) -> Task[[str], None]:
    def run(self: Task[[str], None], delivery_id: str) -> None:
        deliver_rung(channel, delivery_id, then=by_itself if self.request.is_eager else _round(channel))

    run.__doc__ = f"Deliver what is due by {channel}."
    task: Task[[str], None] = app.task(name=task_name(channel), bind=True)(run)
    return task


def _round(channel: str) -> Following:
    """What further messages of the channel's queue name, for a while: a message costs a worker's parent process more
    than a child needs to take it itself."""
    until = time.monotonic() + courier().policy.timing.round_seconds
    return lambda seconds: take(channel, wait_seconds=seconds) if time.monotonic() < until else None


TASKS = {channel: _task_for(channel) for channel in CHANNELS}
