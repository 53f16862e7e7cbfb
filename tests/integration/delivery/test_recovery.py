"""The duties of recovery: whatever was left behind is found, and several recoveries do not get in each other's way."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg2
import psycopg2.extensions
import pytest

import precog
from precog import queue
from precog.courier import Courier
from precog.delivery import deliver
from precog.domain.alerts import Environment, Severity
from precog.domain.deliveries import DeliveryStatus
from precog.localstack.receivers import Fault, Reply
from precog.recovery import duties
from precog.recovery.process import Recovery
from precog.store import alerts, attempts, deliveries, upkeep
from tests.waiting import eventually

pytestmark = pytest.mark.integration

DEMO = Environment.DEMO
Cursor = psycopg2.extensions.cursor


@pytest.fixture
def waiting(courier: Courier) -> dict[str, UUID]:
    """The deliveries of a fresh critical alert, by channel."""
    alert_id = precog.log_alert("api_failures", "critical", "kalshi_api", "5 failures in 5 minutes")
    return {each["channel"]: UUID(each["delivery_id"]) for each in deliveries.of_alert(alert_id)}


def _abandon(courier: Courier, channel: str, delivery_id: UUID, cursor: Cursor) -> None:
    """A worker claims the delivery and dies; then its lease ends."""
    assert attempts.claim(delivery_id, channel, courier.terms) is not None
    cursor.execute("UPDATE alert_deliveries SET lease_until = clock_timestamp() WHERE status = 'sending'")


def _standing(delivery_id: UUID) -> DeliveryStatus:
    return deliveries.standing(delivery_id).status


@pytest.mark.parametrize("channel", ["email", "slack", "webhook", "console", "file"])
def test_a_dead_workers_delivery_is_due_again_and_its_attempt_shows_what_happened(
    courier: Courier, waiting: dict[str, UUID], db_cursor: Cursor, channel: str
) -> None:
    _abandon(courier, channel, waiting[channel], db_cursor)
    assert duties.heal(courier).taken_over == 1
    assert _standing(waiting[channel]) is DeliveryStatus.PENDING
    db_cursor.execute("SELECT outcome, error_code FROM alert_delivery_attempts")
    assert db_cursor.fetchall() == [("unknown", "lease_expired")]


def test_a_dead_workers_sms_is_not_sent_again_before_the_provider_was_asked(
    courier: Courier, waiting: dict[str, UUID], db_cursor: Cursor, outside: Any
) -> None:
    _abandon(courier, "sms", waiting["sms"], db_cursor)
    duties.heal(courier)
    assert _standing(waiting["sms"]) is DeliveryStatus.UNKNOWN
    assert outside.twilio.received == []
    db_cursor.execute("UPDATE alert_deliveries SET next_attempt_at = clock_timestamp() WHERE status = 'unknown'")
    recovery = Recovery(courier)
    recovery.beat()
    recovery.close()
    assert [each.method for each in outside.twilio.received] == ["GET"]
    assert _standing(waiting["sms"]) is DeliveryStatus.PENDING


def test_a_delivery_that_kills_each_of_its_workers_fails_at_the_cap_and_the_others_go_on(
    courier: Courier, waiting: dict[str, UUID], db_cursor: Cursor
) -> None:
    cap = courier.policy.retry[Severity.CRITICAL].max_attempts
    db_cursor.execute(
        "UPDATE alert_deliveries SET attempts = %s WHERE delivery_id = %s", [cap - 1, str(waiting["email"])]
    )
    _abandon(courier, "email", waiting["email"], db_cursor)
    duties.heal(courier)
    standing = deliveries.standing(waiting["email"])
    assert (standing.status, standing.error_code) == ("failed", "attempts_exhausted")
    assert deliver(courier, "slack", waiting["slack"]) is not None


def test_an_alert_of_a_callers_transaction_is_planned_by_one_of_several_recoveries(
    courier: Courier, database_url: str
) -> None:
    with psycopg2.connect(database_url) as theirs:
        ids = [precog.log_alert("api_failures", "critical", "kalshi_api", "again", connection=theirs) for _ in range(6)]
    with ThreadPoolExecutor(4) as recoveries:
        list(recoveries.map(lambda _: duties.plan(courier), range(4)))
    told = [alert_id for alert_id in ids if alerts.get(alert_id, DEMO)["notify"]]
    assert len(told) == 1
    assert all(alerts.get(alert_id, DEMO)["planned"] for alert_id in ids)


def test_a_provider_that_answers_nothing_holds_up_no_beat(
    courier: Courier, waiting: dict[str, UUID], db_cursor: Cursor, outside: Any
) -> None:
    _abandon(courier, "sms", waiting["sms"], db_cursor)
    duties.heal(courier)
    db_cursor.execute("UPDATE alert_deliveries SET next_attempt_at = clock_timestamp() WHERE status = 'unknown'")
    outside.twilio.script(Reply(fault=Fault.HANG))
    recovery = Recovery(courier)
    began = time.monotonic()
    recovery.beat()
    assert time.monotonic() - began < 5
    eventually(lambda: outside.twilio.received)
    recovery.close()
    assert _standing(waiting["sms"]) is DeliveryStatus.UNKNOWN


def test_what_breaks_a_duty_keeps_no_delivery_from_its_worker(
    courier: Courier, waiting: dict[str, UUID], database_url: str, db_cursor: Cursor
) -> None:
    with psycopg2.connect(database_url) as theirs:
        precog.log_alert("api_failures", "critical", "polymarket_api", "again", connection=theirs)
    db_cursor.execute("UPDATE alert_deliveries SET rung_at = NULL")
    db_cursor.execute("ALTER TABLE alerts ADD CONSTRAINT unheard_of CHECK (NOT planned) NOT VALID")
    before = queue.waiting()
    with pytest.raises(psycopg2.Error, match="unheard_of"):
        Recovery(courier).beat()
    after = queue.waiting()
    assert before is not None
    assert after is not None
    assert {channel: after[channel] - before[channel] for channel in after} == dict.fromkeys(waiting, 1)


def test_an_answer_that_makes_no_sense_costs_only_its_own_message(
    courier: Courier, db_cursor: Cursor, outside: Any
) -> None:
    for component in ("kalshi_api", "polymarket_api"):
        alert_id = precog.log_alert("api_failures", "critical", component, "5 failures in 5 minutes")
        outside.twilio.script(Reply(fault=Fault.DROP))
        [sms] = [UUID(each["delivery_id"]) for each in deliveries.of_alert(alert_id) if each["channel"] == "sms"]
        deliver(courier, "sms", sms)
    db_cursor.execute("UPDATE alert_deliveries SET next_attempt_at = clock_timestamp() WHERE status = 'unknown'")
    outside.twilio.script(Reply(body=b"{}"))
    recovery = Recovery(courier)
    recovery.beat()
    recovery.close()
    db_cursor.execute("SELECT status FROM alert_deliveries WHERE channel = 'sms' ORDER BY status")
    assert db_cursor.fetchall() == [("pending",), ("unknown",)]


def test_an_sms_that_nobody_can_look_up_in_time_is_given_up(
    courier: Courier, waiting: dict[str, UUID], db_cursor: Cursor, outside: Any
) -> None:
    outside.twilio.script(Reply(fault=Fault.DROP))
    deliver(courier, "sms", waiting["sms"])
    assert upkeep.expire(DEMO, (3600, 3600, 3600, 3600), most=10) == 0
    assert upkeep.expire(DEMO, (0, 0, 0, 0), most=10) == len(waiting)
    standing = deliveries.standing(waiting["sms"])
    assert (standing.status, standing.error_code) == ("failed", "expired")


def test_an_alert_that_was_resolved_before_it_was_planned_tells_nobody_and_hides_no_open_one(
    courier: Courier, database_url: str
) -> None:
    with psycopg2.connect(database_url) as theirs:
        early = precog.log_alert("api_failures", "critical", "kalshi_api", "again", connection=theirs)
    precog.resolve_alert(early, "ann", "fixed")
    duties.plan(courier)
    alert = alerts.get(early, DEMO)
    assert (alert["planned"], alert["notify"], alert["notification_channels"]) == (True, False, {})


def test_one_beat_rings_what_nobody_was_told_of(courier: Courier, waiting: dict[str, UUID], db_cursor: Cursor) -> None:
    db_cursor.execute("UPDATE alert_deliveries SET rung_at = NULL")
    before = queue.waiting()
    Recovery(courier).beat()
    after = queue.waiting()
    assert before is not None
    assert after is not None
    assert {channel: after[channel] - before[channel] for channel in after} == dict.fromkeys(waiting, 1)


def test_without_a_broker_a_beat_delivers_by_itself(
    courier: Courier, waiting: dict[str, UUID], db_cursor: Cursor, precog_env: pytest.MonkeyPatch, outside: Any
) -> None:
    precog_env.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    precog_env.setattr("precog.recovery.direct._STOP_WITHIN_SECONDS", 30.0)  # six children on a busy machine
    db_cursor.execute("UPDATE alert_deliveries SET rung_at = NULL")
    recovery = Recovery(courier)
    recovery.beat()
    recovery.close()
    assert {_standing(each) for each in waiting.values()} == {DeliveryStatus.SENT}
    assert len(outside.mail.letters) == len(outside.twilio.received) == len(outside.webhook.received) == 1
