"""Never more SMS in any hour or any day than allowed, and not a minute later than need be."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.domain.alerts import Severity
from precog.pacing import SmsLimits, sms_may_go_at

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMITS = SmsLimits(per_hour=5, per_day=20)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def _ago(*minutes: float) -> list[datetime]:
    return [NOW - timedelta(minutes=each) for each in minutes]


def _fits(counted: list[datetime], at: datetime, limits: SmsLimits) -> bool:
    """Plain counting: whether a window that ends at `at` has room for one more."""
    windows = ((HOUR, limits.per_hour), (DAY, limits.per_day))
    return all(sum(at - window < moment for moment in counted) < most for window, most in windows)


@pytest.mark.parametrize(
    ("counted", "free_in_minutes"),
    [
        ([], None),
        (_ago(1, 2, 3, 4), None),
        (_ago(1, 2, 3, 4, 50), 10),
        (_ago(1, 2, 3, 4, 60), None),
        (_ago(50, 4, 3, 2, 1, 40), 20),
        (_ago(*range(61, 81)), 1440 - 80),
        (_ago(*range(61, 77), 1, 2, 3, 4), 1440 - 76),
    ],
)
def test_the_window_that_frees_last_decides(counted: list[datetime], free_in_minutes: float | None) -> None:
    expected = None if free_in_minutes is None else NOW + timedelta(minutes=free_in_minutes)
    assert sms_may_go_at(counted, LIMITS, now=NOW) == expected


@given(
    counted=st.lists(st.integers(0, 1_500).map(lambda minutes: NOW - timedelta(minutes=minutes)), max_size=30),
    per_hour=st.integers(1, 6),
    per_day=st.integers(1, 12),
)
def test_the_named_moment_is_the_first_that_fits(counted: list[datetime], per_hour: int, per_day: int) -> None:
    limits = SmsLimits(per_hour=per_hour, per_day=per_day)
    free = sms_may_go_at(counted, limits, now=NOW)
    if free is None:
        assert _fits(counted, NOW, limits)
    else:
        assert free > NOW
        assert _fits(counted, free, limits)
        assert not _fits(counted, free - timedelta(seconds=1), limits)


def test_reserved_places_are_for_critical_alone() -> None:
    some = SmsLimits(per_hour=5, per_day=20, reserved_for_critical=2)
    assert some.left_to(Severity.CRITICAL) == SmsLimits(per_hour=5, per_day=20)
    assert some.left_to(Severity.HIGH) == SmsLimits(per_hour=3, per_day=18)
    most = SmsLimits(per_hour=5, per_day=20, reserved_for_critical=9)
    assert most.left_to(Severity.HIGH) == SmsLimits(per_hour=0, per_day=11)


def test_a_limit_of_none_never_lets_one_through() -> None:
    assert sms_may_go_at([], SmsLimits(per_hour=0, per_day=20), now=NOW) == NOW + HOUR
