"""A courier whose six channels lead to receivers on loopback."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from precog.channels.registry import KINDS
from precog.delivery import Courier, open_courier
from precog.localstack.mailbox import Mailbox, mailbox
from precog.localstack.receivers import Receiver, receiver, slack_receiver, twilio_receiver
from precog.settings.load import load_settings
from precog.settings.routes import planned_routes
from precog.store import channels


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Everybody the system talks to."""

    mail: Mailbox
    twilio: Receiver
    slack: Receiver
    webhook: Receiver


@pytest.fixture
def outside() -> Iterator[Outside]:
    with ExitStack() as open_:
        yield Outside(
            mail=open_.enter_context(mailbox()),
            twilio=open_.enter_context(twilio_receiver()),
            slack=open_.enter_context(slack_receiver()),
            webhook=open_.enter_context(receiver()),
        )


@pytest.fixture
def configured(
    precog_env: pytest.MonkeyPatch, outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables of an operator who has set everything up: one address, one phone, one hook each."""
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(outside.mail.port),
        "SMTP_SECURITY": "none",
        "ALERT_FROM_EMAIL": "precog@example.com",
        "DEFAULT_ALERT_EMAILS": "ann@example.com",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "a-token",
        "TWILIO_FROM_NUMBER": "+15550100001",
        "TWILIO_API_BASE_URL": outside.twilio.url,
        "CRITICAL_ALERT_PHONE_NUMBERS": "+15550100002",
        "HIGH_ALERT_PHONE_NUMBERS": "+15550100002",
        "SLACK_WEBHOOK_URL": f"{outside.slack.url}/services/T0/B0/secret",
        "CUSTOM_WEBHOOK_URL": f"{outside.webhook.url}/hook",
        "CUSTOM_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "CUSTOM_WEBHOOK_ALLOW_PRIVATE": "true",
    }.items():
        precog_env.setenv(name, value)


@pytest.fixture
def courier(configured: None) -> Iterator[Courier]:
    settings = load_settings(channels={name: kind.settings for name, kind in KINDS.items()})
    channels.write_routes(settings.environment, planned_routes(settings, KINDS))
    courier = open_courier(settings)
    yield courier
    for each in courier.channels.values():
        each.close()
