"""The receiver of the notification guide, run as it is written there, takes our webhooks and nothing else."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import requests
from standardwebhooks import Webhook

from precog.channels.webhook import WebhookChannel, WebhookSettings
from precog.domain.deliveries import Message
from precog.errors import TransientFailure
from precog.localstack.server import free_port
from tests.documents import CHECKOUT, blocks

pytestmark = pytest.mark.integration

GUIDE = "docs/NOTIFICATION_SYSTEM_GUIDE.md"
SECRET, OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

Make = Callable[..., Message]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    url: str
    process: subprocess.Popen[str]

    def printed(self) -> list[str]:
        """What it acted on; it has ended after this."""
        self.process.terminate()
        return self.process.communicate(timeout=10)[0].splitlines()


@pytest.fixture
def receiver() -> Iterator[Running]:
    [block] = [each for each in blocks(CHECKOUT / GUIDE) if each.run_by and each.run_by in __file__.replace("\\", "/")]
    port = free_port()
    environment = {"CUSTOM_WEBHOOK_SECRET": SECRET, "PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, "-c", block.text],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        _wait_until_it_listens(port, process)
        yield Running(url=f"http://127.0.0.1:{port}", process=process)
        process.kill()


def _wait_until_it_listens(port: int, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("the receiver does not listen")


def _channel(receiver: Running, secret: str = SECRET) -> WebhookChannel:
    fields = {"url": receiver.url, "secret": secret, "allow_private": "true"}
    return WebhookChannel(WebhookSettings.model_validate(fields))


def test_it_takes_an_alert_and_acts_once_on_its_repetition(receiver: Running, make_message: Make) -> None:
    channel = _channel(receiver)
    channel.send(make_message())
    channel.send(make_message(attempt=2))
    assert receiver.printed() == ["critical alert 1234: Daily loss limit reached, trading is halted"]


def test_either_of_two_secrets_will_do_while_one_is_changed(receiver: Running, make_message: Make) -> None:
    _channel(receiver, secret=f"{OTHER},{SECRET}").send(make_message())
    assert len(receiver.printed()) == 1


def test_it_takes_nothing_that_is_signed_with_another_secret(receiver: Running, make_message: Make) -> None:
    with pytest.raises(TransientFailure) as refused:
        _channel(receiver, secret=OTHER).send(make_message())
    assert refused.value.code == "401"
    assert receiver.printed() == []


@pytest.mark.parametrize("minutes", [-6, 6])
def test_it_takes_nothing_that_was_signed_at_another_time(receiver: Running, minutes: int) -> None:
    moment = datetime.now(UTC) + timedelta(minutes=minutes)
    assert _post(receiver, moment=moment) == 401
    assert receiver.printed() == []


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_it_takes_nothing_without_all_three_headers(receiver: Running, missing: str) -> None:
    assert _post(receiver, without=missing) == 401


def test_it_takes_no_changed_body(receiver: Running) -> None:
    assert _post(receiver, sent='{"data": {"severity": "low"}}') == 401


def _post(receiver: Running, *, moment: datetime | None = None, without: str = "", sent: str | None = None) -> int:
    """The answer to a webhook that another program signs, with something wrong about it."""
    moment, body = moment or datetime.now(UTC), '{"data": {"severity": "high", "alert_id": 1, "message": "m"}}'
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_1", moment, body),
    }
    headers.pop(without, None)
    return requests.post(receiver.url, data=sent or body, headers=headers, timeout=10).status_code
