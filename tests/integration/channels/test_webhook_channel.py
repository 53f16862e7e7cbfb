import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from precog.channels.webhook import WebhookChannel, WebhookSettings
from precog.domain.deliveries import Message
from precog.errors import ChannelMisconfigured, PermanentFailure, RateLimited, TransientFailure
from precog.localstack.receivers import Receiver, Reply, receiver

pytestmark = pytest.mark.integration

Make = Callable[..., Message]

NEW, OLD = ("whsec_" + base64.b64encode(letter * 32).decode() for letter in (b"n", b"o"))


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


Open = Callable[..., WebhookChannel]


@pytest.fixture
def opened(server: Receiver, cleanup: ExitStack) -> Open:
    """The channel to `server`, with any setting replaced."""

    def make(**changes: Any) -> WebhookChannel:
        fields = {"url": f"{server.url}/hook", "allow_private": "true", "secret": NEW}
        return cleanup.enter_context(closing(WebhookChannel(WebhookSettings.model_validate(fields | changes))))

    return make


def test_a_receiver_can_verify_the_very_bytes_it_got(server: Receiver, opened: Open, make_message: Make) -> None:
    opened().send(make_message())
    (request,) = server.received
    payload = Webhook(NEW).verify(request.body, dict(request.headers))
    assert payload["type"] == "alert.notified"
    assert payload["data"]["details"]["loss"] == "512.3000"
    assert request.headers["webhook-id"] == "a7f3c2d0-1111-4222-8333-444455556666"


def test_a_changed_body_does_not_verify(server: Receiver, opened: Open, make_message: Make) -> None:
    opened().send(make_message())
    (request,) = server.received
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(request.body.replace(b"critical", b"low"), dict(request.headers))


def test_while_a_secret_is_changed_receivers_with_either_can_verify(
    server: Receiver, opened: Open, make_message: Make
) -> None:
    opened(secret=f"{NEW},{OLD}").send(make_message())
    (request,) = server.received
    for secret in (NEW, OLD):
        Webhook(secret).verify(request.body, dict(request.headers))


def test_a_retry_repeats_the_identity(server: Receiver, opened: Open, make_message: Make) -> None:
    channel = opened()
    channel.send(make_message(attempt=1))
    channel.send(make_message(attempt=2))
    first, second = server.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert json.loads(second.body)["data"]["attempt"] == 2


def test_without_a_secret_nothing_is_signed(server: Receiver, opened: Open, make_message: Make) -> None:
    opened(secret=None).send(make_message())
    assert "webhook-signature" not in server.received[0].headers


def test_a_receiver_that_is_gone_stops_the_channel(server: Receiver, opened: Open, make_message: Make) -> None:
    server.script(Reply(status=410))
    with pytest.raises(ChannelMisconfigured, match="CUSTOM_WEBHOOK_URL"):
        opened().send(make_message())


def test_a_refusal_is_tried_a_few_times_and_then_final(server: Receiver, opened: Open, make_message: Make) -> None:
    server.script(*[Reply(status=404)] * 2)
    channel = opened()
    with pytest.raises(TransientFailure):
        channel.send(make_message(attempt=1))
    with pytest.raises(PermanentFailure):
        channel.send(make_message(attempt=3))


def test_the_pause_that_the_receiver_names_is_passed_on(server: Receiver, opened: Open, make_message: Make) -> None:
    server.script(Reply(status=503, headers=(("Retry-After", "17"),)))
    with pytest.raises(RateLimited) as caught:
        opened().send(make_message())
    assert caught.value.retry_after == 17


def test_a_private_receiver_needs_permission(server: Receiver, opened: Open, make_message: Make) -> None:
    with pytest.raises(ChannelMisconfigured, match="CUSTOM_WEBHOOK_ALLOW_PRIVATE"):
        opened(allow_private="false").send(make_message())
    assert server.received == []


@pytest.mark.parametrize("repeated", [NEW, NEW.removeprefix("whsec_")])
def test_a_receiver_that_repeats_the_signing_secret_gets_it_into_no_error(
    server: Receiver, opened: Open, make_message: Make, repeated: str
) -> None:
    server.script(Reply(status=400, body=f"verified with {repeated}".encode()))
    with pytest.raises(TransientFailure) as raised:
        opened().send(make_message())
    assert "verified with ***" in raised.value.reason
