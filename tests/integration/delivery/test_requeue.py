"""What failed and a person asks for again: due at once, with as many tries and as much time as in the beginning."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg2.extensions
import pytest

import precog
from precog.courier import Courier
from precog.delivery import deliver, look_up
from precog.domain.alerts import Environment, Severity
from precog.domain.deliveries import DeliveryStatus
from precog.errors import UnknownDelivery
from precog.localstack.receivers import Fault, Reply
from precog.recovery import duties
from precog.settings.delivery import RetryPolicy
from precog.store import alerts, attempts, dead_letters, deliveries

pytestmark = pytest.mark.integration

DEMO = Environment.DEMO
Cursor = psycopg2.extensions.cursor


@pytest.fixture
def twice(courier: Courier) -> Courier:
    """A courier that tries everything twice."""
    retry = dict.fromkeys(Severity, RetryPolicy(max_attempts=2, max_age_seconds=3600))
    return replace(courier, policy=courier.policy.model_copy(update={"retry": retry}))


def _planned(channel: str) -> tuple[int, UUID]:
    alert_id = precog.log_alert("api_failures", "critical", "kalshi_api", "5 failures in 5 minutes")
    found = next(each for each in deliveries.of_alert(alert_id) if each["channel"] == channel)
    return alert_id, UUID(found["delivery_id"])


def _try(courier: Courier, channel: str, delivery_id: UUID, cursor: Cursor) -> tuple[str, str | None]:
    cursor.execute("UPDATE alert_deliveries SET next_attempt_at = clock_timestamp() WHERE status = 'pending'")
    deliver(courier, channel, delivery_id)
    standing = deliveries.standing(delivery_id)
    return standing.status.value, standing.error_code


def _age(cursor: Cursor, hours: int) -> None:
    cursor.execute("ALTER TABLE alert_deliveries DISABLE TRIGGER alert_deliveries_target_trg")
    cursor.execute("UPDATE alert_deliveries SET created_at = created_at - make_interval(hours => %s)", [hours])
    cursor.execute("ALTER TABLE alert_deliveries ENABLE TRIGGER alert_deliveries_target_trg")


def test_its_tries_count_anew_and_the_old_ones_stay_on_record(twice: Courier, outside: Any, db_cursor: Cursor) -> None:
    alert_id, webhook = _planned("webhook")
    outside.webhook.script(*[Reply(status=500)] * 4)
    assert _try(twice, "webhook", webhook, db_cursor) == ("pending", "500")
    assert _try(twice, "webhook", webhook, db_cursor) == ("failed", "attempts_exhausted")
    assert dead_letters.requeue(webhook, by="ann")
    assert _try(twice, "webhook", webhook, db_cursor) == ("pending", "500")
    assert _try(twice, "webhook", webhook, db_cursor) == ("failed", "attempts_exhausted")
    assert dead_letters.requeue(webhook, by="bob")
    assert _try(twice, "webhook", webhook, db_cursor)[0] == "sent"
    assert [each["attempt"] for each in deliveries.attempts_of_alert(alert_id)] == [1, 2, 3, 4, 5]
    [row] = [each for each in deliveries.of_alert(alert_id) if each["channel"] == "webhook"]
    assert row["requeued_by"] == "bob"
    assert row["requeued_at"] is not None


def test_its_age_counts_anew(courier: Courier, db_cursor: Cursor) -> None:
    _, mail = _planned("email")
    _age(db_cursor, hours=10)
    duties.heal(courier)
    assert deliveries.standing(mail).error_code == "expired"
    assert dead_letters.requeue(mail, by="ann")
    duties.heal(courier)
    assert _try(courier, "email", mail, db_cursor)[0] == "sent"


def test_a_worker_that_dies_over_it_leaves_it_its_tries(twice: Courier, db_cursor: Cursor) -> None:
    _, mail = _planned("email")
    db_cursor.execute(
        "ALTER TABLE alert_deliveries DISABLE TRIGGER USER;"
        "UPDATE alert_deliveries SET status = 'failed', attempts = 2, error_code = 'attempts_exhausted',"
        " finished_at = now() WHERE delivery_id = %s; ALTER TABLE alert_deliveries ENABLE TRIGGER USER",
        [str(mail)],
    )
    dead_letters.requeue(mail, by="ann")
    assert attempts.claim(mail, "email", twice.terms) is not None
    db_cursor.execute("UPDATE alert_deliveries SET lease_until = clock_timestamp() WHERE status = 'sending'")
    duties.take_over(twice)
    assert deliveries.standing(mail).status is DeliveryStatus.PENDING


def test_an_sms_whose_answers_were_lost_before_may_lose_one_again(
    courier: Courier, outside: Any, db_cursor: Cursor
) -> None:
    _, sms = _planned("sms")
    for so_far in ("pending", "failed"):
        outside.twilio.script(Reply(fault=Fault.DROP))
        assert _try(courier, "sms", sms, db_cursor)[0] == "unknown"
        look_up(courier, "sms", sms)
        assert deliveries.standing(sms).status == so_far
    dead_letters.requeue(sms, by="ann")
    outside.twilio.script(Reply(fault=Fault.DROP))
    _try(courier, "sms", sms, db_cursor)
    look_up(courier, "sms", sms)
    assert deliveries.standing(sms).status is DeliveryStatus.PENDING


def test_the_alert_shows_it_as_pending_again(courier: Courier, outside: Any, db_cursor: Cursor) -> None:
    alert_id, slack = _planned("slack")
    outside.slack.script(*[Reply(status=400, body=b"invalid_payload")] * 9)
    while _try(courier, "slack", slack, db_cursor)[0] != "failed":
        pass
    assert alerts.get(alert_id, DEMO)["notification_channels"]["slack"] == "failed"
    dead_letters.requeue(slack, by="ann")
    assert alerts.get(alert_id, DEMO)["notification_channels"]["slack"] == "pending"


@pytest.mark.parametrize("how", ["pending", "sent", "resolved"])
def test_only_what_failed_of_an_open_alert_is_sent_again(
    courier: Courier, outside: Any, db_cursor: Cursor, how: str
) -> None:
    alert_id, sms = _planned("sms")
    if how == "resolved":
        outside.twilio.script(Reply(status=400, body=b'{"code": 21610}'))
    if how != "pending":
        _try(courier, "sms", sms, db_cursor)
    if how == "resolved":
        precog.resolve_alert(alert_id, "ann", "fixed")
    before = deliveries.standing(sms)
    assert not dead_letters.requeue(sms, by="ann")
    assert deliveries.standing(sms) == before


def test_a_delivery_is_named_by_the_beginning_of_its_id(courier: Courier) -> None:
    alert_id, sms = _planned("sms")
    for beginning in (str(sms), sms.hex, str(sms)[:8], str(sms)[:10].upper()):
        assert dead_letters.named(beginning, DEMO) == (sms, alert_id)
    for beginning in ("", "xyz", "0" * 33, "-", f"{sms}0"):
        with pytest.raises(UnknownDelivery, match="there is no delivery"):
            dead_letters.named(beginning, DEMO)
    with pytest.raises(UnknownDelivery, match="in environment prod"):
        dead_letters.named(str(sms), Environment.PROD)


def test_a_beginning_that_several_share_is_not_enough(courier: Courier) -> None:
    raised = [precog.log_alert("trouble", "critical", f"component {number}", "trouble") for number in range(3)]
    digits = [each["delivery_id"][0] for alert_id in raised for each in deliveries.of_alert(alert_id)]
    [shared, *_] = [digit for digit in digits if digits.count(digit) > 1]  # eighteen ids, sixteen digits
    with pytest.raises(UnknownDelivery, match="several deliveries begin with"):
        dead_letters.named(shared, DEMO)
