"""When to try again, when to give up, and whether an SMS may go: decisions over values, without clock or dice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from precog.domain.alerts import Severity
from precog.domain.deliveries import AttemptOutcome, DeliveryStatus
from precog.errors import ChannelMisconfigured, PermanentFailure, SendFailure, TransientFailure

LONGEST_RETRY_AFTER = 3_600.0
"""Seconds. A provider that asks for more is asked again after an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """What becomes of a delivery whose send failed."""

    status: DeliveryStatus
    outcome: AttemptOutcome
    """For the attempt that just failed."""
    error_code: str
    """For the delivery: the failure's own code, or `attempts_exhausted` or `expired` where that ended it."""
    delay_seconds: float | None = None
    """Until the next try; None where no try follows by itself."""


def backoff(attempt: int, base: float, cap: float, jitter: float) -> float:
    """Seconds to wait after try number `attempt` (from 1): exponential with full jitter, `jitter` in [0, 1)."""
    return jitter * min(cap, base * 2.0 ** min(attempt - 1, 60))


def after_failure(
    failure: SendFailure,
    *,
    attempt: int,
    max_attempts: int,
    age_seconds: float,
    max_age_seconds: float,
    base: float,
    cap: float,
    jitter: float,
    channel_is_sms: bool,
) -> NextStep:
    """The step after try number `attempt` of a delivery that is `age_seconds` old.

    An SMS that may have been sent is looked up at its provider first. Other channels send again: the message carries
    the same identity, so a repeat can be recognised.
    """
    match failure:
        case PermanentFailure():
            return _ended(DeliveryStatus.FAILED, AttemptOutcome.REFUSED, failure.code)
        case ChannelMisconfigured():
            return _ended(DeliveryStatus.HELD, AttemptOutcome.REFUSED, failure.code)
        case TransientFailure():
            outcome, asked = AttemptOutcome.TRANSIENT, failure.retry_after or 0.0
        case _ if channel_is_sms:
            return _ended(DeliveryStatus.UNKNOWN, AttemptOutcome.UNKNOWN, failure.code)
        case _:  # UnknownOutcome; any other failure may have been sent as well
            outcome, asked = AttemptOutcome.UNKNOWN, 0.0
    delay = max(backoff(attempt, base=base, cap=cap, jitter=jitter), min(asked, LONGEST_RETRY_AFTER))
    if attempt >= max_attempts:
        return _ended(DeliveryStatus.FAILED, outcome, "attempts_exhausted")
    if age_seconds + delay > max_age_seconds:
        return _ended(DeliveryStatus.FAILED, outcome, "expired")
    return NextStep(status=DeliveryStatus.PENDING, outcome=outcome, error_code=failure.code, delay_seconds=delay)


RECEIPT_LOOKS = (5.0, 15.0, 30.0, 55.0, 115.0, 235.0, 475.0, 955.0, 1_855.0, 2_755.0)
"""Seconds after its sending at which a provider is asked what became of a message: often while a person waits, once
right before the deadline for a critical one, once right after an SMS's quarter of an hour, and then no more."""
RECEIPT_LOOKS_END = 86_400.0
"""Seconds. What was sent longer ago is not asked about, whatever was missed."""


def receipt_looks(*, called_back: bool) -> tuple[float, ...]:
    """The ages at which to ask. Where the provider calls back, only when it should have done so."""
    return RECEIPT_LOOKS[3:] if called_back else RECEIPT_LOOKS


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsLimits:
    """How many SMS may go in any hour and in any day, all numbers together."""

    per_hour: int
    per_day: int
    reserved_for_critical: int = 0
    """Places of each window that no other severity may take."""

    def left_to(self, severity: Severity) -> "SmsLimits":
        """What an alert of this severity may use."""
        reserved = 0 if severity is Severity.CRITICAL else self.reserved_for_critical
        return SmsLimits(per_hour=max(0, self.per_hour - reserved), per_day=max(0, self.per_day - reserved))


def sms_may_go_at(counted: Sequence[datetime], limits: SmsLimits, *, now: datetime) -> datetime | None:
    """The moment one more SMS may go, or None for at once. `counted`: when each SMS of the last day counts from.

    The windows slide: an SMS counts until exactly an hour, and a day, after it.
    """
    windows = ((limits.per_hour, timedelta(hours=1)), (limits.per_day, timedelta(days=1)))
    frees = [_leaves(sorted(counted, reverse=True), most, window, now) for most, window in windows]
    return max((each for each in frees if each is not None), default=None)


def sms_left(counted: Sequence[datetime], limits: SmsLimits, *, now: datetime) -> tuple[int, int]:
    """How many more SMS may go in this hour, and in this day."""
    hour = sum(moment + timedelta(hours=1) > now for moment in counted)
    day = sum(moment + timedelta(days=1) > now for moment in counted)
    return max(0, limits.per_hour - hour), max(0, limits.per_day - day)


def _leaves(newest_first: Sequence[datetime], most: int, window: timedelta, now: datetime) -> datetime | None:
    """When the window falls below `most`, which it does when the `most`-th newest in it leaves; None if it is below."""
    inside = [moment for moment in newest_first if moment + window > now]
    if len(inside) < most:
        return None
    return (inside[most - 1] if most > 0 else now) + window


def _ended(status: DeliveryStatus, outcome: AttemptOutcome, error_code: str) -> NextStep:
    return NextStep(status=status, outcome=outcome, error_code=error_code)
