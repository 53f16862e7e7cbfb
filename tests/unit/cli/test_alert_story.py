"""What the page of an alert says, read off its rows."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from precog.cli.alert_state import silence, standing, state, state_in_words, timeline
from precog.domain.deliveries import DeliveryStatus
from precog.domain.records import AlertRecord, AttemptRecord, DeliveryRecord

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def _after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def _alert(**changes: Any) -> AlertRecord:
    fields = dict.fromkeys(AlertRecord.__annotations__) | {
        "alert_id": 12,
        "severity": "high",
        "triggered_at": NOW,
        "planned": True,
        "notify": True,
        "suppressed": False,
        "duplicates": 0,
    }
    return cast(AlertRecord, fields | changes)


def _delivery(**changes: Any) -> DeliveryRecord:
    fields = dict.fromkeys(DeliveryRecord.__annotations__) | {
        "delivery_id": "d1",
        "channel": "email",
        "recipient": "ann@example.com",
        "status": "pending",
        "attempts": 0,
        "next_attempt_at": NOW,
        "created_at": NOW,
    }
    return cast(DeliveryRecord, fields | changes)


def _attempt(**changes: Any) -> AttemptRecord:
    fields = dict.fromkeys(AttemptRecord.__annotations__) | {
        "delivery_id": "d1",
        "attempt": 1,
        "channel": "email",
        "started_at": _after(1),
        "worker": "host:7",
    }
    return cast(AttemptRecord, fields | changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "open"),
        ({"duplicates": 3}, "open +3"),
        ({"acknowledged_at": NOW, "acknowledged_by": "ann"}, "acknowledged by ann"),
        ({"suppressed": True, "duplicate_of": 7}, "open, duplicate of 7"),
        (
            {"acknowledged_at": NOW, "resolved_at": NOW, "resolution_action": "fixed", "resolved_by": "bob"},
            "fixed by bob",
        ),
    ],
)
def test_the_state_says_who_has_the_alert_and_what_it_stands_for(changes: dict[str, Any], words: str) -> None:
    assert state(_alert(**changes)) == words


@pytest.mark.parametrize(
    ("duplicates", "words"), [(0, "open"), (1, "open, with 1 duplicate"), (3, "open, with 3 duplicates")]
)
def test_of_one_alert_the_duplicates_are_counted_in_words(duplicates: int, words: str) -> None:
    assert state_in_words(_alert(duplicates=duplicates)) == words


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"suppressed": True, "duplicate_of": 7, "notify": False}, "it equals alert 7"),
        ({"planned": False, "notify": False}, "`precog config apply`"),
        ({"notify": False}, "no route led from high"),
        ({"notify": True}, "resolved before"),
    ],
)
def test_silence_has_its_reason(changes: dict[str, Any], reason: str) -> None:
    assert reason in (silence(_alert(**changes), []) or "")


def test_an_alert_with_a_delivery_was_not_silent() -> None:
    assert silence(_alert(notify=False), [_delivery()]) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "next try now"),
        ({"next_attempt_at": _after(180), "last_error": "451 greylisted"}, "next try in 3 min; 451 greylisted"),
        ({"status": "unknown", "next_attempt_at": _after(20)}, "the answer was lost; asked again in 20 s"),
        (
            {"status": "held", "next_attempt_at": _after(600), "error_code": "over_limit", "last_error": "5 an hour"},
            "until 2026-11-23 03:10:00 UTC (in 10 min): 5 an hour",
        ),
        (
            {"status": "held", "error_code": "paused", "last_error": "535"},
            "email is paused: 535; mend it, then `precog channels resume email`",
        ),
        ({"status": "held", "folded_into": "d0"}, "goes out as part of a digest"),
        ({"status": "sent", "receipt": "delivered", "provider_message_id": "SM1"}, "delivered; SM1"),
        (
            {"status": "sent", "receipt": "undelivered", "receipt_code": "30003", "receipt_error": "the phone is off"},
            "undelivered, 30003: the phone is off",
        ),
        ({"status": "failed", "error_code": "550", "last_error": "no such user"}, "550: no such user"),
    ],
)
def test_a_delivery_says_what_it_waits_for_or_how_it_ended(changes: dict[str, Any], words: str) -> None:
    assert standing(_delivery(**changes), NOW) == words


def test_every_status_has_words() -> None:
    for each in DeliveryStatus:
        assert isinstance(standing(_delivery(status=each, error_code="x", last_error="y"), NOW), str)


def test_the_time_line_is_in_order_and_tells_how_each_try_ended() -> None:
    failed = _attempt(finished_at=_after(1.5), outcome="transient", error_code="451", error="greylisted")
    running = _attempt(attempt=2, started_at=_after(60))
    acknowledged = _alert(acknowledged_at=_after(30), acknowledged_by="ann", acknowledged_notes="on it")
    told = timeline(acknowledged, [_delivery()], [running, failed])
    assert [(event.what, event.outcome) for event in told] == [
        ("stored", ""),
        ("email to ann@example.com, try 1, 0.5 s, 451: greylisted", "transient"),
        ("acknowledged by ann: on it", ""),
        ("email to ann@example.com, try 2, by host:7", "sending"),
    ]


def test_what_ended_without_a_try_is_in_the_time_line() -> None:
    cancelled = _delivery(status="cancelled", finished_at=_after(5))
    expired = _delivery(delivery_id="d2", status="failed", error_code="expired", finished_at=_after(9))
    assert [event.outcome for event in timeline(_alert(), [cancelled, expired], [])] == ["", "cancelled", "failed"]


def test_what_the_provider_and_a_person_said_later_is_in_the_time_line() -> None:
    queued = _delivery(status="sent", receipt="queued", receipt_at=_after(1))
    undelivered = _delivery(
        status="sent",
        receipt="undelivered",
        receipt_at=_after(9),
        receipt_code="30003",
        receipt_error="the phone is off",
    )
    again = _delivery(requeued_at=_after(20), requeued_by="ann")
    told = timeline(_alert(), [again, undelivered, queued], [])
    assert [(event.what, event.outcome) for event in told] == [
        ("stored", ""),
        ("email to ann@example.com, 30003: the phone is off", "undelivered"),
        ("email to ann@example.com: asked for again by ann", ""),
    ]
