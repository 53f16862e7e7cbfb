"""Five SMS in any hour and twenty in any day, whatever happens to Redis and however many workers there are."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg2.extensions
import pytest
import redis

import precog
from precog.courier import Courier
from precog.delivery import deliver
from precog.domain.alerts import Environment
from precog.limiter import sms_limiter
from precog.localstack.receivers import Fault, Reply
from precog.recovery import duties
from precog.store import alerts, attempts, channels, deliveries

pytestmark = pytest.mark.integration

DEMO = Environment.DEMO
Cursor = psycopg2.extensions.cursor


def _sms(number: int, *, severity: str = "critical") -> UUID:
    alert_id = precog.log_alert(f"alert_{number}", severity, "risk", f"number {number}")
    return next(UUID(each["delivery_id"]) for each in deliveries.of_alert(alert_id) if each["channel"] == "sms")


def _standing(delivery_id: UUID) -> str:
    return deliveries.standing(delivery_id).status


@pytest.fixture
def twelve(courier: Courier) -> list[UUID]:
    return [_sms(number) for number in range(12)]


@pytest.mark.parametrize("trouble", ["none", "flushed", "away"])
def test_twelve_at_once_over_eight_workers_send_five(
    courier: Courier, outside: Any, twelve: list[UUID], trouble: str, redis_url: str
) -> None:
    if trouble == "away":
        courier = replace(courier, limiter=sms_limiter(DEMO, "redis://127.0.0.1:1/0"))
    flush = redis.Redis.from_url(redis_url).flushall if trouble == "flushed" else lambda: None

    def work(delivery_id: UUID) -> None:
        flush()
        deliver(courier, "sms", delivery_id)

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(work, twelve))
    assert len(outside.twilio.received) == 5
    assert sorted(map(_standing, twelve)) == ["held"] * 7 + ["sent"] * 5


def test_a_held_sms_knows_when_it_may_go_and_used_no_attempt(courier: Courier, twelve: list[UUID]) -> None:
    for delivery_id in twelve[:6]:
        deliver(courier, "sms", delivery_id)
    standing = deliveries.standing(twelve[5])
    assert (standing.status, standing.error_code) == ("held", "over_limit")
    first = min(each["finished_at"] for each in _attempts() if each["finished_at"])
    assert standing.next_attempt_at == first + timedelta(hours=1)
    assert len(_attempts()) == 5


def _attempts() -> list[Any]:
    return [each for alert in alerts.newest(DEMO) for each in deliveries.attempts_of_alert(alert["alert_id"])]


def test_an_sms_whose_answer_was_lost_counts(courier: Courier, outside: Any, twelve: list[UUID]) -> None:
    outside.twilio.script(*[Reply(fault=Fault.DROP)] * 5)
    for delivery_id in twelve[:6]:
        deliver(courier, "sms", delivery_id)
    assert len(outside.twilio.received) == 5
    assert _standing(twelve[5]) == "held"


def test_an_sms_that_surely_did_not_go_does_not_count(courier: Courier, outside: Any, twelve: list[UUID]) -> None:
    refused = Reply(status=400, body=b'{"code": 21211, "message": "not a number"}')
    outside.twilio.script(*[refused] * 5)
    for delivery_id in twelve[:10]:
        deliver(courier, "sms", delivery_id)
    assert sorted(map(_standing, twelve[:10])) == ["failed"] * 5 + ["sent"] * 5


def test_the_day_counts_as_well_as_the_hour(courier: Courier, twelve: list[UUID], db_cursor: Cursor) -> None:
    for delivery_id in twelve[:5]:
        deliver(courier, "sms", delivery_id)
    _happened_before(db_cursor, hours=2)
    for delivery_id in twelve[5:10]:
        deliver(courier, "sms", delivery_id)
    _happened_before(db_cursor, hours=2)
    ten = [_sms(number) for number in range(20, 32)]
    for delivery_id in ten[:5]:
        deliver(courier, "sms", delivery_id)
    _happened_before(db_cursor, hours=2)
    for delivery_id in ten[5:11]:
        deliver(courier, "sms", delivery_id)
    assert sorted(map(_standing, ten[:11])) == ["held"] + ["sent"] * 10, "the twenty-first of a day"


def test_an_sms_that_tries_in_progress_keep_back_is_looked_at_again_when_they_have_ended(
    courier: Courier, twelve: list[UUID], db_cursor: Cursor
) -> None:
    for delivery_id in twelve[:5]:
        assert attempts.claim(delivery_id, "sms", courier.terms) is not None
    deliver(courier, "sms", twelve[5])
    assert _standing(twelve[5]) == "held"
    db_cursor.execute("SELECT clock_timestamp() + interval '90 seconds'")
    [(leases_end,)] = db_cursor.fetchall()
    assert deliveries.standing(twelve[5]).next_attempt_at < leases_end


def test_reserved_places_are_left_to_critical(precog_env: pytest.MonkeyPatch, courier: Courier) -> None:
    reserving = replace(courier, sms_limits=replace(courier.sms_limits, reserved_for_critical=2))
    high = [_sms(number, severity="high") for number in range(4)]
    critical = [_sms(number) for number in range(10, 13)]
    for delivery_id in (*high, *critical):
        deliver(reserving, "sms", delivery_id)
    assert [_standing(each) for each in high] == ["sent"] * 3 + ["held"]
    assert [_standing(each) for each in critical] == ["sent", "sent", "held"]


def test_when_the_window_frees_one_message_carries_what_was_held(
    courier: Courier, outside: Any, twelve: list[UUID], db_cursor: Cursor
) -> None:
    for delivery_id in twelve[:9]:
        deliver(courier, "sms", delivery_id)
    held = twelve[5:9]
    _window_frees(db_cursor)
    duties.heal(courier)
    [carrier] = [each for each in held if _standing(each) == "pending"]
    deliver(courier, "sms", carrier)
    assert len(outside.twilio.received) == 6
    digest = outside.twilio.received[5].form["Body"]
    assert sum(f"number {number}" in digest for number in range(5, 9)) >= 2
    duties.heal(courier)
    assert [_standing(each) for each in held] == ["sent"] * 4


def test_what_a_digest_carried_is_free_again_when_it_fails(
    courier: Courier, outside: Any, twelve: list[UUID], db_cursor: Cursor
) -> None:
    for delivery_id in twelve[:8]:
        deliver(courier, "sms", delivery_id)
    _window_frees(db_cursor)
    duties.heal(courier)
    [carrier] = [each for each in twelve[5:8] if _standing(each) == "pending"]
    outside.twilio.script(Reply(status=400, body=b'{"code": 21610, "message": "STOP"}'))
    deliver(courier, "sms", carrier)
    duties.heal(courier)
    assert sorted(_standing(each) for each in twelve[5:8]) == ["failed", "held", "pending"]


def test_a_critical_sms_that_is_held_goes_another_way_when_nothing_else_reaches_anybody(
    courier: Courier, twelve: list[UUID], db_cursor: Cursor
) -> None:
    for delivery_id in twelve[:5]:
        deliver(courier, "sms", delivery_id)
    alert_id = precog.log_alert("last", "critical", "risk", "the sixth", send_notification=False)
    sixth = deliveries.add(alert_id, "sms", "+15550100002")
    assert sixth is not None
    deliver(courier, "sms", sixth)
    assert _standing(sixth) == "held"
    assert duties.heal(courier).stood_in == 1
    assert duties.heal(courier).stood_in == 0, "once"
    [stand_in] = [each for each in deliveries.of_alert(alert_id) if each["fallback_of"]]
    assert (stand_in["channel"], stand_in["status"]) == ("slack", "pending")


def test_a_channel_that_is_paused_stands_in_for_nobody(courier: Courier, twelve: list[UUID]) -> None:
    channels.pause(DEMO, "slack", error_code="404", reason="the app was removed")
    for delivery_id in twelve[:5]:
        deliver(courier, "sms", delivery_id)
    alert_id = precog.log_alert("last", "critical", "risk", "the sixth", send_notification=False)
    sixth = deliveries.add(alert_id, "sms", "+15550100002")
    assert sixth is not None
    deliver(courier, "sms", sixth)
    assert duties.heal(courier).stood_in == 1
    assert [each["channel"] for each in deliveries.of_alert(alert_id)] == ["sms", "email"]


def test_a_critical_sms_that_is_held_beside_a_mail_on_its_way_needs_no_stand_in(
    courier: Courier, twelve: list[UUID]
) -> None:
    for delivery_id in twelve:
        deliver(courier, "sms", delivery_id)
    assert duties.heal(courier).stood_in == 0


def _happened_before(cursor: Cursor, *, hours: int) -> None:
    cursor.execute("ALTER TABLE alert_delivery_attempts DISABLE TRIGGER USER")
    cursor.execute(
        "UPDATE alert_delivery_attempts SET started_at = started_at - make_interval(hours => %s),"
        " finished_at = finished_at - make_interval(hours => %s)",
        [hours, hours],
    )
    cursor.execute("ALTER TABLE alert_delivery_attempts ENABLE TRIGGER USER")


def _window_frees(cursor: Cursor) -> None:
    """An hour passes, for the attempts and for what waits for them."""
    _happened_before(cursor, hours=1)
    cursor.execute("UPDATE alert_deliveries SET next_attempt_at = clock_timestamp() WHERE status = 'held'")
