import json
from collections.abc import Callable, Iterator

import pytest

from precog.channels.slack import SlackChannel, SlackSettings
from precog.domain.deliveries import Message
from precog.errors import (
    ChannelMisconfigured,
    PermanentFailure,
    RateLimited,
    SendFailure,
    TransientFailure,
    UnknownOutcome,
)
from precog.localstack.receivers import Receiver, Reply, slack_receiver

pytestmark = pytest.mark.integration

Make = Callable[..., Message]


@pytest.fixture
def slack() -> Iterator[Receiver]:
    with slack_receiver() as running:
        yield running


@pytest.fixture
def channel(slack: Receiver) -> Iterator[SlackChannel]:
    opened = SlackChannel(SlackSettings.model_validate({"webhook_url": f"{slack.url}/services/T0/B0/planted"}))
    yield opened
    opened.close()


def test_an_alert_is_posted_as_blocks_with_a_plain_text_beside_them(
    slack: Receiver, channel: SlackChannel, make_message: Make
) -> None:
    channel.send(make_message())
    (request,) = slack.received
    payload = json.loads(request.body)
    assert request.path == "/services/T0/B0/planted"
    assert request.headers["content-type"] == "application/json"
    assert payload["text"].startswith("[DEMO] CRITICAL risk_manager")
    assert payload["blocks"][0]["type"] == "header"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (403, b"invalid_token", ChannelMisconfigured),
        (404, b"no_service", ChannelMisconfigured),
        (410, b"channel_is_archived", ChannelMisconfigured),
        (429, b"rate_limited", RateLimited),
        (500, b"rollup_error", UnknownOutcome),
        (503, b"", TransientFailure),
        (200, b"<html>log in</html>", UnknownOutcome),
        (200, b"invalid_payload", UnknownOutcome),
        (204, b"", UnknownOutcome),
    ],
)
def test_only_200_and_ok_is_an_acceptance(
    slack: Receiver, channel: SlackChannel, make_message: Make, status: int, body: bytes, expected: type[SendFailure]
) -> None:
    slack.script(Reply(status=status, body=body))
    with pytest.raises(SendFailure) as caught:
        channel.send(make_message())
    assert (type(caught.value), caught.value.code) == (expected, str(status))


def test_refused_blocks_are_followed_once_by_plain_text(
    slack: Receiver, channel: SlackChannel, make_message: Make
) -> None:
    slack.script(Reply(status=400, body=b"invalid_blocks"))
    channel.send(make_message())
    payload = json.loads(slack.received[1].body)
    assert "blocks" not in payload
    assert "precog alerts ack 1234" in payload["text"]


def test_refused_plain_text_is_final(slack: Receiver, channel: SlackChannel, make_message: Make) -> None:
    slack.script(*[Reply(status=400, body=b"invalid_payload")] * 2)
    with pytest.raises(PermanentFailure, match="invalid_payload"):
        channel.send(make_message())
    assert len(slack.received) == 2


def test_the_pause_that_slack_names_is_passed_on(slack: Receiver, channel: SlackChannel, make_message: Make) -> None:
    slack.script(Reply(status=429, headers=(("Retry-After", "30"),)))
    with pytest.raises(RateLimited) as caught:
        channel.send(make_message())
    assert caught.value.retry_after == 30
