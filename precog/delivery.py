"""One delivery: claimed, sent, and written down. What a worker does with an id, and nothing else."""

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from precog import pacing
from precog.channels.base import Channel
from precog.courier import Courier
from precog.domain.deliveries import AttemptOutcome, DeliveryStatus, Message, Receipt
from precog.domain.redact import short_reason
from precog.errors import ChannelMisconfigured, SendFailure, StoreError, TransientFailure, UnknownOutcome
from precog.pauses import pause
from precog.settings.delivery import Timing
from precog.store import attempts, deliveries, sms
from precog.store.attempts import Claim, Ending
from precog.store.pool import default_pool

log = logging.getLogger("precog.delivery")

_WRITE_FOR_SECONDS = 15.0
_LINGER_SECONDS = 0.02
"""For so long whoever has just sent waits for the next: under load it comes sooner, and other channels hardly wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try that was made: what was sent, how it ended, and the failure if it was one."""

    message: Message
    ending: Ending
    failure: SendFailure | None = None


Following = Callable[[float], UUID | None]
"""Names the delivery that comes next, waiting for one for at most so many seconds; None where none comes."""


def by_itself(_: float) -> None:
    """Nothing follows a delivery that is made by itself, as inside a caller's time."""


def deliver(courier: Courier, channel: str, delivery_id: UUID, *, then: Following = by_itself) -> Attempt | None:
    """Make one try at a due delivery. None when there is nothing to do here: gone, taken, held, not due, channel off.

    As long as tries are accepted, it goes on with what `then` names; the last try is returned. SMS are made one by one,
    since their limit decides about each.

    Raises StoreError when PostgreSQL cannot be asked before the send; after it, the outcome is written for as long as
    that may take within the lease.
    """
    sender = courier.channels.get(channel)
    if sender is None:
        log.warning("the channel is off here and its delivery waits", extra=_ids(channel, delivery_id))
        return None
    if channel == "sms":
        then = by_itself
    attempt, claim = None, _claim_first(courier, channel, delivery_id, then)
    while claim is not None:
        attempt = _send(courier, sender, claim)
        claim = _conclude(courier, claim, attempt, then)
    return attempt


def _claim_first(courier: Courier, channel: str, named: UUID | None, then: Following) -> Claim | None:
    """The first that is due of `named` and what follows it."""
    while named is not None:
        claim = _claim_sms(courier, named) if channel == "sms" else attempts.claim(named, channel, courier.terms)
        if claim is not None:
            return claim
        _say_nothing_was_due(channel, named)
        named = then(_LINGER_SECONDS)
    return None


def _conclude(courier: Courier, claim: Claim, attempt: Attempt, then: Following) -> Claim | None:
    """Write down how a try ended, and claim what comes next; nothing after a failure, since the next would fail too."""
    channel = attempt.message.channel
    following = _next(then) if attempt.failure is None else None
    standing, claimed = _write_down(courier, attempt, following)
    _give_back(courier, attempt)
    _say(attempt, standing, time.monotonic() - claim.asked_at)
    if isinstance(attempt.failure, ChannelMisconfigured) and courier.pauses:
        pause(courier.environment, channel, attempt.failure)
    if claimed is not None or attempt.failure is not None:
        return claimed
    if following is not None:
        _say_nothing_was_due(channel, following)
    return _claim_first(courier, channel, then(_LINGER_SECONDS), then)


def _next(then: Following) -> UUID | None:
    """What is there already: an outcome waits for nobody, and must not be lost with whatever breaks here."""
    try:
        return then(0.0)
    except Exception:  # the outcome of this try is still to be written
        log.exception("the next message was not taken")
        return None


def _claim_sms(courier: Courier, delivery_id: UUID) -> Claim | None:
    """Redis looks first; PostgreSQL decides, under a lock where the SMS may go. Over a limit the delivery is held."""
    due = sms.due(delivery_id, courier.environment)
    if due is None:
        return None
    limits = courier.sms_limits.left_to(due.severity)
    looked = courier.limiter.look(f"{delivery_id}:{due.next_attempt}", limits)
    # A "no" of Redis is confirmed without the lock: in a storm the many that are held do not queue for it.
    alone = courier.limiter.alone() if looked is not None else {}
    claim, use = _decide_sms(courier, delivery_id, limits, alone, locked=looked is not False)
    if claim is None and looked is False and pacing.sms_may_go_at(use.counted, limits, now=use.now) is None:
        claim, use = _decide_sms(courier, delivery_id, limits, alone, locked=True)
    if looked is (claim is None):
        courier.limiter.rebuild(use.places)
    return claim


def _decide_sms(
    courier: Courier, delivery_id: UUID, limits: pacing.SmsLimits, alone: Mapping[str, datetime], *, locked: bool
) -> tuple[Claim | None, sms.SmsUse]:
    """The limit, the claim and its attempt in one transaction. Without the lock nothing is claimed, only held.

    `alone`: attempts made without PostgreSQL, which count also while they still lie in some machine's journal.
    While tries run that may yet be refused, it is held no longer than until the last of them has surely ended.
    """
    with default_pool().transaction() as connection:
        use = sms.use_in(connection, courier.environment, locked=locked).beside(alone)
        frees_at = pacing.sms_may_go_at(use.counted, limits, now=use.now)
        if frees_at is None:
            claim = attempts.claim_in(connection, delivery_id, "sms", courier.terms) if locked else None
            return claim, use
        until = min(frees_at, use.now + timedelta(seconds=courier.terms.lease_seconds)) if use.running else frees_at
        reason = f"over the limit of {limits.per_hour} SMS an hour and {limits.per_day} a day until {until:%H:%M} UTC"
        sms.hold_in(connection, delivery_id, until=until, reason=reason)
    log.warning("an SMS is held: the limit is reached", extra={**_ids("sms", delivery_id), "until": until})
    return None, use


def _send(courier: Courier, sender: Channel, claim: Claim) -> Attempt:
    message = claim.message
    try:
        if time.monotonic() - claim.asked_at > courier.policy.timing.latest_start_seconds:
            raise TransientFailure("the worker slept between its claim and the send", code="late_start")  # noqa: TRY301
        receipt = sender.send(message)
    except SendFailure as failure:
        return Attempt(message=message, ending=_after(courier, claim, failure), failure=failure)
    except Exception as error:
        log.exception(
            "a channel broke; the message may have been sent", extra=_ids(message.channel, message.delivery_id)
        )
        broke = UnknownOutcome(short_reason(f"{type(error).__name__}: {error}"), code="channel_broke")
        return Attempt(message=message, ending=_after(courier, claim, broke), failure=broke)
    return Attempt(message=message, ending=_accepted(receipt))


def _accepted(receipt: Receipt) -> Ending:
    return Ending(status=DeliveryStatus.SENT, outcome=AttemptOutcome.ACCEPTED, receipt=receipt)


def _after(courier: Courier, claim: Claim, failure: SendFailure) -> Ending:
    """What follows a failed try, by the policy for its severity."""
    retry = courier.policy.retry[claim.message.severity]
    step = pacing.after_failure(
        failure,
        attempt=claim.tries,
        max_attempts=retry.max_attempts,
        age_seconds=claim.age_seconds,
        max_age_seconds=retry.max_age_seconds,
        base=courier.policy.backoff.base_seconds,
        cap=courier.policy.backoff.cap_seconds,
        jitter=random.random(),  # noqa: S311 - spreads retries, keeps no secret
        channel_is_sms=claim.message.channel == "sms",
    )
    return Ending(
        status=step.status,
        outcome=step.outcome,
        delay_seconds=delay_before(step, courier.policy.timing),
        error=short_reason(failure.reason),
        error_code="paused" if step.status is DeliveryStatus.HELD else step.error_code,
        attempt_code=failure.code,
    )


def delay_before(step: pacing.NextStep, timing: Timing) -> float | None:
    """Seconds until somebody looks at the delivery again; None where nobody does."""
    return timing.look_up_seconds if step.status is DeliveryStatus.UNKNOWN else step.delay_seconds


def _write_down(
    courier: Courier, attempt: Attempt, following: UUID | None = None
) -> tuple[DeliveryStatus | None, Claim | None]:
    """The outcome, and with it the claim of the `following`, both in one transaction.

    The outcome alone is tried again while PostgreSQL is away: what is not written down is sent a second time.
    """
    message, ending = attempt.message, attempt.ending
    if following is not None:
        try:
            return attempts.finish_and_claim(message, ending, following, courier.terms)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the next one must not cost this one its outcome
            log.warning(
                "the next delivery was not claimed; recovery rings again",
                extra=_ids(message.channel, following) | {"error": short_reason(f"{type(error).__name__}: {error}")},
            )
    until = time.monotonic() + _WRITE_FOR_SECONDS
    while True:
        try:
            return attempts.finish(message, ending), None
        except StoreError:
            if time.monotonic() > until:
                log.exception(
                    "the outcome of a try is not written down; recovery takes the delivery over when its lease ends",
                    extra=_ids(message.channel, message.delivery_id) | {"outcome": ending.outcome},
                )
                raise
            time.sleep(0.5)


def _give_back(courier: Courier, attempt: Attempt) -> None:
    """An SMS that surely did not go frees its place in the limit."""
    if attempt.message.channel == "sms" and attempt.ending.outcome in {
        AttemptOutcome.REFUSED,
        AttemptOutcome.TRANSIENT,
    }:
        courier.limiter.give_back(f"{attempt.message.delivery_id}:{attempt.message.attempt}")


def _say(attempt: Attempt, standing: DeliveryStatus | None, seconds: float) -> None:
    """One line an attempt, with its ids and without its content. All plain, which the log need not look through."""
    message, ending = attempt.message, attempt.ending
    level = logging.INFO if ending.outcome is AttemptOutcome.ACCEPTED else logging.WARNING
    log.log(
        level if standing else logging.ERROR,
        "attempt finished" if standing else "attempt finished after its lease: another try took the delivery over",
        extra={
            **_ids(message.channel, message.delivery_id),
            "alert_id": message.alert_id,
            "attempt": message.attempt,
            "severity": message.severity.value,
            "outcome": ending.outcome.value,
            "status": standing and standing.value,
            "error_code": ending.attempt_code,
            "error": ending.error,
            "retry_in_seconds": ending.delay_seconds,
            "seconds": round(seconds, 3),
        },
    )


def look_up(courier: Courier, channel: str, delivery_id: UUID) -> Attempt | None:
    """Ask the provider what became of a message whose answer was lost; send it again once if it knows nothing of it.

    None when its outcome is known by now or the provider cannot be asked yet.
    """
    lost = attempts.unanswered(delivery_id, courier.environment)
    sender = courier.channels.get(channel)
    find = getattr(sender, "find", None)
    if lost is None or find is None:
        return None
    try:
        known = lost.provider_message_id
        receipt = Receipt(provider_message_id=known) if known else find(lost.message)
    except SendFailure as failure:
        log.warning("the provider cannot be asked", extra=_ids(channel, delivery_id) | {"error_code": failure.code})
        return None
    attempt = Attempt(message=lost.message, ending=_accepted(receipt) if receipt else _never_taken(lost))
    standing, _ = _write_down(courier, attempt)
    _say(attempt, standing, 0.0)
    return attempt


def _never_taken(lost: attempts.Unanswered) -> Ending:
    """The provider knows nothing of it. It is sent once more; the limit counts both."""
    again = lost.tries < 2
    return Ending(
        status=DeliveryStatus.PENDING if again else DeliveryStatus.FAILED,
        outcome=AttemptOutcome.UNKNOWN,
        delay_seconds=0.0 if again else None,
        error="the provider's answer was lost and it does not list the message",
        error_code="not_listed",
        attempt_code="not_listed",
    )


def _say_nothing_was_due(channel: str, delivery_id: UUID) -> None:
    """Another worker was first, or it is held, done or not due: that is daily. An id that nobody made is not."""
    if deliveries.exists(delivery_id):
        log.debug("nothing to deliver", extra=_ids(channel, delivery_id))
    else:
        log.warning("a message named a delivery that does not exist and was dropped", extra=_ids(channel, delivery_id))


def _ids(channel: str, delivery_id: UUID) -> dict[str, object]:
    return {"channel": channel, "delivery_id": str(delivery_id)}
