"""The email channel: SMTP with a verified certificate, one connection and one recipient a message."""

import re
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from ipaddress import ip_address
from typing import Annotated, Literal, Self

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, FilePath, SecretStr, model_validator

from precog.channels.base import ChannelKind
from precog.channels.deadline import Deadline
from precog.domain.alerts import Severity
from precog.domain.deliveries import Message, Receipt
from precog.domain.redact import short_reason
from precog.errors import ChannelMisconfigured, PermanentFailure, SendFailure, TransientFailure, UnknownOutcome
from precog.render.email import mail
from precog.settings.channel import ChannelSettings, comma_separated
from precog.settings.types import Seconds

_STEP_SECONDS = 10.0
"""For one command, and for connecting to one address."""
_FAREWELL_SECONDS = 1.0
_POLICY = SMTP.clone(cte_type="7bit")  # every server takes 7 bit; not every one offers 8BITMIME

NOT_CONFIGURED = frozenset({530, 534, 535, 538})
"""Replies about our credentials, wherever they come: authentication required, too weak, refused, not encrypted."""
PAUSES = {421: 60.0, 450: 60.0, 451: 60.0, 452: 60.0}
"""Seconds before the next try: a greylisting server wants at least a minute, a busy or full one no less."""


def mail_address(text: str) -> str:
    """`text` as an address in ASCII (an international domain as punycode), or a ValueError that says what is wrong."""
    try:
        checked = validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise ValueError(f"not a mail address: {error}") from None
    if checked.ascii_email is None:  # the part before the @ is not ASCII, which allow_smtputf8=False already refuses
        raise ValueError("not a mail address that every server takes: use ASCII before the @")
    return checked.ascii_email


Address = Annotated[str, AfterValidator(mail_address)]
Addresses = Annotated[tuple[Address, ...], BeforeValidator(comma_separated)]


class EmailRecipients(BaseModel):
    """Who gets which severity. A severity without a list of its own goes to `default`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    critical: Addresses = ()
    high: Addresses = ()
    medium: Addresses = ()
    default: Addresses = ()

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not (self.critical or self.high or self.medium or self.default):
            raise ValueError("nobody is named; give at least the default list an address")
        return self

    def of(self, severity: Severity) -> tuple[str, ...]:
        lists = {Severity.CRITICAL: self.critical, Severity.HIGH: self.high, Severity.MEDIUM: self.medium}
        return lists.get(severity) or self.default


class EmailSettings(ChannelSettings):
    smtp_host: str = Field(min_length=1)
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    from_email: Address
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: FilePath | None = None
    """A PEM file of authorities to trust instead of the system's."""
    recipients: EmailRecipients
    timeout_seconds: Seconds = 30
    """For the whole exchange."""

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.security == "none" and not _is_loopback(self.smtp_host):
            raise ValueError("security 'none' is for a server on this machine only; use starttls or tls")
        if (self.smtp_username is None) != (self.smtp_password is None):
            raise ValueError("smtp_username and smtp_password go together: give both or neither")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class EmailChannel:
    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings

    def send(self, message: Message) -> Receipt:
        try:
            recipient = mail_address(message.recipient)
        except ValueError as error:
            raise PermanentFailure(str(error), code="address") from None
        letter = compose(message, sender=self._settings.from_email, recipient=recipient)
        with Deadline(self._settings.timeout_seconds) as deadline:
            return self._deliver(letter, recipient, deadline)

    def close(self) -> None:
        """Nothing is held between messages."""

    def _deliver(self, letter: EmailMessage, recipient: str, deadline: Deadline) -> Receipt:
        client = self._client()
        deadline.watch(lambda: client.sock)
        try:
            self._log_in(client)
            _envelope(client, self._settings.from_email, recipient)
            answer = _content(client, letter.as_bytes())
        except _Refused as refused:
            raise _refusal(refused.code, self._clean(refused.answer), refused.step) from None
        except (OSError, ValueError) as error:  # every smtplib error is an OSError
            raise self._failure(error, deadline) from None
        finally:
            _leave(client)
        return Receipt(provider_message_id=letter["Message-ID"], detail=self._clean(answer))

    def _client(self) -> smtplib.SMTP:
        name = self._settings.from_email.partition("@")[2]  # for EHLO; smtplib's own choice may wait on a name server
        if self._settings.security == "tls":
            client: smtplib.SMTP = smtplib.SMTP_SSL(local_hostname=name, timeout=_STEP_SECONDS, context=self._tls())
        else:
            client = smtplib.SMTP(local_hostname=name, timeout=_STEP_SECONDS)
        # The certificate is checked against this name; smtplib sets it only when the constructor itself connects,
        # and then no deadline could watch the greeting.
        client._host = self._settings.smtp_host  # type: ignore[attr-defined]  # noqa: SLF001
        return client

    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._settings.ca_file)

    def _log_in(self, client: smtplib.SMTP) -> None:
        _expect(client.connect(self._settings.smtp_host, self._settings.smtp_port), "greeting")
        client.ehlo_or_helo_if_needed()
        if self._settings.security == "starttls":
            if not client.has_extn("starttls"):
                raise ChannelMisconfigured(
                    "the mail server offers no STARTTLS; set security to tls or use another port", code="starttls"
                )
            client.starttls(context=self._tls())
            client.ehlo_or_helo_if_needed()
        if self._settings.smtp_username and self._settings.smtp_password:
            client.login(self._settings.smtp_username, self._settings.smtp_password.get_secret_value())

    def _failure(self, error: Exception, deadline: Deadline) -> SendFailure:
        """What an error before the end of the content means: surely not sent, unless the server refused for good."""
        if isinstance(error, smtplib.SMTPResponseException):
            return _refusal(error.smtp_code, self._clean(error.smtp_error), "login")
        if isinstance(error, smtplib.SMTPException) and not isinstance(error, smtplib.SMTPServerDisconnected):
            return ChannelMisconfigured(f"the mail server cannot do it: {self._clean(error)}", code="unsupported")
        if isinstance(error, ssl.SSLCertVerificationError):
            return ChannelMisconfigured(
                f"the mail server's certificate is not valid: {error.verify_message}; a private authority: ca_file",
                code="certificate",
            )
        if deadline.passed:
            return TransientFailure(
                f"the mail server did not finish within {self._settings.timeout_seconds} s", code="timeout"
            )
        return TransientFailure(f"no session with the mail server: {self._clean(error)}", code="connection")

    def _clean(self, words: object) -> str:
        text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
        secret = self._settings.smtp_password
        return short_reason(text, [secret.get_secret_value()] if secret else [])


def compose(message: Message, *, sender: str, recipient: str) -> EmailMessage:
    """The letter. Message-ID is the delivery's and so the same on every try; References ties an incident together."""
    content = mail(message)
    domain = sender.partition("@")[2]
    incident = f"<incident-{message.incident_id or message.alert_uuid}.{message.environment.value}@{domain}>"
    letter = EmailMessage(policy=_POLICY)
    letter["From"] = sender
    letter["To"] = recipient
    letter["Subject"] = content.subject
    letter["Date"] = format_datetime(message.triggered_at)
    letter["Message-ID"] = f"<{message.delivery_id}@{domain}>"
    letter["In-Reply-To"] = incident
    letter["References"] = incident
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notes, please
    letter["X-Auto-Response-Suppress"] = "All"  # the same for Exchange
    if message.severity is Severity.CRITICAL:
        letter["Importance"] = "high"
    letter.set_content(content.text)
    letter.add_alternative(content.html, subtype="html")
    return letter


class _Refused(Exception):
    """A reply that is no acceptance, as it came: it may repeat what it was told, the password too."""

    def __init__(self, code: int, answer: bytes, step: str) -> None:
        super().__init__(code)
        self.code, self.answer, self.step = code, answer, step


def _envelope(client: smtplib.SMTP, sender: str, recipient: str) -> None:
    _expect(client.mail(sender), "sender")
    _expect(client.rcpt(recipient), "recipient")


def _content(client: smtplib.SMTP, data: bytes) -> bytes:
    """Send the letter and return the server's acceptance.

    Done by hand because smtplib does not tell a connection lost before the final dot, and so surely not sent, from
    one lost behind it.
    """
    code, answer = client.docmd("DATA")
    if code != 354:
        raise _Refused(code, answer, "content")
    client.send(re.sub(rb"(?m)^\.", b"..", data.rstrip(b"\r\n") + b"\r\n") + b".\r\n")
    try:
        code, answer = client.getreply()
    except OSError as error:
        lost = type(error).__name__
        raise UnknownOutcome(
            f"the mail server took the message and did not answer ({lost})", code="no_answer"
        ) from None
    if not 200 <= code < 600:
        raise UnknownOutcome("the mail server took the message and answered no SMTP", code="no_answer")
    _expect((code, answer), "content")
    return answer


def _expect(reply: tuple[int, bytes], step: str) -> None:
    code, answer = reply
    if not 200 <= code < 300:
        raise _Refused(code, answer, step)


def _refusal(code: int, answer: str, step: str) -> SendFailure:
    """What a reply means at its step: RFC 5321 gives the digits, the step says whom it concerns."""
    reason = f"the mail server answered {code} to the {step}: {answer}"
    if 500 <= code < 600:
        return _permanent(code, step)(reason, code=str(code))
    return TransientFailure(reason, code=str(code), retry_after=PAUSES.get(code))


def _permanent(code: int, step: str) -> Callable[..., SendFailure]:
    concerns_all = step in {"greeting", "login"} or (step == "sender" and code != 552)  # 552: this message is too large
    return ChannelMisconfigured if concerns_all or code in NOT_CONFIGURED else PermanentFailure


def _leave(client: smtplib.SMTP) -> None:
    """Say goodbye. What happens here changes nothing: the message was accepted before, or it was not."""
    try:
        if client.sock is not None:
            client.sock.settimeout(_FAREWELL_SECONDS)
            client.quit()
    except OSError:
        client.close()


def _recipients(settings: EmailSettings, severity: Severity) -> tuple[str, ...]:
    return settings.recipients.of(severity)


EMAIL = ChannelKind(
    name="email",
    settings=EmailSettings,
    open=EmailChannel,
    recipients=_recipients,
    remote=True,
    recipient=mail_address,
)
