"""The demo calls itself well only when the database and the receivers agree."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from precog.demo import report, verdict
from precog.demo.outside import Mark, mark_of
from precog.demo.story import AFTERNOON, LIMIT, REJECTED, Scene
from precog.demo.watch import Outcome, progress
from precog.domain.alerts import Environment, Severity
from precog.domain.records import AlertRecord, AttemptRecord, DeliveryRecord
from precog.domain.routes import Route

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 23, 14, 3, 20, tzinfo=UTC)
CHANNELS = ("sms", "webhook")
ROUTES = frozenset(
    Route(environment=Environment.DEMO, severity=Severity.CRITICAL, channel=channel, recipient="somebody")
    for channel in CHANNELS
)
LOSS, AGAIN, *_ = AFTERNOON

Build = Callable[..., Outcome]


def _delivery(number: int, channel: str, **changes: Any) -> DeliveryRecord:
    fields = {
        "delivery_id": f"{number:032x}",
        "channel": channel,
        "recipient": "somebody",
        "status": "sent",
        "attempts": 1,
        "next_attempt_at": NOW,
        "finished_at": NOW + timedelta(seconds=1.5),
        "last_error": None,
        "error_code": None,
    }
    return cast(DeliveryRecord, fields | changes)


def _attempt(delivery: DeliveryRecord, number: int, outcome: str | None, **changes: Any) -> AttemptRecord:
    fields = {
        "delivery_id": delivery["delivery_id"],
        "attempt": number,
        "channel": delivery["channel"],
        "started_at": NOW,
        "outcome": outcome,
        "error_code": None,
        "error": None,
    }
    return cast(AttemptRecord, fields | changes)


def _outcome(
    scene: Scene, *deliveries: DeliveryRecord, attempts: tuple[AttemptRecord, ...] = (), suppressed: bool = False
) -> Outcome:
    alert = {
        "alert_id": 1,
        "alert_type": scene.alert_type,
        "severity": scene.severity.value,
        "component": scene.component,
        "message": scene.message,
        "suppressed": suppressed,
        "duplicate_of": 1 if suppressed else None,
        "triggered_at": NOW,
        "acknowledged_by": None,
    }
    return Outcome(scene=scene, alert=cast(AlertRecord, alert), deliveries=deliveries, attempts=attempts)


def _received(*outcomes: Outcome) -> dict[Mark, int]:
    """Every delivery once, except those that are not sent."""
    sent = [(one, each) for one in outcomes for each in one.deliveries if each["status"] == "sent"]
    return {mark_of(one.alert, each): 1 for one, each in sent}


def faults(outcomes: list[Outcome], received: dict[Mark, int], *, worker_killed: bool = False) -> list[str]:
    asked_for = [mark_of(one.alert, each) for one in outcomes for each in one.deliveries]
    return verdict.faults(outcomes, received=received, asked_for=asked_for, routes=ROUTES, worker_killed=worker_killed)


def _well() -> Outcome:
    return _outcome(LOSS, _delivery(1, "sms"), _delivery(2, "webhook"))


def _retried(*outcomes: str) -> Outcome:
    webhook = _delivery(2, "webhook", attempts=len(outcomes))
    tries = tuple(_attempt(webhook, number, outcome) for number, outcome in enumerate(outcomes, start=1))
    return _outcome(REJECTED, _delivery(1, "sms"), webhook, attempts=tries)


def _held(**changes: Any) -> Outcome:
    over = {"status": "held", "attempts": 0, "finished_at": None, "error_code": "over_limit"}
    until = {"next_attempt_at": NOW + timedelta(minutes=57)}
    return _outcome(LIMIT, _delivery(1, "sms", **over | until | changes), _delivery(2, "webhook"))


def test_what_was_sent_and_received_once_is_well() -> None:
    assert faults([_well()], _received(_well())) == []


def test_a_delivery_that_nobody_received_is_a_fault_whatever_the_database_says() -> None:
    assert faults([_well()], {}) == [
        "alert 1 (rapid_loss) over sms to somebody: the database says sent, its receiver got it 0 times",
        "alert 1 (rapid_loss) over webhook to somebody: the database says sent, its receiver got it 0 times",
    ]


def test_a_delivery_that_came_twice_is_a_fault_unless_a_try_ended_unknown() -> None:
    twice = dict.fromkeys(_received(_well()), 2)
    assert len(faults([_well()], twice)) == 2
    doubtful = tuple(_attempt(each, 1, "unknown") for each in _well().deliveries)
    assert faults([_outcome(LOSS, *_well().deliveries, attempts=doubtful)], twice) == []


def test_a_failed_delivery_is_named_with_its_status_and_its_last_error() -> None:
    failed = _delivery(2, "webhook", status="failed", attempts=3, last_error="the webhook answered 404")
    outcome = _outcome(LOSS, _delivery(1, "sms"), failed)
    assert faults([outcome], _received(outcome)) == [
        "alert 1 (rapid_loss) over webhook to somebody: is failed after 3 tries: the webhook answered 404"
    ]


def test_a_message_that_no_delivery_accounts_for_is_a_fault() -> None:
    received = {**_received(_well()), ("email", "stranger"): 1}
    assert faults([_well()], received) == ["something came over email that no delivery accounts for"]


def test_a_delivery_that_the_routes_do_not_plan_or_that_is_missing_is_a_fault() -> None:
    short = _outcome(LOSS, _delivery(1, "sms"))
    assert faults([short], _received(short)) == [
        "alert 1 (rapid_loss) has deliveries sms somebody where sms somebody, webhook somebody were expected"
    ]


def test_the_duplicate_must_be_suppressed_and_nothing_else_may_be() -> None:
    assert faults([_outcome(AGAIN, suppressed=True)], {}) == []
    assert faults([_outcome(AGAIN)], {}) == ["alert 1 (rapid_loss) was not taken for a duplicate"]
    suppressed = _outcome(LOSS, *_well().deliveries, suppressed=True)
    assert faults([suppressed], _received(suppressed)) == ["alert 1 (rapid_loss) was taken for a duplicate"]


def test_the_refused_webhook_must_have_been_refused_and_tried_again() -> None:
    well = _retried("transient", "accepted")
    assert faults([well], _received(well)) == []
    smooth = _retried("accepted")
    assert "was to be refused first" in faults([smooth], _received(smooth))[0]


def test_the_sms_over_the_limit_must_be_held_by_the_limit_and_not_arrive() -> None:
    assert faults([_held()], _received(_held())) == []
    paused = _held(error_code="paused", last_error="credentials refused")
    (fault,) = faults([paused], _received(paused))
    assert fault.endswith("is held after 0 tries: credentials refused, where the limit was to hold it")
    arrived = {**_received(_held()), mark_of(_held().alert, _held().deliveries[0]): 1}
    assert "its receiver got it all the same" in faults([_held()], arrived)[0]


def test_a_worker_that_was_killed_beside_every_send_proves_nothing() -> None:
    assert faults([_well()], _received(_well()), worker_killed=True) == [
        "no send was interrupted: the worker was killed before or after one"
    ]


def test_a_held_sms_is_shown_with_its_hour_and_with_who_was_reached_instead() -> None:
    outcome = _held()
    assert report.held(outcome, outcome.deliveries[0]) == (
        "sms held: over the limit of 5 an hour until 15:00 UTC; reached instead over webhook"
    )


def test_a_duplicate_is_shown_with_what_it_equals() -> None:
    assert report.came_of(_outcome(AGAIN, suppressed=True)).endswith("suppressed as a duplicate of #1")


def test_the_progress_names_what_is_waited_for_and_why() -> None:
    webhook = _delivery(
        2,
        "webhook",
        status="pending",
        last_error="the webhook answered 503",
        next_attempt_at=NOW + timedelta(seconds=2),
    )
    waiting = _outcome(LOSS, _delivery(1, "sms"), webhook)
    assert progress([waiting], now=NOW) == (
        "1 of 2 deliveries done; waiting for webhook: the webhook answered 503; next try in 2 s"
    )
    assert progress([_well()], now=NOW) == "2 of 2 deliveries done"
