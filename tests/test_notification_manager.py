"""Sending over one channel now, and hearing at once what became of it: against receivers on loopback."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from precog.channels.registry import KINDS
from precog.domain.alerts import Environment
from precog.domain.deliveries import ReceiptState
from precog.errors import (
    AlertTypeError,
    AlertValueError,
    ChannelMisconfigured,
    ConfigError,
    PermanentFailure,
    RateLimited,
    SmsLimitReached,
    TransientFailure,
    UnknownOutcome,
)
from precog.localstack.receivers import Fault, Reply
from precog.notification_manager import (
    route_alert,
    send_alert,
    send_email_alert,
    send_slack_alert,
    send_sms_alert,
    send_webhook_alert,
)
from precog.settings.load import load_settings
from precog.settings.routes import planned_routes
from precog.store import alerts, channels, deliveries
from tests.outside import Outside

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("configured")]

DEMO = Environment.DEMO
PHONE = "+15550100002"


def _newest() -> dict[str, Any]:
    return dict(alerts.newest(DEMO)[0])


def _deliveries() -> list[tuple[str, str, int]]:
    """Channel, status and attempts of each delivery of the newest alert."""
    return [(each["channel"], each["status"], each["attempts"]) for each in deliveries.of_alert(_newest()["alert_id"])]


def _outcomes() -> list[str | None]:
    return [each["outcome"] for each in deliveries.attempts_of_alert(_newest()["alert_id"])]


def test_a_mail_goes_to_everybody_of_its_severity_and_each_gives_a_receipt(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIGH_ALERT_EMAILS", "ann@example.com,bob@example.com")
    receipts = send_email_alert("high", "trade_failed", "order rejected", {"market_id": 7})
    assert len(receipts) == 2
    assert {letter.recipients for letter in outside.mail.letters} == {("ann@example.com",), ("bob@example.com",)}
    body = outside.mail.letters[0].content.get_body(("plain",))
    assert body is not None
    assert "order rejected" in body.get_content()
    assert _deliveries() == [("email", "sent", 1)] * 2


def test_a_refused_mailbox_is_raised_after_all_the_others_got_their_mail(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIGH_ALERT_EMAILS", "ann@example.com,bob@example.com")
    outside.mail.refuse("RCPT", "550 5.1.1 no such user")
    with pytest.raises(PermanentFailure, match="no such user") as refused:
        send_email_alert("high", "trade_failed", "order rejected")
    assert refused.value.code == "550"
    assert [letter.recipients for letter in outside.mail.letters] == [("bob@example.com",)]
    assert sorted(_deliveries()) == [("email", "failed", 1), ("email", "sent", 1)]


def test_an_sms_gives_the_providers_id(outside: Outside) -> None:
    receipt = send_sms_alert("critical", "api_failures", "5 failures", PHONE)
    assert receipt.provider_message_id == f"SM{1:032x}"
    assert receipt.state is ReceiptState.QUEUED
    assert outside.twilio.received[0].form["To"] == PHONE
    assert _deliveries() == [("sms", "sent", 1)]
    assert _outcomes() == ["accepted"]


def test_a_slack_message_and_a_webhook_give_receipts(outside: Outside) -> None:
    assert send_slack_alert("high", "api_failures", "5 failures", {"platform_id": 3}).detail == "ok"
    assert "5 failures" in json.loads(outside.slack.received[0].body)["text"]
    assert "200" in send_webhook_alert("high", "api_failures", "5 failures", {"platform_id": 3}).detail
    assert json.loads(outside.webhook.received[0].body)["data"]["details"] == {"platform_id": 3}


def test_each_send_is_an_alert_of_its_own_and_never_a_duplicate(outside: Outside) -> None:
    send_slack_alert("high", "api_failures", "again")
    send_slack_alert("high", "api_failures", "again")
    assert len(outside.slack.received) == 2
    first, second = alerts.newest(DEMO)
    assert {first["component"], second["component"]} == {"notification_manager"}
    assert (first["duplicate_of"], second["duplicate_of"]) == (None, None)
    assert second["notification_sent"]


@pytest.mark.parametrize(
    ("reply", "failure", "code", "status", "outcome"),
    [
        (Reply(status=429, headers=(("Retry-After", "30"),)), RateLimited, "429", "pending", "transient"),
        (Reply(status=503), TransientFailure, "503", "pending", "transient"),
        (Reply(status=500), UnknownOutcome, "500", "pending", "unknown"),
        (Reply(fault=Fault.DROP), UnknownOutcome, "no_answer", "pending", "unknown"),
        (Reply(status=404, body=b"no_service"), ChannelMisconfigured, "404", "held", "refused"),
    ],
)
def test_a_failure_is_raised_as_what_it_means_and_is_on_record(
    outside: Outside, reply: Reply, failure: type[Exception], code: str, status: str, outcome: str
) -> None:
    outside.slack.script(reply)
    with pytest.raises(failure) as raised:
        send_slack_alert("high", "api_failures", "5 failures")
    assert type(raised.value) is failure
    assert raised.value.code == code  # type: ignore[attr-defined]
    [sent] = [each for each in alerts.newest(DEMO) if each["component"] == "notification_manager"]
    [delivery] = deliveries.of_alert(sent["alert_id"])
    [attempt] = deliveries.attempts_of_alert(sent["alert_id"])
    assert (delivery["status"], attempt["outcome"], attempt["error_code"]) == (status, outcome, code)
    assert attempt["finished_at"] is not None


def test_a_paused_channel_is_refused_with_what_to_do_and_the_message_waits(outside: Outside) -> None:
    channels.pause(DEMO, "slack", error_code="404", reason="the app was removed")
    with pytest.raises(ChannelMisconfigured, match="the app was removed; mend it, then `precog channels resume slack`"):
        send_slack_alert("high", "api_failures", "5 failures")
    assert outside.slack.received == []


def test_the_sixth_sms_within_an_hour_is_held_and_the_caller_hears_until_when(outside: Outside) -> None:
    for _ in range(5):
        send_sms_alert("critical", "api_failures", "5 failures", PHONE)
    with pytest.raises(SmsLimitReached) as over:
        send_sms_alert("critical", "api_failures", "5 failures", PHONE)
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    assert in_an_hour - timedelta(minutes=1) < over.value.frees_at <= in_an_hour
    assert _deliveries() == [("sms", "held", 0)]
    assert _outcomes() == []
    assert len(outside.twilio.received) == 5


def test_a_number_that_cannot_be_one_is_refused_before_anything_is_sent(outside: Outside) -> None:
    with pytest.raises(AlertValueError, match=r"phone_number: not a phone number with [+] and its country code"):
        send_sms_alert("critical", "api_failures", "5 failures", "555-1234")
    assert outside.twilio.received == []


@pytest.mark.parametrize(
    ("channel", "variable"),
    [("email", "SMTP_HOST"), ("sms", "TWILIO_ACCOUNT_SID"), ("slack", "SLACK_WEBHOOK"), ("webhook", "CUSTOM_WEBHOOK")],
)
def test_a_channel_that_is_off_says_which_variable_is_not_set(
    monkeypatch: pytest.MonkeyPatch, outside: Outside, channel: str, variable: str
) -> None:
    family = {"email": ("SMTP", "ALERT_FROM", "DEFAULT"), "sms": ("TWILIO", "CRITICAL", "HIGH")}.get(
        channel, (variable,)
    )
    for name in outside.variables():
        if name.startswith(family):
            monkeypatch.delenv(name)
    with pytest.raises(ConfigError, match=rf"notifications.{channel}: is off: .*{variable}"):
        send_alert(channel, "critical", "api_failures", "5 failures")
    assert alerts.newest(DEMO) == []


def test_nobody_to_mail_is_an_error_and_not_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEFAULT_ALERT_EMAILS")
    monkeypatch.setenv("CRITICAL_ALERT_EMAILS", "ann@example.com")
    with pytest.raises(ConfigError, match=r"notifications[.]email: names nobody for low alerts"):
        send_email_alert("low", "api_failures", "5 failures")


def test_an_unknown_channel_is_answered_with_the_known_ones() -> None:
    with pytest.raises(AlertValueError, match=f"channel: 'emial' is not one of {', '.join(KINDS)}.*email"):
        send_alert("emial", "high", "api_failures", "5 failures")


def test_a_mistake_in_the_call_is_named_and_nothing_is_written(outside: Outside) -> None:
    with pytest.raises(AlertValueError, match="severity: 'critcal' is not one of"):
        send_slack_alert("critcal", "api_failures", "5 failures")
    with pytest.raises(AlertTypeError, match="message: expected str"):
        send_slack_alert("high", "api_failures", 7)  # type: ignore[arg-type]
    assert alerts.newest(DEMO) == []
    assert outside.slack.received == []


@pytest.mark.parametrize("channel", KINDS)
def test_every_channel_can_be_asked_for_by_name(outside: Outside, channel: str) -> None:
    receipt = send_alert(channel, "critical", "api_failures", "5 failures")
    assert receipt is not None
    assert _deliveries() == [(channel, "sent", 1)]


def test_one_recipient_is_told_where_one_is_named(outside: Outside) -> None:
    send_alert("email", "high", "api_failures", "5 failures", recipient="carol@example.com")
    assert [letter.recipients for letter in outside.mail.letters] == [("carol@example.com",)]


def test_an_address_that_cannot_be_one_is_refused_and_nothing_is_written(outside: Outside) -> None:
    with pytest.raises(AlertValueError, match="recipient: not a mail address"):
        send_alert("email", "high", "api_failures", "5 failures", recipient="carol@example.com\nBcc: all@example.com")
    assert alerts.newest(DEMO) == []


def test_a_routed_alert_is_planned_for_every_channel_of_its_severity_and_left_to_the_workers(outside: Outside) -> None:
    settings = load_settings(channels={name: kind.settings for name, kind in KINDS.items()})
    channels.write_routes(DEMO, planned_routes(settings, KINDS))
    first = route_alert("medium", "api_failures", "5 failures", {"platform_id": 3})
    second = route_alert("medium", "api_failures", "5 failures", {"platform_id": 3})
    assert first != second
    for alert_id in (first, second):
        planned = {each["channel"]: each["status"] for each in deliveries.of_alert(alert_id)}
        assert planned == {"console": "pending", "file": "pending", "email": "pending"}
