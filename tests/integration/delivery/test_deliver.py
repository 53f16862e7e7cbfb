"""One delivery, from its id to what the outside got, over every channel."""

import json
from typing import Any
from uuid import UUID

import psycopg2
import psycopg2.extensions
import pytest

import precog
from precog.channels.registry import KINDS
from precog.courier import Courier
from precog.delivery import deliver, look_up
from precog.domain.alerts import Environment
from precog.domain.deliveries import DeliveryStatus
from precog.errors import ChannelMisconfigured, PermanentFailure, RateLimited, UnknownOutcome
from precog.localstack.receivers import Fault, Reply
from precog.pauses import pause
from precog.store import alerts, channels, deliveries

pytestmark = pytest.mark.integration

DEMO = Environment.DEMO


def _alert(**changes: Any) -> int:
    arguments = {"severity": "critical", "component": "kalshi_api", "message": "5 failures in 5 minutes"}
    return precog.log_alert("api_failures", **arguments | changes)


def _id(alert_id: int, channel: str) -> UUID:
    return next(UUID(each["delivery_id"]) for each in deliveries.of_alert(alert_id) if each["channel"] == channel)


def _statuses(alert_id: int) -> dict[str, str]:
    return {each["channel"]: each["status"] for each in deliveries.of_alert(alert_id)}


def test_a_critical_alert_reaches_everybody_and_every_attempt_can_be_read_back(
    courier: Courier, outside: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    alert_id = _alert()
    for channel in KINDS:
        deliver(courier, channel, _id(alert_id, channel))
    assert _statuses(alert_id) == dict.fromkeys(KINDS, "sent")
    assert outside.mail.letters[0].recipients == ("ann@example.com",)
    assert outside.twilio.received[0].form["To"] == "+15550100002"
    assert "5 failures" in json.loads(outside.slack.received[0].body)["text"]
    assert outside.webhook.received[0].headers["webhook-id"] == str(_id(alert_id, "webhook"))
    assert "5 failures in 5 minutes" in capfd.readouterr().out
    attempts = deliveries.attempts_of_alert(alert_id)
    assert [(each["attempt"], each["outcome"]) for each in attempts] == [(1, "accepted")] * len(KINDS)
    assert all(each["finished_at"] >= each["started_at"] for each in attempts if each["finished_at"])
    alert = alerts.get(alert_id, DEMO)
    assert alert["notification_sent"]
    assert alert["notification_attempts"] == len(KINDS)


def test_an_acknowledged_incident_that_gets_worse_is_told_from_what_to_what(courier: Courier, outside: Any) -> None:
    precog.acknowledge_alert(_alert(details={"failures": 5}), "ann")
    _alert(details={"failures": 19})
    worse = _alert(details={"failures": 20})
    for channel in ("email", "sms", "slack", "webhook"):
        deliver(courier, channel, _id(worse, channel))
    said = "worse: failures 5 -> 20 (step 20)"
    assert said in str(outside.mail.letters[0].content.get_body(("plain",)))
    assert said in outside.twilio.received[0].form["Body"]
    assert said.replace(">", "&gt;") in outside.slack.received[0].body.decode()
    figure = json.loads(outside.webhook.received[0].body)["data"]["worse"]["figure"]
    assert figure == {"field": "failures", "before": 5, "now": 20, "step": "20"}


def test_a_delivery_that_is_done_is_not_done_again(courier: Courier, outside: Any) -> None:
    alert_id = _alert()
    assert deliver(courier, "slack", _id(alert_id, "slack")) is not None
    assert deliver(courier, "slack", _id(alert_id, "slack")) is None
    assert len(outside.slack.received) == 1


def test_what_fails_for_a_while_waits_as_long_as_the_provider_asks(courier: Courier, outside: Any) -> None:
    alert_id = _alert()
    outside.slack.script(Reply(status=429, headers=(("Retry-After", "300"),)))
    attempt = deliver(courier, "slack", _id(alert_id, "slack"))
    assert attempt is not None
    assert isinstance(attempt.failure, RateLimited)
    assert attempt.ending.status is DeliveryStatus.PENDING
    assert attempt.ending.delay_seconds is not None
    assert attempt.ending.delay_seconds >= 300
    assert deliver(courier, "slack", _id(alert_id, "slack")) is None, "not due yet"


def test_a_refusal_for_good_fails_at_once_with_the_providers_code(courier: Courier, outside: Any) -> None:
    alert_id = _alert()
    outside.mail.refuse("RCPT", "550 5.1.1 no such user")
    attempt = deliver(courier, "email", _id(alert_id, "email"))
    assert attempt is not None
    assert isinstance(attempt.failure, PermanentFailure)
    [failed] = [each for each in deliveries.of_alert(alert_id) if each["channel"] == "email"]
    assert (failed["status"], failed["error_code"]) == ("failed", "550")
    assert "no such user" in str(failed["last_error"])


def test_refused_credentials_pause_the_channel_and_are_said_once_elsewhere(courier: Courier, outside: Any) -> None:
    first, second = _alert(), _alert(component="polymarket_api")
    unauthorised = Reply(status=401, body=b'{"code": 20003, "message": "Authenticate"}')
    outside.twilio.script(unauthorised, unauthorised)
    attempt = deliver(courier, "sms", _id(first, "sms"))
    assert attempt is not None
    assert isinstance(attempt.failure, ChannelMisconfigured)
    assert _statuses(first)["sms"] == "held"
    assert deliver(courier, "sms", _id(second, "sms")) is None, "the channel is paused"
    [pause] = channels.paused(DEMO)
    assert (pause.channel, pause.error_code) == ("sms", "20003")
    said = [each for each in alerts.newest(DEMO) if each["alert_type"] == "channel_paused"]
    assert len(said) == 1
    assert "precog channels resume sms" in said[0]["message"]


def test_no_channel_is_paused_in_silence(courier: Courier, db_cursor: psycopg2.extensions.cursor) -> None:
    refused = ChannelMisconfigured("Twilio refused the account", code="20003")
    db_cursor.execute("ALTER TABLE alerts ADD CONSTRAINT full_disk CHECK (alert_type <> 'channel_paused')")
    with pytest.raises(psycopg2.Error, match="full_disk"):
        pause(DEMO, "sms", refused)
    assert channels.paused(DEMO) == []
    db_cursor.execute("ALTER TABLE alerts DROP CONSTRAINT full_disk")
    for _ in range(2):
        pause(DEMO, "sms", refused)
    assert [each.channel for each in channels.paused(DEMO)] == ["sms"]
    assert [each["alert_type"] for each in alerts.newest(DEMO, duplicates=True)] == ["channel_paused"]


def test_an_sms_without_an_answer_is_unknown_and_found_at_the_provider(courier: Courier, outside: Any) -> None:
    alert_id = _alert()
    outside.twilio.script(Reply(fault=Fault.DROP))
    attempt = deliver(courier, "sms", _id(alert_id, "sms"))
    assert attempt is not None
    assert isinstance(attempt.failure, UnknownOutcome)
    assert _statuses(alert_id)["sms"] == "unknown"
    lost = outside.twilio.received[0].form
    listed = {"sid": "SM" + "7" * 32, "to": lost["To"], "body": lost["Body"], "status": "sent"}
    outside.twilio.script(Reply(body=json.dumps({"messages": [listed], "next_page_uri": None}).encode()))
    look_up(courier, "sms", _id(alert_id, "sms"))
    [sms] = [each for each in deliveries.of_alert(alert_id) if each["channel"] == "sms"]
    assert (sms["status"], sms["provider_message_id"]) == ("sent", "SM" + "7" * 32)
    assert [each["outcome"] for each in deliveries.attempts_of_alert(alert_id)] == ["accepted"]


def test_an_sms_the_provider_never_took_is_sent_once_more_and_then_given_up(courier: Courier, outside: Any) -> None:
    alert_id = _alert()
    for status in ("pending", "failed"):
        outside.twilio.script(Reply(fault=Fault.DROP))
        deliver(courier, "sms", _id(alert_id, "sms"))
        look_up(courier, "sms", _id(alert_id, "sms"))
        assert _statuses(alert_id)["sms"] == status
    assert [each["outcome"] for each in deliveries.attempts_of_alert(alert_id)] == ["unknown", "unknown"]


def test_an_sms_the_provider_never_took_is_not_sent_again_for_a_resolved_alert(courier: Courier, outside: Any) -> None:
    alert_id = _alert()
    outside.twilio.script(Reply(fault=Fault.DROP))
    deliver(courier, "sms", _id(alert_id, "sms"))
    precog.resolve_alert(alert_id, "ann", "fixed")
    look_up(courier, "sms", _id(alert_id, "sms"))
    assert _statuses(alert_id)["sms"] == "cancelled"


def test_a_channel_that_breaks_is_an_unknown_outcome_and_never_ends_the_worker(
    courier: Courier, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    alert_id = _alert()

    def broken(_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(courier.channels["slack"], "send", broken)
    attempt = deliver(courier, "slack", _id(alert_id, "slack"))
    assert attempt is not None
    assert attempt.ending.attempt_code == "channel_broke"
    assert _statuses(alert_id)["slack"] == "pending"
    assert "a channel broke" in caplog.text


def test_a_channel_that_is_off_here_leaves_the_delivery_to_others(
    courier: Courier, caplog: pytest.LogCaptureFixture
) -> None:
    alert_id = _alert()
    assert deliver(courier, "pigeon", _id(alert_id, "slack")) is None
    assert "off here" in caplog.text
    assert _statuses(alert_id)["slack"] == "pending"


def test_a_delivery_that_nobody_made_is_dropped_with_a_warning(
    courier: Courier, caplog: pytest.LogCaptureFixture
) -> None:
    assert deliver(courier, "slack", UUID(int=7)) is None
    assert "does not exist" in caplog.text


def test_nothing_of_the_alert_is_in_the_log_but_its_ids(courier: Courier, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    alert_id = _alert(message="a very private sentence")
    for channel in KINDS:
        deliver(courier, channel, _id(alert_id, channel))
    finished = [record for record in caplog.records if record.message == "attempt finished"]
    assert {record.__dict__["channel"] for record in finished} == set(KINDS)
    shown = json.dumps([record.__dict__ for record in caplog.records if record.name.startswith("precog")], default=str)
    for private in ("a very private sentence", "ann@example.com", "+15550100002", "secret", "a-token"):
        assert private not in shown
