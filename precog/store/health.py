"""What PostgreSQL knows of the health of an environment, and the signs of life of its recoveries."""

from precog.domain.alerts import Environment
from precog.domain.verdict import Figures, Paused
from precog.pacing import SmsLimits, sms_left
from precog.store import sms
from precog.store.connection import Connection
from precog.store.pool import default_pool, run

_SECONDS = 3.0
"""A server that hangs is not well: no need to wait for more of it."""


def figures(environment: Environment, sms_limits: SmsLimits) -> Figures:
    """Raises StoreError, after three seconds at most."""
    return default_pool().safely(lambda connection: _figures(connection, environment, sms_limits), within=_SECONDS)


def _figures(connection: Connection, environment: Environment, sms_limits: SmsLimits) -> Figures:
    counted = connection.run("standing.figures", environment=environment)[0]
    paused = connection.run("channels.paused", environment=environment)
    use = sms.use_in(connection, environment, locked=False)
    hour, day = sms_left(use.counted, sms_limits, now=use.now)
    return Figures(
        **counted,
        paused=tuple(
            Paused(
                channel=each["channel"],
                seconds=max(0.0, (counted["now"] - each["paused_at"]).total_seconds()),
                reason=each["reason"],
            )
            for each in paused
        ),
        sms_left_this_hour=hour,
        sms_left_this_day=day,
    )


def beat(environment: Environment, worker: str) -> None:
    """That a recovery of this environment lives."""
    run("standing.beat", environment=environment, worker=worker)


def take_ping(environment: Environment, *, interval_seconds: float) -> bool:
    """Whether it is for the caller to tell the outside now: one does in each interval, however many ask."""
    return bool(run("standing.take_ping", environment=environment, interval_seconds=interval_seconds))
