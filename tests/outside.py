"""Everybody the system talks to, on loopback, and the variables of an operator who has set everything up."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from precog.localstack.mailbox import Mailbox, mailbox
from precog.localstack.receivers import Receiver, Twilio, receiver, slack_receiver, twilio_receiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    mail: Mailbox
    twilio: Twilio
    slack: Receiver
    webhook: Receiver

    def variables(self) -> dict[str, str]:
        """One address, one phone, one hook each."""
        return {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(self.mail.port),
            "SMTP_SECURITY": "none",
            "ALERT_FROM_EMAIL": "precog@example.com",
            "DEFAULT_ALERT_EMAILS": "ann@example.com",
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": "a-token",
            "TWILIO_FROM_NUMBER": "+15550100001",
            "TWILIO_API_BASE_URL": self.twilio.url,
            "CRITICAL_ALERT_PHONE_NUMBERS": "+15550100002",
            "HIGH_ALERT_PHONE_NUMBERS": "+15550100002",
            "SLACK_WEBHOOK_URL": f"{self.slack.url}/services/T0/B0/secret",
            "CUSTOM_WEBHOOK_URL": f"{self.webhook.url}/hook",
            "CUSTOM_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "CUSTOM_WEBHOOK_ALLOW_PRIVATE": "true",
        }


@contextmanager
def outside_world() -> Iterator[Outside]:
    with ExitStack() as running:
        yield Outside(
            mail=running.enter_context(mailbox()),
            twilio=running.enter_context(twilio_receiver()),
            slack=running.enter_context(slack_receiver()),
            webhook=running.enter_context(receiver()),
        )


def documented_variables() -> list[str]:
    """Every variable that Precog reads, set or not."""
    example = Path(__file__).parents[1] / ".env.example"
    return re.findall(r"^#?\s*([A-Z_]+)=", example.read_text(), re.MULTILINE)
