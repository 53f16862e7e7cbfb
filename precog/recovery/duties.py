"""The duties of a beat. Each looks at the database, does one thing in short transactions, and says how much it did."""

import logging
import random
from dataclasses import dataclass
from functools import lru_cache

from precog import journal, pacing
from precog.arguments import window_minutes
from precog.channels.registry import KINDS
from precog.courier import Courier
from precog.delivery import delay_before
from precog.domain.alerts import Severity
from precog.errors import PrecogError, UnknownOutcome
from precog.intake import replay_journal
from precog.store import attempts, calls, sms, stand_ins, upkeep
from precog.store.attempts import Abandoned, Ending
from precog.store.pool import default_pool

log = logging.getLogger("precog.recovery")

BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What one beat found to do."""

    planned: int
    taken_over: int
    expired: int
    held: int
    settled: int
    freed: int
    stood_down: int
    stood_in: int
    replayed: int


def heal(courier: Courier) -> Beat:
    """Everything that PostgreSQL alone needs, in the order in which one duty's work becomes the next one's."""
    beat = Beat(
        planned=plan(courier),
        taken_over=take_over(courier),
        expired=upkeep.expire(courier.environment, courier.terms.max_ages, most=BATCH),
        held=upkeep.hold_paused(courier.environment, most=BATCH),
        settled=upkeep.settle_folded(courier.environment, most=BATCH),
        freed=upkeep.free_held(courier.environment, most=BATCH),
        stood_down=upkeep.cancel_needless(courier.environment, most=BATCH),
        stood_in=stand_in(courier),
        replayed=replay(courier),
    )
    count_sms(courier)
    if any((beat.taken_over, beat.expired)):
        log.warning("deliveries were recovered", extra={"taken_over": beat.taken_over, "expired": beat.expired})
    return beat


def plan(courier: Courier) -> int:
    """Decide about the alerts that a caller's own transaction brought, or that came before any route."""
    waiting = calls.unplanned(courier.environment, most=BATCH)
    for each in waiting:
        calls.plan(each, courier.environment, window_minutes=window_minutes(each.alert_type))
    return len(waiting)


def take_over(courier: Courier) -> int:
    """End the tries whose lease is over: their worker died, or hangs and may not finish them any more."""
    with default_pool().transaction() as connection:
        abandoned = attempts.abandoned_in(connection, courier.environment, most=BATCH)
        return sum(attempts.take_over_in(connection, each, _after_death(courier, each)) for each in abandoned)


def _after_death(courier: Courier, abandoned: Abandoned) -> Ending:
    """Nobody knows whether it was sent: as for any answer that was lost."""
    retry = courier.policy.retry[abandoned.severity]
    step = pacing.after_failure(
        UnknownOutcome("the worker died or hung in the middle of the send", code="lease_expired"),
        attempt=abandoned.tries,
        max_attempts=retry.max_attempts,
        age_seconds=abandoned.age_seconds,
        max_age_seconds=retry.max_age_seconds,
        base=courier.policy.backoff.base_seconds,
        cap=courier.policy.backoff.cap_seconds,
        jitter=random.random(),  # noqa: S311 - spreads retries, keeps no secret
        channel_is_sms=abandoned.channel == "sms",
    )
    return Ending(
        status=step.status,
        outcome=step.outcome,
        delay_seconds=delay_before(step, courier.policy.timing),
        error="the worker died or hung in the middle of the send",
        error_code=step.error_code,
        attempt_code="lease_expired",
    )


def stand_in(courier: Courier) -> int:
    """Give each critical or high alert that reaches nobody one delivery over the next channel."""
    retry, deadlines = courier.policy.retry, courier.policy.receipt_deadline_seconds
    added = stand_ins.add(
        courier.environment,
        stand_ins.Rules(
            ways=courier.stand_ins,
            remote_channels=[name for name, kind in KINDS.items() if kind.remote],
            receipt_deadlines=(None, None, deadlines.high, deadlines.critical),
            max_age_seconds=max(retry[severity].max_age_seconds for severity in (Severity.CRITICAL, Severity.HIGH)),
        ),
        most=BATCH,
    )
    for each in added:
        log.warning(
            "an alert goes another way",
            extra={"alert_id": each.alert_id, "channel": each.channel, "instead_of": each.instead_of},
        )
    return len(added)


def count_sms(courier: Courier) -> None:
    """Write PostgreSQL's count of the SMS to Redis, for whoever has to look there alone while PostgreSQL is away."""
    if "sms" in courier.channels:
        courier.limiter.rebuild(sms.use(courier.environment).places)


def replay(courier: Courier) -> int:
    """Store the alerts that waited on this machine for PostgreSQL. A look at a file's size where there are none.

    Never raises: a file of one machine must not keep a beat from what everybody's deliveries need.
    """
    try:
        if not journal.holds_any(courier.environment):
            return 0
        report = replay_journal(courier.environment, most=BATCH)
    except Exception as error:  # noqa: BLE001 - the promise
        _say_once(str(error) if isinstance(error, PrecogError) else type(error).__name__)
        return 0
    if report.problem is not None:
        log.info("the journal is not empty yet", extra={"left": report.left, "problem": report.problem})
    return report.stored


@lru_cache(maxsize=10)
def _say_once(problem: str) -> None:
    """Once a process: a beat later it is the same."""
    log.error("the journal of this machine waits for a person", extra={"problem": problem})
