"""How many more SMS may go now."""

from datetime import UTC, datetime, timedelta

import pytest

from precog.pacing import SmsLimits, sms_left

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 23, 3, 3, tzinfo=UTC)
LIMITS = SmsLimits(per_hour=5, per_day=20)


@pytest.mark.parametrize(
    ("minutes_ago", "left"),
    [
        ([], (5, 20)),
        ([0, 59, 60, 61], (3, 16)),
        ([24 * 60], (5, 20)),
        ([1] * 7, (0, 13)),
        ([120] * 25, (5, 0)),
    ],
)
def test_both_windows_are_counted_and_neither_falls_below_none(minutes_ago: list[int], left: tuple[int, int]) -> None:
    assert sms_left([NOW - timedelta(minutes=each) for each in minutes_ago], LIMITS, now=NOW) == left
