"""The verdict, from the figures alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from precog.domain.spans import span
from precog.domain.verdict import Figures, Paused, Verdict, judge, worst

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 23, 3, 3, tzinfo=UTC)
WELL = Figures(
    now=NOW,
    due=0,
    oldest_due_seconds=0.0,
    last_claim_at=NOW - timedelta(hours=5),
    failed_in_a_day=0,
    unplanned=0,
    oldest_unplanned_seconds=0.0,
    last_beat_at=NOW - timedelta(seconds=4),
    paused=(),
    sms_left_this_hour=5,
    sms_left_this_day=20,
)
SECONDS_AGO = NOW - timedelta(seconds=10)


def test_a_system_without_work_is_well() -> None:
    assert judge(WELL) == ()
    assert worst(()) is Verdict.OK


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ({"due": 3, "oldest_due_seconds": 59.9}, Verdict.OK, ""),
        ({"due": 3, "oldest_due_seconds": 150.0}, Verdict.DOWN, "3 deliveries are due, the oldest for 2 min: nobody"),
        ({"due": 3, "oldest_due_seconds": 150.0, "last_claim_at": None}, Verdict.DOWN, "nobody takes them"),
        ({"due": 3, "oldest_due_seconds": 150.0, "last_claim_at": SECONDS_AGO}, Verdict.DEGRADED, "do not keep up"),
        ({"unplanned": 2, "oldest_unplanned_seconds": 5.0}, Verdict.OK, ""),
        ({"unplanned": 2, "oldest_unplanned_seconds": 60.0}, Verdict.DOWN, "nobody is told of"),
        ({"last_beat_at": NOW - timedelta(seconds=31)}, Verdict.DEGRADED, "no recovery has given a sign for 31 s"),
        ({"last_beat_at": None}, Verdict.DEGRADED, "no recovery has ever run"),
        (
            {"paused": (Paused(channel="sms", seconds=90.0, reason="20003"),)},
            Verdict.DEGRADED,
            "sms is paused for 1 min",
        ),
        ({"failed_in_a_day": 1}, Verdict.DEGRADED, "failed in the last day: 1"),
        ({"sms_left_this_hour": 0, "sms_left_this_day": 15}, Verdict.DEGRADED, "the limit of the hour"),
        ({"sms_left_this_hour": 2, "sms_left_this_day": 0}, Verdict.DEGRADED, "the limit of the day"),
    ],
)
def test_each_figure_has_its_verdict_and_its_reason(changes: dict[str, Any], verdict: Verdict, words: str) -> None:
    reasons = judge(replace(WELL, **changes))
    assert worst(reasons) is verdict
    assert len(reasons) == (verdict is not Verdict.OK)
    assert all(words in each.what and each.mend for each in reasons)


def test_what_is_worst_is_said_first() -> None:
    reasons = judge(replace(WELL, failed_in_a_day=4, last_beat_at=None, due=1, oldest_due_seconds=600.0))
    assert [each.verdict for each in reasons] == [Verdict.DOWN, Verdict.DEGRADED, Verdict.DEGRADED]
    assert worst(reasons) is Verdict.DOWN


def test_a_span_is_in_units_that_are_quickly_read() -> None:
    assert [span(each) for each in (0.4, 59, 150, 7200, 200_000)] == ["0 s", "59 s", "2 min", "2 h", "2 d"]
