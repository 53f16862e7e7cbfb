"""After a failure: again, later, never, or first ask the provider."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.domain.deliveries import MOVES, AttemptOutcome, DeliveryStatus
from precog.errors import (
    ChannelMisconfigured,
    PermanentFailure,
    RateLimited,
    SendFailure,
    TransientFailure,
    UnknownOutcome,
)
from precog.pacing import LONGEST_RETRY_AFTER, NextStep, after_failure, backoff

pytestmark = pytest.mark.unit

REFUSED, TRANSIENT, UNKNOWN = AttemptOutcome.REFUSED, AttemptOutcome.TRANSIENT, AttemptOutcome.UNKNOWN
Status = DeliveryStatus

permanent = PermanentFailure("no such mailbox", code="550")
transient = TransientFailure("greylisted", code="451")
limited = RateLimited("slow down", code="429", retry_after=120.0)
unknown = UnknownOutcome("the answer was lost", code="timeout")
misconfigured = ChannelMisconfigured("bad password", code="535")
unnamed = SendFailure("something else", code="other")


def _after(
    failure: SendFailure,
    *,
    attempt: int = 1,
    age: float = 0.0,
    jitter: float = 0.5,
    sms: bool = False,
) -> NextStep:
    return after_failure(
        failure,
        attempt=attempt,
        max_attempts=5,
        age_seconds=age,
        max_age_seconds=21_600.0,
        base=10.0,
        cap=900.0,
        jitter=jitter,
        channel_is_sms=sms,
    )


@pytest.mark.parametrize(
    ("failure", "sms", "status", "outcome", "code", "delay"),
    [
        (permanent, False, Status.FAILED, REFUSED, "550", None),
        (permanent, True, Status.FAILED, REFUSED, "550", None),
        (misconfigured, False, Status.HELD, REFUSED, "535", None),
        (misconfigured, True, Status.HELD, REFUSED, "535", None),
        (transient, False, Status.PENDING, TRANSIENT, "451", 5.0),
        (limited, True, Status.PENDING, TRANSIENT, "429", 120.0),
        (unknown, False, Status.PENDING, UNKNOWN, "timeout", 5.0),
        (unknown, True, Status.UNKNOWN, UNKNOWN, "timeout", None),
        (unnamed, True, Status.UNKNOWN, UNKNOWN, "other", None),
    ],
)
def test_the_failure_says_what_to_do(
    failure: SendFailure,
    sms: bool,
    status: DeliveryStatus,
    outcome: AttemptOutcome,
    code: str,
    delay: float | None,
) -> None:
    assert _after(failure, sms=sms) == NextStep(status=status, outcome=outcome, error_code=code, delay_seconds=delay)


@pytest.mark.parametrize("failure", [transient, limited, unknown])
def test_the_last_attempt_ends_the_delivery(failure: SendFailure) -> None:
    step = _after(failure, attempt=5)
    assert (step.status, step.error_code, step.delay_seconds) == (Status.FAILED, "attempts_exhausted", None)


def test_a_delivery_whose_next_try_would_come_too_late_expires() -> None:
    assert _after(limited, age=21_480.0).status is Status.PENDING
    step = _after(limited, age=21_480.5)
    assert (step.status, step.outcome, step.error_code) == (Status.FAILED, TRANSIENT, "expired")


def test_an_sms_that_may_have_been_sent_is_looked_up_even_after_the_last_attempt() -> None:
    assert _after(unknown, attempt=5, age=1e9, sms=True).status is Status.UNKNOWN


@pytest.mark.parametrize(("asked", "delay"), [(1.0, 5.0), (30.0, 30.0), (86_400.0, 3_600.0), (-5.0, 5.0)])
def test_the_longer_of_retry_after_and_backoff_counts_up_to_an_hour(asked: float, delay: float) -> None:
    assert _after(TransientFailure("busy", code="503", retry_after=asked)).delay_seconds == delay


@given(
    attempt=st.integers(1, 10_000),
    base=st.floats(0.001, 3_600),
    cap=st.floats(0.001, 86_400),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_backoff_stays_between_zero_and_its_cap(attempt: int, base: float, cap: float, jitter: float) -> None:
    assert 0 <= backoff(attempt, base=base, cap=cap, jitter=jitter) <= cap


@given(attempt=st.integers(1, 50), jitter=st.floats(0, 1, exclude_max=True))
def test_backoff_never_shrinks_from_one_attempt_to_the_next(attempt: int, jitter: float) -> None:
    one, two = (backoff(number, base=1.0, cap=900.0, jitter=jitter) for number in (attempt, attempt + 1))
    assert one <= two


_failures = st.sampled_from([permanent, transient, limited, unknown, misconfigured, unnamed]) | st.builds(
    lambda pause: RateLimited("slow down", code="429", retry_after=pause), st.floats(allow_nan=False)
)


@given(
    failure=_failures,
    attempt=st.integers(1, 12),
    max_attempts=st.integers(1, 10),
    age=st.floats(0, 1e6),
    max_age=st.floats(0, 1e6),
    base=st.floats(0.001, 3_600),
    cap=st.floats(0.001, 3_600),
    jitter=st.floats(0, 1, exclude_max=True),
    sms=st.booleans(),
)
def test_every_step_is_a_legal_move_and_every_retry_is_in_time(
    failure: SendFailure,
    attempt: int,
    max_attempts: int,
    age: float,
    max_age: float,
    base: float,
    cap: float,
    jitter: float,
    sms: bool,
) -> None:
    step = after_failure(
        failure,
        attempt=attempt,
        max_attempts=max_attempts,
        age_seconds=age,
        max_age_seconds=max_age,
        base=base,
        cap=cap,
        jitter=jitter,
        channel_is_sms=sms,
    )
    assert step.status in MOVES[Status.SENDING]
    assert (step.delay_seconds is not None) == (step.status is Status.PENDING)
    if step.delay_seconds is not None:
        assert 0 <= step.delay_seconds <= LONGEST_RETRY_AFTER
        assert age + step.delay_seconds <= max_age
        assert attempt < max_attempts
