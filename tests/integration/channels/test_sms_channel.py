import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from uuid import UUID

import pytest

from precog.channels.sms import SmsChannel, SmsSettings
from precog.domain.deliveries import Message, ReceiptState
from precog.errors import (
    ChannelMisconfigured,
    PermanentFailure,
    RateLimited,
    SendFailure,
    UnknownOutcome,
)
from precog.localstack.receivers import Fault, Receiver, Reply, twilio_receiver
from precog.render.segments import segments

pytestmark = pytest.mark.integration

Make = Callable[..., Message]

ACCOUNT = "AC" + "0123456789abcdef" * 2
NUMBER = "+14155550123"


@pytest.fixture
def twilio() -> Iterator[Receiver]:
    with twilio_receiver() as running:
        yield running


@pytest.fixture
def settings(twilio: Receiver) -> SmsSettings:
    fields: dict[str, Any] = {
        "account_sid": ACCOUNT,
        "auth_token": "planted-token",
        "from_number": "+14155550100",
        "recipients": {"critical": NUMBER},
        "api_base_url": twilio.url,
        "timeout_seconds": 2,
    }
    return SmsSettings.model_validate(fields)


@pytest.fixture
def channel(settings: SmsSettings) -> Iterator[SmsChannel]:
    with closing(SmsChannel(settings)) as opened:
        yield opened


@pytest.fixture
def sms(make_message: Make) -> Message:
    return make_message(channel="sms", recipient=NUMBER)


def refused(status: int, code: int) -> Reply:
    return Reply(status=status, body=json.dumps({"code": code, "message": "no", "status": status}).encode())


def test_an_sms_is_asked_for_with_everything_that_bounds_it(
    twilio: Receiver, channel: SmsChannel, sms: Message
) -> None:
    receipt = channel.send(sms)
    (request,) = twilio.received
    assert request.path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert request.form["To"] == NUMBER
    assert request.form["From"] == "+14155550100"
    assert request.form["ValidityPeriod"] == "900"
    assert request.form["Body"].endswith("Ack: precog alerts ack 1234 [a7f3c2]")
    assert segments(request.form["Body"]) <= 3
    assert (receipt.provider_message_id, receipt.state) == (f"SM{1:032x}", ReceiptState.QUEUED)


@pytest.mark.parametrize(
    ("reply", "expected", "code"),
    [
        (refused(400, 21211), PermanentFailure, "21211"),
        (refused(400, 21610), PermanentFailure, "21610"),
        (refused(401, 20003), ChannelMisconfigured, "20003"),
        (refused(404, 20404), ChannelMisconfigured, "20404"),
        (refused(429, 20429), RateLimited, "20429"),
        (refused(429, 63038), RateLimited, "63038"),
        (refused(500, 20500), UnknownOutcome, "20500"),
        (Reply(status=502, body=b"<html>"), UnknownOutcome, "502"),
        (Reply(status=307, headers=(("Location", "http://127.0.0.1:9/"),)), ChannelMisconfigured, "307"),
        (Reply(status=201, body=b"<html>"), UnknownOutcome, "no_answer"),
        (Reply(status=201, body=b"{}"), UnknownOutcome, "no_answer"),
        (Reply(fault=Fault.HANG), UnknownOutcome, "timeout"),
        (Reply(fault=Fault.DROP), UnknownOutcome, "no_answer"),
    ],
)
def test_an_answer_of_twilio_says_what_to_do(
    twilio: Receiver, channel: SmsChannel, sms: Message, reply: Reply, expected: type[SendFailure], code: str
) -> None:
    twilio.script(reply)
    with pytest.raises(SendFailure) as caught:
        channel.send(sms)
    assert (type(caught.value), caught.value.code) == (expected, code)
    assert len(twilio.received) == 1


def test_twilios_own_pause_is_kept_although_its_library_drops_the_header(
    twilio: Receiver, channel: SmsChannel, sms: Message
) -> None:
    twilio.script(Reply(status=429, body=b'{"code": 20429}', headers=(("Retry-After", "30"),)))
    with pytest.raises(RateLimited) as caught:
        channel.send(sms)
    assert caught.value.retry_after == 30


def test_a_message_whose_answer_was_lost_is_found_by_its_reference(
    channel: SmsChannel, sms: Message, make_message: Make
) -> None:
    assert channel.find(sms) is None
    sent = channel.send(sms)
    found = channel.find(sms)
    assert found is not None
    assert found.provider_message_id == sent.provider_message_id


def test_it_is_found_behind_many_long_messages(channel: SmsChannel, sms: Message, make_message: Make) -> None:
    sent = channel.send(sms)
    for number in range(60):
        channel.send(make_message(recipient=NUMBER, delivery_id=UUID(int=number), message="ё" * 500))
    found = channel.find(sms)
    assert found is not None
    assert found.provider_message_id == sent.provider_message_id


def test_another_message_to_the_same_number_is_not_taken_for_it(
    channel: SmsChannel, sms: Message, make_message: Make
) -> None:
    channel.send(make_message(recipient=NUMBER, delivery_id=UUID(int=9), message="I quote [a7f3c2] in my text"))
    assert channel.find(sms) is None


def test_a_provider_that_cannot_be_asked_is_a_failure_and_not_a_no(
    twilio: Receiver, channel: SmsChannel, sms: Message
) -> None:
    twilio.script(refused(503, 20503))
    with pytest.raises(SendFailure):
        channel.find(sms)


def test_the_library_does_not_read_the_process_environment(
    twilio: Receiver, settings: SmsSettings, sms: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    monkeypatch.setenv("TWILIO_REGION", "au1")
    with closing(SmsChannel(settings)) as channel:
        channel.send(sms)
    assert len(twilio.received) == 1
