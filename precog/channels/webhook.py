"""The webhook channel: a JSON body signed as standardwebhooks.com says, so that a receiver can tell it is ours."""

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Self

from pydantic import Field, FilePath, SecretStr, model_validator
from standardwebhooks import Webhook

from precog.channels.base import ChannelKind
from precog.channels.http import Door, checked_url, refusal, url_secrets
from precog.domain.alerts import Severity
from precog.domain.deliveries import Message, Receipt
from precog.errors import ChannelMisconfigured
from precog.render.payload import webhook_payload
from precog.settings.channel import ChannelSettings
from precog.settings.types import Seconds

_PREFIX = "whsec_"


class WebhookSettings(ChannelSettings):
    url: SecretStr
    secret: SecretStr | None = None
    """`whsec_` and base64 of 24 to 64 bytes; while it is being changed, the new and the old one with a comma between.

    Without it the body goes unsigned.
    """
    allow_private: bool = False
    """Whether the host may be on a private or loopback address."""
    ca_file: FilePath | None = None
    """A PEM file of authorities to trust instead of the usual ones."""
    timeout_seconds: Seconds = 10
    """For the whole exchange."""
    name: str = Field(default="webhook", min_length=1)
    """What deliveries call it: the recipient."""

    @model_validator(mode="after")
    def _safe(self) -> Self:
        checked_url(self.url.get_secret_value(), allow_private=self.allow_private)
        for secret in self.secrets():
            _checked_secret(secret)
        return self

    def secrets(self) -> list[str]:
        text = self.secret.get_secret_value() if self.secret else ""
        return [part for part in re.split(r"[\s,]+", text) if part]


def _checked_secret(secret: str) -> None:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX) + "==", validate=False)
    except binascii.Error:
        key = b""
    if not secret.startswith(_PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError("secret must be whsec_ and the base64 of 24 to 64 random bytes")


class WebhookChannel:
    def __init__(self, settings: WebhookSettings) -> None:
        self._url = settings.url.get_secret_value()
        self._signers = [Webhook(secret) for secret in settings.secrets()]
        self._door = Door(
            # Its base64 too: a receiver that shows what it verifies with may leave the prefix out.
            secrets=[
                *url_secrets(self._url),
                *settings.secrets(),
                *(secret.removeprefix(_PREFIX) for secret in settings.secrets()),
            ],
            allow_private=settings.allow_private,
            ca_file=settings.ca_file,
            seconds=settings.timeout_seconds,
        )

    def send(self, message: Message) -> Receipt:
        body = webhook_payload(message)
        headers = self._headers(str(message.delivery_id), body, now=datetime.now(UTC))
        answer = self._door.post(self._url, body, headers)
        if answer.accepted:
            return Receipt(detail=self._door.explain(answer))
        reason = f"the webhook {self._door.explain(answer)}"
        if answer.status == 410:
            raise ChannelMisconfigured(f"{reason}; it is gone: set CUSTOM_WEBHOOK_URL to its new place", code="410")
        raise refusal(answer, reason, attempt=message.attempt)

    def close(self) -> None:
        self._door.close()

    def _headers(self, message_id: str, body: bytes, *, now: datetime) -> dict[str, str]:
        """The identity is the delivery's and so the same on every try; the time is this try's, against replays."""
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
        }
        if self._signers:
            signatures = (signer.sign(message_id, now, body.decode()) for signer in self._signers)
            headers["webhook-signature"] = " ".join(signatures)
        return headers


def _recipients(settings: WebhookSettings, severity: Severity) -> tuple[str, ...]:
    del severity
    return (settings.name,)


WEBHOOK = ChannelKind(
    name="webhook", settings=WebhookSettings, open=WebhookChannel, recipients=_recipients, remote=True
)
