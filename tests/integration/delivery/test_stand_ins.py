"""Another way for what does not arrive: when one is taken, which, how often, and when it is called off."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID

import psycopg2.extensions
import pytest

import precog
from precog.courier import Courier
from precog.delivery import deliver
from precog.domain.alerts import Environment
from precog.domain.records import DeliveryRecord
from precog.localstack.receivers import Reply
from precog.recovery import duties
from precog.settings.delivery import ReceiptDeadlines
from precog.store import channels, dead_letters, deliveries

pytestmark = pytest.mark.integration

DEMO = Environment.DEMO
Cursor = psycopg2.extensions.cursor
RECIPIENTS = {"email": "ann@example.com", "sms": "+15550100002", "slack": "slack", "webhook": "webhook"}

Raise = Callable[..., int]


@pytest.fixture
def raised(courier: Courier, db_cursor: Cursor) -> Raise:
    """`raised("critical", sms="failed", email="sent")`: a fresh alert with these deliveries alone."""
    numbers = iter(range(10_000))

    def make(severity: str = "critical", **standing: str) -> int:
        alert_id = precog.log_alert(f"trouble_{next(numbers)}", severity, "risk", "trouble", send_notification=False)
        for channel, how in standing.items():
            added = deliveries.add(alert_id, channel, RECIPIENTS[channel])
            assert added is not None
            put(db_cursor, added, how)
        return alert_id

    return make


STATES = {
    "pending": "status = 'pending'",
    "sending": "status = 'sending', attempts = 1, lease_until = now() + interval '1 h', leased_by = 'x'",
    "unknown": "status = 'unknown', attempts = 1, next_attempt_at = now() + interval '1 h'",
    "sent": "status = 'sent', finished_at = now()",
    "delivered": "status = 'sent', finished_at = now(), receipt = 'delivered', provider_message_id = 'm'",
    "queued": "status = 'sent', finished_at = now(), receipt = 'queued', provider_message_id = 'm'",
    "overdue": "status = 'sent', finished_at = now() - interval '1 h', receipt = 'queued', provider_message_id = 'm'",
    "undelivered": "status = 'sent', finished_at = now(), receipt = 'undelivered', provider_message_id = 'm'",
    "failed": "status = 'failed', finished_at = now(), error_code = '550', last_error = 'no such mailbox'",
    "over_limit": "status = 'held', error_code = 'over_limit', next_attempt_at = now() + interval '1 h'",
    "paused": "status = 'held', error_code = 'paused', next_attempt_at = now() + interval '1 h'",
    "cancelled": "status = 'cancelled', finished_at = now()",
}
NOT_ARRIVED = {"failed", "undelivered", "overdue", "paused"}
ON_ITS_WAY = {"pending", "sending", "unknown", "sent", "delivered", "queued"}


def put(cursor: Cursor, delivery_id: UUID, how: str) -> None:
    """Where a delivery would only come in a while, or after a send."""
    cursor.execute("ALTER TABLE alert_deliveries DISABLE TRIGGER USER")
    cursor.execute(f"UPDATE alert_deliveries SET {STATES[how]} WHERE delivery_id = %s", [str(delivery_id)])
    cursor.execute("ALTER TABLE alert_deliveries ENABLE TRIGGER USER")


def _stand_ins(alert_id: int) -> list[DeliveryRecord]:
    return [each for each in deliveries.of_alert(alert_id) if each["fallback_of"]]


def _ways(alert_id: int) -> list[str]:
    return [each["channel"] for each in _stand_ins(alert_id)]


@pytest.mark.parametrize("severity", ["critical", "high"])
@pytest.mark.parametrize("channel", ["email", "sms", "slack", "webhook"])
def test_what_failed_takes_the_first_way_that_was_not_tried(
    courier: Courier, raised: Raise, severity: str, channel: str
) -> None:
    alert_id = raised(severity, **{channel: "failed"})
    assert duties.stand_in(courier) == 1
    assert duties.stand_in(courier) == 0, "once"
    assert _ways(alert_id) == ["email" if channel == "slack" else "slack"]


@pytest.mark.parametrize("severity", ["medium", "low"])
def test_what_is_not_urgent_takes_no_other_way(courier: Courier, raised: Raise, severity: str) -> None:
    raised(severity, sms="failed", email="undelivered")
    assert duties.stand_in(courier) == 0


def test_what_reaches_no_person_anyway_needs_no_stand_in(courier: Courier, db_cursor: Cursor) -> None:
    alert_id = precog.log_alert("trouble", "critical", "risk", "trouble", send_notification=False)
    added = deliveries.add(alert_id, "file", "alerts")
    assert added is not None
    put(db_cursor, added, "failed")
    assert duties.stand_in(courier) == 0


@pytest.mark.parametrize("how", ["refused", "expired", "attempts_exhausted"])
def test_it_is_all_one_why_it_failed(courier: Courier, raised: Raise, db_cursor: Cursor, how: str) -> None:
    alert_id = raised(sms="failed")
    db_cursor.execute("UPDATE alert_deliveries SET error_code = %s", [how])
    duties.stand_in(courier)
    assert _ways(alert_id) == ["slack"]


def test_over_the_limit_only_a_critical_sms_takes_another_way(courier: Courier, raised: Raise) -> None:
    critical, high = raised("critical", sms="over_limit"), raised("high", sms="over_limit")
    assert duties.stand_in(courier) == 1
    assert (_ways(critical), _ways(high)) == (["slack"], [])


def test_an_undelivered_sms_takes_another_way_and_one_without_a_receipt_at_the_deadline(
    courier: Courier, raised: Raise
) -> None:
    undelivered, silent, fresh = raised(sms="undelivered"), raised(sms="overdue"), raised(sms="queued")
    assert duties.stand_in(courier) == 2
    assert [_ways(each) for each in (undelivered, silent, fresh)] == [["slack"], ["slack"], []]


def test_without_a_deadline_a_missing_receipt_means_nothing_but_a_bad_one_does(courier: Courier, raised: Raise) -> None:
    patient = courier.policy.model_copy(update={"receipt_deadline_seconds": ReceiptDeadlines(critical=None, high=None)})
    silent, undelivered = raised(sms="overdue"), raised(sms="undelivered")
    duties.stand_in(replace(courier, policy=patient))
    assert (_ways(silent), _ways(undelivered)) == ([], ["slack"])


def test_each_severity_has_its_own_deadline(courier: Courier, raised: Raise, db_cursor: Cursor) -> None:
    critical, high = raised("critical", sms="queued"), raised("high", sms="queued")
    db_cursor.execute("UPDATE alert_deliveries SET finished_at = now() - interval '2 min'")
    duties.stand_in(courier)
    assert (_ways(critical), _ways(high)) == (["slack"], [])


def test_in_every_state_of_an_alerts_deliveries_a_way_is_taken_where_nothing_arrives_and_nowhere_else(
    courier: Courier, raised: Raise
) -> None:
    """A seeded walk through the twelve states of four channels, two of which may be without a delivery."""
    dice = Random(20261127)
    wanted: dict[int, bool] = {}
    for _ in range(250):
        tried = {channel: dice.choice(list(STATES)) for channel in dice.sample(list(RECIPIENTS), dice.randint(1, 3))}
        severity = dice.choice(["critical", "high"])
        wanted[raised(severity, **tried)] = _needs_another_way(severity, tried)
    for _ in range(3):
        duties.stand_in(courier)
    assert {alert_id: len(_stand_ins(alert_id)) for alert_id in wanted} == wanted
    assert sum(wanted.values()) > 20, "the walk came by what it was meant to see"


def _needs_another_way(severity: str, tried: dict[str, str]) -> bool:
    """The rule once more, in plain words."""
    if ON_ITS_WAY & set(tried.values()) or {"slack", "email", "webhook"} <= tried.keys():
        return False
    over_limit = severity == "critical" and tried.get("sms") == "over_limit"
    return over_limit or bool(NOT_ARRIVED & set(tried.values()))


def test_a_stand_in_that_fails_goes_on_to_the_next_way_each_once_and_then_it_ends(
    courier: Courier, raised: Raise, db_cursor: Cursor
) -> None:
    alert_id = raised(sms="failed")
    for so_far in (["slack"], ["slack", "email"], ["slack", "email", "webhook"]):
        duties.stand_in(courier)
        assert _ways(alert_id) == so_far
        put(db_cursor, UUID(_stand_ins(alert_id)[-1]["delivery_id"]), "failed")
    assert duties.stand_in(courier) == 0
    chain = [each["fallback_of"] for each in _stand_ins(alert_id)]
    assert len(set(chain)) == len(chain)


def test_a_sibling_that_ends_badly_is_the_moment_to_look_again(
    courier: Courier, raised: Raise, db_cursor: Cursor
) -> None:
    alert_id = raised(sms="failed", email="pending")
    assert duties.stand_in(courier) == 0
    [mail] = [UUID(each["delivery_id"]) for each in deliveries.of_alert(alert_id) if each["channel"] == "email"]
    put(db_cursor, mail, "failed")
    assert duties.stand_in(courier) == 1


def test_two_deliveries_that_failed_share_one_stand_in(courier: Courier, raised: Raise) -> None:
    alert_id = raised(sms="failed", email="failed")
    duties.stand_in(courier)
    duties.stand_in(courier)
    assert _ways(alert_id) == ["slack"]


def test_several_recoveries_at_once_take_each_way_once(courier: Courier, raised: Raise) -> None:
    alerts = [raised(sms="failed", email="undelivered") for _ in range(20)]
    with ThreadPoolExecutor(6) as recoveries:
        added = sum(recoveries.map(lambda _: duties.stand_in(courier), range(18)))
    assert added == len(alerts)
    assert {tuple(_ways(each)) for each in alerts} == {("slack",)}


def test_a_paused_channel_is_no_way_and_what_waits_for_it_takes_another(courier: Courier, raised: Raise) -> None:
    channels.pause(DEMO, "slack", error_code="404", reason="the app was removed")
    alert_id = raised(webhook="paused")
    duties.stand_in(courier)
    assert _ways(alert_id) == ["email"]


def test_what_somebody_has_taken_on_or_ended_takes_no_other_way(courier: Courier, raised: Raise) -> None:
    precog.acknowledge_alert(raised(sms="failed"), "ann")
    precog.resolve_alert(raised(sms="undelivered"), "ann", "fixed")
    assert duties.stand_in(courier) == 0


def test_what_is_acknowledged_later_has_what_is_not_sent_yet_of_its_other_way_cancelled(
    courier: Courier, raised: Raise
) -> None:
    alert_id = raised(sms="failed")
    duties.heal(courier)
    assert [each["status"] for each in _stand_ins(alert_id)] == ["pending"]
    precog.acknowledge_alert(alert_id, "ann")
    assert duties.heal(courier).stood_down == 1
    assert [each["status"] for each in _stand_ins(alert_id)] == ["cancelled"]
    assert duties.heal(courier).stood_in == 0


def test_a_late_receipt_cancels_what_is_not_sent_yet_of_the_chain(
    courier: Courier, raised: Raise, db_cursor: Cursor
) -> None:
    alert_id = raised(sms="overdue")
    duties.stand_in(courier)
    put(db_cursor, UUID(_stand_ins(alert_id)[0]["delivery_id"]), "failed")
    duties.stand_in(courier)
    db_cursor.execute("UPDATE alert_deliveries SET receipt = 'delivered' WHERE channel = 'sms'")
    assert duties.heal(courier).stood_down == 1
    assert [each["status"] for each in _stand_ins(alert_id)] == ["failed", "cancelled"]


def test_a_stand_in_that_a_person_asked_for_again_is_not_called_off(
    courier: Courier, raised: Raise, db_cursor: Cursor
) -> None:
    alert_id = raised(sms="failed")
    duties.stand_in(courier)
    [stand_in] = [UUID(each["delivery_id"]) for each in _stand_ins(alert_id)]
    put(db_cursor, stand_in, "failed")
    precog.acknowledge_alert(alert_id, "ann")
    assert dead_letters.requeue(stand_in, by="ann")
    duties.heal(courier)
    assert deliveries.standing(stand_in).status == "pending"


def test_from_the_refused_sms_to_the_message_in_slack(courier: Courier, outside: Any) -> None:
    alert_id = precog.log_alert("trouble", "critical", "risk", "the whole way", send_notification=False)
    sms = deliveries.add(alert_id, "sms", RECIPIENTS["sms"])
    assert sms is not None
    outside.twilio.script(Reply(status=400, body=b'{"code": 21610, "message": "STOP"}'))
    deliver(courier, "sms", sms)
    duties.heal(courier)
    [stand_in] = _stand_ins(alert_id)
    deliver(courier, stand_in["channel"], UUID(stand_in["delivery_id"]))
    assert b"the whole way" in outside.slack.received[0].body
    assert duties.heal(courier).stood_in == 0


def test_what_nobody_can_stand_in_for_does_not_stand_in_the_way_of_others(
    courier: Courier, raised: Raise, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised(sms="failed", email="failed", slack="failed", webhook="failed")
    other = raised(sms="failed")
    monkeypatch.setattr(duties, "BATCH", 1)
    duties.stand_in(courier)
    assert _ways(other) == ["slack"]


@pytest.fixture(autouse=True)
def _nothing_else(courier: Courier) -> None:
    """Only what a test raises: no route leads anywhere by itself."""
    channels.write_routes(DEMO, [])
