"""The SMS channel: Twilio's Messages, through Twilio's library and our own door."""

import json
from collections.abc import Mapping
from ipaddress import ip_address
from types import MappingProxyType
from typing import Annotated, Self
from urllib.parse import urlsplit
from uuid import UUID

import phonenumbers
import requests
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from twilio.http.response import Response

from precog.channels.base import ChannelKind
from precog.channels.http import Answer, Door, checked_url
from precog.channels.sms_receipts import BROKEN, callback_url, receipt
from precog.domain.alerts import Severity
from precog.domain.deliveries import Message, Receipt
from precog.errors import ChannelMisconfigured, PermanentFailure, RateLimited, SendFailure, UnknownOutcome
from precog.render.sms import reference, sms_text
from precog.settings.channel import ChannelSettings, comma_separated
from precog.settings.types import Seconds

_LOOK_BACK = 100
"""Messages to one number that are searched for a lost one: several days' worth of the limit."""
_PAGE_LIMIT = 1_000_000
"""Bytes of an answer: so many messages, each with its text, fill more than a door reads by itself."""

MISCONFIGURED: Mapping[int, str] = MappingProxyType(
    {
        20003: "credentials refused",
        20005: "account not active",
        20404: "no such account",
        21212: "sending number not valid",
        21603: "no sending number",
        21606: "sending number not ours, or without SMS",
        21660: "sending number of another account",
        **BROKEN,
    }
)
"""No message passes until a person mends the account or the configuration."""
PAUSES: Mapping[int, float | None] = MappingProxyType(
    {
        20429: None,  # too many requests; never processed
        21611: 300.0,  # the number's queue is full
        30001: 300.0,  # queue overflow
        30017: 60.0,  # carrier congestion
        30022: 60.0,  # carrier rate
        60728: 3600.0,  # hourly limit
        63017: 60.0,  # rate
        63038: 4 * 3600.0,  # the account's limit in a rolling day
    }
)
"""Surely not sent; seconds before the next try. https://www.twilio.com/docs/api/errors explains each code.

Every other 4xx concerns this message or this recipient and is permanent: 21211 not a number, 21408 a country that is
not allowed, 21610 a recipient who said STOP, 21614 a landline, and so on.
"""


def phone_number(text: str) -> str:
    """`text` in E.164, or a ValueError that says what is wrong."""
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        raise ValueError("not a phone number with + and its country code, such as +15550100123") from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError("no phone number of that country has this many digits")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _reachable(url: str) -> str:
    """`url` without its last slash if Twilio can call back there, or a ValueError that says why it cannot."""
    parts = urlsplit(checked_url(url, allow_private=True))
    if parts.query or parts.fragment:
        raise ValueError("the address of a server, without ? and #")
    if "_" in (parts.hostname or ""):
        raise ValueError("Twilio calls no host whose name holds an underscore")
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise ValueError("reports name phone numbers and go over https; http is for a server on this machine only")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


PhoneNumber = Annotated[str, AfterValidator(phone_number)]
PhoneNumbers = Annotated[tuple[PhoneNumber, ...], BeforeValidator(comma_separated)]


class SmsRecipients(BaseModel):
    """Medium and low alerts go to nobody by SMS."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    critical: PhoneNumbers = ()
    high: PhoneNumbers = ()

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not (self.critical or self.high):
            raise ValueError("nobody is named; give critical a number")
        return self


class SmsLimits(BaseModel):
    """Of all numbers together. What is reserved for critical alerts, no other alert may use."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    per_hour: int = Field(default=5, ge=1)
    per_day: int = Field(default=20, ge=1)
    reserved_for_critical: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.reserved_for_critical > min(self.per_hour, self.per_day):
            raise ValueError("reserved_for_critical cannot be more than per_hour or per_day")
        return self


class SmsSettings(ChannelSettings):
    account_sid: str = Field(pattern=r"^AC[0-9a-fA-F]{32}$")
    auth_token: SecretStr
    from_number: PhoneNumber
    recipients: SmsRecipients
    api_base_url: str | None = None
    """In place of https://api.twilio.com, for a gateway or a test."""
    limits: SmsLimits = SmsLimits()
    max_parts: int = Field(default=3, ge=1, le=10)
    timeout_seconds: Seconds = 10
    """For one exchange with Twilio."""
    validity_period_seconds: int = Field(default=900, ge=1, le=36_000)
    """How long Twilio may try: an alert that comes hours later does harm."""
    public_url: Annotated[str, AfterValidator(_reachable)] | None = None
    """Where Twilio reaches `precog serve`, and what it signs; None where it cannot."""
    signing_key: SecretStr | None = None
    """The secret of a SharedKey, where Twilio signs with one instead of the account's token."""

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.api_base_url is not None:
            checked_url(self.api_base_url, allow_private=True)
        return self


class SmsChannel:
    def __init__(self, settings: SmsSettings) -> None:
        from twilio.rest import Client  # a third of a second that only a sender of SMS should pay

        self._settings = settings
        token = settings.auth_token.get_secret_value()
        self._door = Door(
            secrets=[token, settings.account_sid], seconds=settings.timeout_seconds, body_limit=_PAGE_LIMIT
        )
        # Never empty, or the library reads the process's own environment.
        nothing = {"TWILIO_EDGE": ""}
        client = Client(settings.account_sid, token, http_client=_Transport(self._door), environment=nothing)
        if settings.api_base_url is not None:
            client.api.base_url = settings.api_base_url.rstrip("/")
        self._messages = client.messages

    def send(self, message: Message) -> Receipt:
        try:
            accepted = self._messages.create(
                to=message.recipient,
                from_=self._settings.from_number,
                body=sms_text(message, parts=self._settings.max_parts),
                validity_period=self._settings.validity_period_seconds,
                **self._callback(message.delivery_id),
            )
        except _Refused as refused:
            raise self._failure(refused.answer) from None
        if not accepted.sid:
            raise UnknownOutcome("Twilio answered without naming the message", code="no_answer")
        return receipt(accepted.sid, accepted.status)

    def _callback(self, delivery_id: UUID) -> dict[str, str]:
        """Where Twilio is to report what becomes of it; nowhere unless it can reach us."""
        public_url = self._settings.public_url
        return {} if public_url is None else {"status_callback": callback_url(public_url, delivery_id)}

    def find(self, message: Message) -> Receipt | None:
        """Look among the latest messages to this number for the one that ends with our reference."""
        wanted = reference(message.delivery_id)
        try:
            latest = self._messages.list(to=message.recipient, limit=_LOOK_BACK, page_size=_LOOK_BACK)
        except _Refused as refused:
            raise self._failure(refused.answer) from None
        ours = (sent for sent in latest if (sent.body or "").rstrip().endswith(wanted))
        return next((receipt(sent.sid, sent.status, sent.error_code, sent.error_message) for sent in ours), None)

    def receipt(self, provider_message_id: str) -> Receipt:
        try:
            sent = self._messages(provider_message_id).fetch()
        except _Refused as refused:
            raise self._failure(refused.answer) from None
        return receipt(provider_message_id, sent.status, sent.error_code, sent.error_message)

    def close(self) -> None:
        self._door.close()

    def _failure(self, answer: Answer) -> SendFailure:
        code = twilio_code(answer)
        return outcome(answer.status, code, f"Twilio {self._door.explain(answer)}", retry_after=answer.retry_after)


class _Refused(Exception):
    """Any status but 2xx. Raised before Twilio's library makes an error of it that has lost the headers."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class _Transport:
    """What Twilio's library sends with: our door, so that an SMS is bounded and judged as every other message."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def request(
        self,
        method: str,
        url: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **_unused: object,
    ) -> Response:
        answer = self._door.send(requests.Request(method, url, headers, params=params, data=data, auth=auth))
        if not answer.accepted:
            raise _Refused(answer)
        if not isinstance(_json(answer), dict):
            raise UnknownOutcome("Twilio's answer was not JSON; does TWILIO_API_BASE_URL name it?", code="no_answer")
        return Response(answer.status, answer.body)


def _json(answer: Answer) -> object:
    try:
        return json.loads(answer.body)
    except ValueError:
        return None


def twilio_code(answer: Answer) -> int:
    """Twilio's own code, or the status where the answer holds none."""
    content = _json(answer)
    code = content.get("code") if isinstance(content, dict) else None
    return code if isinstance(code, int) else answer.status


def outcome(status: int, code: int, reason: str, *, retry_after: float | None = None) -> SendFailure:
    """What Twilio's refusal means; where the code is not in the tables, its status speaks."""
    text = str(code)
    if code in MISCONFIGURED or status in {401, 403}:
        return ChannelMisconfigured(reason, code=text)
    if code in PAUSES or status == 429:
        return RateLimited(reason, code=text, retry_after=retry_after or PAUSES.get(code))
    if status >= 500:
        return UnknownOutcome(reason, code=text)
    if status < 400 or code == 404:  # not Twilio: a redirect, or a path that is not there
        return ChannelMisconfigured(f"{reason}; is TWILIO_API_BASE_URL right?", code=text)
    return PermanentFailure(reason, code=text)


def _recipients(settings: SmsSettings, severity: Severity) -> tuple[str, ...]:
    lists = {Severity.CRITICAL: settings.recipients.critical, Severity.HIGH: settings.recipients.high}
    return lists.get(severity, ())


SMS = ChannelKind(
    name="sms",
    settings=SmsSettings,
    open=SmsChannel,
    recipients=_recipients,
    remote=True,
    recipient=phone_number,
)
