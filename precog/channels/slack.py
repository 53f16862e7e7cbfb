"""The Slack channel: an incoming webhook, whose URL is the secret."""

from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

import requests
from pydantic import Field, SecretStr, model_validator

from precog.channels.base import ChannelKind
from precog.channels.http import Answer, Door, checked_url, refusal, url_secrets
from precog.domain.alerts import Json, Severity
from precog.domain.deliveries import Message, Receipt
from precog.errors import ChannelMisconfigured, PermanentFailure, SendFailure, UnknownOutcome
from precog.render.slack import plain_payload, slack_payload
from precog.settings.channel import ChannelSettings
from precog.settings.types import Seconds

CLOSED = frozenset({401, 403, 404, 410})
"""No message passes any more: the app was removed, the channel archived, posting forbidden."""


class SlackSettings(ChannelSettings):
    webhook_url: SecretStr
    timeout_seconds: Seconds = 10
    """For one exchange; a message whose form Slack refuses takes two."""
    channel: str = Field(default="slack", min_length=1)
    """What deliveries call it: the recipient. Where messages go is fixed in the webhook itself."""

    @model_validator(mode="after")
    def _safe(self) -> Self:
        parts = urlsplit(checked_url(self.webhook_url.get_secret_value(), allow_private=True))
        if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
            raise ValueError("webhook_url must begin with https://")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class SlackChannel:
    def __init__(self, settings: SlackSettings) -> None:
        self._url = settings.webhook_url.get_secret_value()
        self._door = Door(secrets=url_secrets(self._url), seconds=settings.timeout_seconds)

    def send(self, message: Message) -> Receipt:
        answer = self._post(slack_payload(message))
        if answer.status == 400:  # the blocks were refused: an alert in plain words is better than none
            answer = self._post(plain_payload(message))
        if answer.status == 200 and answer.body.strip() == "ok":
            return Receipt(detail="ok")
        raise self._refused(answer, message.attempt)

    def close(self) -> None:
        self._door.close()

    def _post(self, payload: dict[str, Json]) -> Answer:
        return self._door.send(requests.Request("POST", self._url, json=payload))

    def _refused(self, answer: Answer, attempt: int) -> SendFailure:
        reason = f"Slack {self._door.explain(answer)}"
        code = str(answer.status)
        if answer.accepted:
            return UnknownOutcome(f"{reason}; only 'ok' with 200 is an acceptance", code=code)
        if answer.status == 400:
            return PermanentFailure(reason, code=code)
        if answer.status in CLOSED:
            return ChannelMisconfigured(f"{reason}; set SLACK_WEBHOOK_URL to a webhook that is in use", code=code)
        return refusal(answer, reason, attempt=attempt)


def _recipients(settings: SlackSettings, severity: Severity) -> tuple[str, ...]:
    del severity
    return (settings.channel,)


SLACK = ChannelKind(name="slack", settings=SlackSettings, open=SlackChannel, recipients=_recipients, remote=True)
