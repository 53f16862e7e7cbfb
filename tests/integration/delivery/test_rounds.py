"""A round: a worker goes on from one delivery of a channel to the next, and keeps every promise of a single one."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import psycopg2.extensions
import pytest

import precog
from precog.courier import Courier
from precog.delivery import Following, deliver
from precog.domain.deliveries import Message, Receipt
from precog.localstack.receivers import Reply
from precog.store import deliveries

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor
_numbers = iter(range(1_000_000))


def _planned(channel: str) -> UUID:
    alert_id = precog.log_alert("api_failures", "critical", f"api_{next(_numbers)}", "5 failures in 5 minutes")
    return next(UUID(each["delivery_id"]) for each in deliveries.of_alert(alert_id) if each["channel"] == channel)


def _in_turn(named: Iterable[UUID]) -> Following:
    ids = iter(named)
    return lambda _: next(ids, None)


def _statuses(ids: Iterable[UUID]) -> list[str]:
    return [str(deliveries.standing(each).status) for each in ids]


def test_what_is_named_is_delivered_one_after_the_other(courier: Courier, outside: Any) -> None:
    first, *others = ids = [_planned("webhook") for _ in range(4)]
    deliver(courier, "webhook", first, then=_in_turn(others))
    assert [each.headers["webhook-id"] for each in outside.webhook.received] == [str(each) for each in ids]
    assert _statuses(ids) == ["sent"] * 4


def test_each_attempt_is_on_record_before_its_send_and_no_other_is_claimed_meanwhile(
    courier: Courier, monkeypatch: pytest.MonkeyPatch, db_cursor: Cursor
) -> None:
    first, *others = ids = [_planned("file") for _ in range(3)]
    seen = []

    def look(message: Message) -> Receipt:
        db_cursor.execute("SELECT delivery_id::text, attempt FROM alert_delivery_attempts WHERE outcome IS NULL")
        seen.extend(db_cursor.fetchall())
        return Receipt(detail="looked")

    monkeypatch.setattr(courier.channels["file"], "send", look)
    deliver(courier, "file", first, then=_in_turn(others))
    assert seen == [(str(each), 1) for each in ids]


def test_an_outcome_and_the_next_claim_are_one_transaction(
    courier: Courier, monkeypatch: pytest.MonkeyPatch, db_cursor: Cursor
) -> None:
    first, second = _planned("file"), _planned("file")
    seen = []

    def look(message: Message) -> Receipt:
        db_cursor.execute("SELECT status, xmin::text FROM alert_deliveries WHERE channel = 'file' ORDER BY alert_id")
        seen.append(db_cursor.fetchall())
        return Receipt(detail="looked")

    monkeypatch.setattr(courier.channels["file"], "send", look)
    deliver(courier, "file", first, then=_in_turn([second]))
    (finished, one), (claimed, other) = seen[1]
    assert (finished, claimed) == ("sent", "sending")
    assert one == other


def test_what_was_done_meanwhile_is_passed_over(courier: Courier, outside: Any) -> None:
    first, done, last = ids = [_planned("webhook") for _ in range(3)]
    deliver(courier, "webhook", done)
    deliver(courier, "webhook", first, then=_in_turn([done, uuid4(), last]))
    assert len(outside.webhook.received) == 3
    assert _statuses(ids) == ["sent"] * 3


def test_a_round_goes_on_after_a_message_whose_delivery_is_done(courier: Courier, outside: Any) -> None:
    done, other = _planned("webhook"), _planned("webhook")
    deliver(courier, "webhook", done)
    deliver(courier, "webhook", done, then=_in_turn([other]))
    assert _statuses([other]) == ["sent"]


def test_after_a_failure_nothing_more_is_taken(courier: Courier, outside: Any) -> None:
    first, second = _planned("webhook"), _planned("webhook")
    outside.webhook.script(Reply(status=503))
    asked: list[float] = []

    def then(seconds: float) -> UUID:
        asked.append(seconds)
        return second

    attempt = deliver(courier, "webhook", first, then=then)
    assert attempt is not None
    assert attempt.failure is not None
    assert (asked, _statuses([first, second])) == ([], ["pending", "pending"])


def test_an_outcome_is_written_before_anybody_waits_for_the_next(courier: Courier) -> None:
    first = _planned("file")
    stood: list[tuple[bool, list[str]]] = []

    def then(seconds: float) -> None:
        stood.append((seconds > 0, _statuses([first])))

    deliver(courier, "file", first, then=then)
    assert stood == [(False, ["sending"]), (True, ["sent"])]


def test_sms_are_made_one_by_one(courier: Courier, outside: Any) -> None:
    first, second = _planned("sms"), _planned("sms")
    deliver(courier, "sms", first, then=_in_turn([second]))
    assert _statuses([first, second]) == ["sent", "pending"]
    assert len(outside.twilio.received) == 1


def test_a_claim_that_cannot_be_made_costs_no_outcome(
    courier: Courier, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    first, locked = _planned("file"), _planned("file")
    with psycopg2.connect(database_url) as other, other.cursor() as cursor:
        cursor.execute("SELECT FROM alert_deliveries WHERE delivery_id = %s FOR UPDATE", (str(locked),))
        deliver(courier, "file", first, then=_in_turn([locked]))
        other.rollback()
    assert _statuses([first, locked]) == ["sent", "pending"]
    assert "the next delivery was not claimed; recovery rings again" in caplog.text


def test_a_try_that_lost_its_lease_writes_its_own_record_alone_and_the_round_goes_on(
    courier: Courier, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, db_cursor: Cursor
) -> None:
    late, other = _planned("file"), _planned("file")
    send: Callable[[Message], Receipt] = courier.channels["file"].send

    def taken_over(message: Message) -> Receipt:
        if message.delivery_id == late:
            db_cursor.execute(
                "UPDATE alert_deliveries SET attempts = 2, leased_by = 'another:1' WHERE delivery_id = %s", (str(late),)
            )
        return send(message)

    monkeypatch.setattr(courier.channels["file"], "send", taken_over)
    deliver(courier, "file", late, then=_in_turn([other]))
    assert _statuses([late, other]) == ["sending", "sent"]
    assert "attempt finished after its lease" in caplog.text


def test_a_claim_that_the_rows_of_another_forbid_costs_no_outcome(
    courier: Courier, outside: Any, db_cursor: Cursor
) -> None:
    first, broken = _planned("webhook"), _planned("webhook")
    db_cursor.execute(
        "INSERT INTO alert_delivery_attempts (delivery_id, attempt, environment, channel, worker)"
        " VALUES (%s, 1, 'demo', 'webhook', 'another:1')",
        (str(broken),),
    )
    deliver(courier, "webhook", first, then=_in_turn([broken]))
    assert _statuses([first, broken]) == ["sent", "pending"]


def test_a_look_for_the_next_that_breaks_costs_no_outcome(courier: Courier, caplog: pytest.LogCaptureFixture) -> None:
    first = _planned("file")

    def then(seconds: float) -> None:
        if not seconds:
            raise RecursionError

    deliver(courier, "file", first, then=then)
    assert _statuses([first]) == ["sent"]
    assert "the next message was not taken" in caplog.text
