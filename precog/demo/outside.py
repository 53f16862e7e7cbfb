"""The world outside, played on loopback: who gets what Precog sends, and what each of them really took."""

import base64
import json
import re
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from uuid import UUID

from standardwebhooks import Webhook

from precog.demo.story import LIMIT, REJECTED
from precog.domain.records import AlertRecord, DeliveryRecord
from precog.localstack.mailbox import Mailbox, mailbox
from precog.localstack.receivers import Fault, Received, Receiver, Reply, receiver, slack_receiver, twilio_receiver
from precog.render.sms import reference

Mark = tuple[str, str]
"""A channel, and what tells one message on it from another."""


class PlayedWebhook:
    """Refuses the trade's alert once, and, if it is to hang, never answers the first request about the loss limit."""

    def __init__(self, *, hangs: bool) -> None:
        self.key = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        self.took: list[Received] = []
        self.refused = 0
        self.hanging = Event()
        self._replies = {REJECTED.alert_type: Reply(status=503, body=b"deploying", headers=(("Retry-After", "1"),))}
        if hangs:
            self._replies[LIMIT.alert_type] = Reply(fault=Fault.HANG)
        self._lock = Lock()

    def answer(self, request: Received) -> Reply:
        Webhook(self.key).verify(request.body, dict(request.headers))  # one not signed by us gets no answer at all
        with self._lock:
            reply = self._replies.pop(json.loads(request.body)["data"]["alert_type"], None)
            if reply is None:
                self.took.append(request)
            elif reply.fault is None:
                self.refused += 1
            else:
                self.hanging.set()
        return reply or Reply(status=202)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    mail: Mailbox
    sms: Receiver
    slack: Receiver
    webhook: Receiver
    played: PlayedWebhook
    directory: Path
    """Where the workers' standard output and the alert file are."""
    secret_path: str = field(default_factory=lambda: secrets.token_hex(8), repr=False)

    @property
    def alert_file(self) -> Path:
        return self.directory / "alerts.jsonl"

    def variables(self) -> dict[str, str]:
        """What an operator would put into .env."""
        return {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(self.mail.port),
            "SMTP_SECURITY": "none",
            "ALERT_FROM_EMAIL": "precog@example.com",
            "CRITICAL_ALERT_EMAILS": "oncall@example.com,risk@example.com",
            "HIGH_ALERT_EMAILS": "oncall@example.com",
            "DEFAULT_ALERT_EMAILS": "desk@example.com",
            "TWILIO_ACCOUNT_SID": f"AC{secrets.token_hex(16)}",
            "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
            "TWILIO_FROM_NUMBER": "+15550100100",
            "TWILIO_API_BASE_URL": self.sms.url,
            "CRITICAL_ALERT_PHONE_NUMBERS": "+15550100123",
            "HIGH_ALERT_PHONE_NUMBERS": "+15550100123",
            "SLACK_WEBHOOK_URL": f"{self.slack.url}/services/{self.secret_path}",
            "SLACK_ALERT_CHANNEL": "#trading-alerts",
            "CUSTOM_WEBHOOK_URL": f"{self.webhook.url}/{self.secret_path}",
            "CUSTOM_WEBHOOK_SECRET": self.played.key,
            "CUSTOM_WEBHOOK_ALLOW_PRIVATE": "true",
        }

    def console_text(self) -> str:
        """All that the workers wrote to their standard output."""
        return "".join(log.read_text(errors="replace") for log in sorted((self.directory / "log").glob("worker*.log")))

    def file_lines(self) -> list[str]:
        return self.alert_file.read_text().splitlines() if self.alert_file.exists() else []

    def subjects(self) -> list[str]:
        return [str(letter.content["Subject"]) for letter in self.mail.letters]

    def sms_texts(self) -> list[str]:
        return [request.form["Body"] for request in self.sms.received if request.method == "POST"]

    def slack_texts(self) -> list[str]:
        return [str(json.loads(request.body)["text"]) for request in self.slack.received]

    def received(self) -> Counter[Mark]:
        """Every message that was taken, and how often."""
        marks = {
            "console": re.findall(r"#(\d+)$", self.console_text(), re.MULTILINE),
            "file": [str(json.loads(line)["delivery_id"]) for line in self.file_lines()],
            "email": [str(letter.content["Message-ID"])[1:].partition("@")[0] for letter in self.mail.letters],
            "sms": [text[-len("[abcdef]") :] for text in self.sms_texts()],
            "slack": [text.partition(": ")[2] for text in self.slack_texts()],
            "webhook": [request.headers["webhook-id"] for request in self.played.took],
        }
        return Counter((channel, mark) for channel, found in marks.items() for mark in found)


def mark_of(alert: AlertRecord, delivery: DeliveryRecord) -> Mark:
    """How the message of this delivery is found in what was received."""
    match delivery["channel"]:
        case "console":
            mark = str(alert["alert_id"])
        case "slack":
            mark = alert["message"]
        case "sms":
            mark = reference(UUID(delivery["delivery_id"]))
        case _:
            mark = delivery["delivery_id"]
    return delivery["channel"], mark


@contextmanager
def outside_world(directory: Path, *, webhook_hangs: bool) -> Iterator[Outside]:
    played = PlayedWebhook(hangs=webhook_hangs)
    with ExitStack() as running:
        yield Outside(
            mail=running.enter_context(mailbox()),
            sms=running.enter_context(twilio_receiver()),
            slack=running.enter_context(slack_receiver()),
            webhook=running.enter_context(receiver(played.answer)),
            played=played,
            directory=directory,
        )
