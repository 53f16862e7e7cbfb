import contextlib
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from precog.channels.email import EmailChannel, EmailSettings
from precog.domain.deliveries import Message
from precog.errors import (
    ChannelMisconfigured,
    PermanentFailure,
    SendFailure,
    TransientFailure,
    UnknownOutcome,
)
from precog.localstack.mailbox import DROP, HANG, Mailbox, mailbox

pytestmark = pytest.mark.integration

Make = Callable[..., Message]


def settings(server: Mailbox, **changes: Any) -> EmailSettings:
    fields: dict[str, Any] = {
        "smtp_host": "127.0.0.1",
        "smtp_port": server.port,
        "from_email": "alerts@example.com",
        "security": "none",
        "recipients": {"default": "ops@example.com"},
    }
    return EmailSettings.model_validate(fields | changes)


@pytest.fixture
def server() -> Iterator[Mailbox]:
    with mailbox() as running:
        yield running


@pytest.fixture
def letter(make_message: Make) -> Message:
    return make_message(channel="email", recipient="ops@example.com")


def failure(channel: EmailChannel, letter: Message) -> SendFailure:
    with pytest.raises(SendFailure) as caught:
        channel.send(letter)
    return caught.value


def test_a_mail_carries_the_alert_and_an_identity_that_a_retry_repeats(server: Mailbox, letter: Message) -> None:
    channel = EmailChannel(settings(server))
    receipt = channel.send(letter)
    channel.send(letter)
    first, second = (mail.content for mail in server.wait_for(2))
    assert receipt.provider_message_id == "<a7f3c2d0-1111-4222-8333-444455556666@example.com>"
    assert first["Message-ID"] == second["Message-ID"] == receipt.provider_message_id
    assert first["References"] == first["In-Reply-To"] == "<incident-1201.demo@example.com>"
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["X-Auto-Response-Suppress"] == "All"
    assert first["Importance"] == "high"
    assert first["Subject"].strip().startswith("[DEMO] CRITICAL risk_manager: Daily loss limit reached")
    assert [part.get_content_type() for part in first.iter_parts()] == ["text/plain", "text/html"]
    assert server.letters[0].sender == "alerts@example.com"
    assert server.letters[0].recipients == ("ops@example.com",)


def test_text_of_any_kind_arrives_as_it_was(server: Mailbox, make_message: Make) -> None:
    text = ".\n..leading dots\n\nümläut 😀\r\nBcc: victim@example.com"
    EmailChannel(settings(server)).send(make_message(recipient="ops@example.com", message=text))
    content = server.wait_for(1)[0].content
    body = content.get_body(("plain",))
    assert isinstance(body, EmailMessage)
    assert ".\n..leading dots\n\nümläut 😀\nBcc: victim@example.com" in body.get_content().replace("\r\n", "\n")
    assert content["Bcc"] is None
    assert max(len(line) for line in server.letters[0].raw.split(b"\r\n")) < 998


@pytest.mark.parametrize(
    ("command", "reply", "expected"),
    [
        ("MAIL", "451 4.3.0 try later", TransientFailure),
        ("MAIL", "550 5.7.1 sender not allowed", ChannelMisconfigured),
        ("MAIL", "530 5.7.0 authentication required", ChannelMisconfigured),
        ("MAIL", "552 5.3.4 too large", PermanentFailure),
        ("RCPT", "450 4.2.0 greylisted", TransientFailure),
        ("RCPT", "421 4.7.0 too many connections", TransientFailure),
        ("RCPT", "452 4.2.2 mailbox full", TransientFailure),
        ("RCPT", "550 5.1.1 no such user", PermanentFailure),
        ("RCPT", "530 5.7.0 authentication required", ChannelMisconfigured),
        ("DATA", "451 4.3.0 try later", TransientFailure),
        ("DATA", "554 5.7.1 looks like spam", PermanentFailure),
        ("DATA", "gibberish", UnknownOutcome),
        ("MAIL", DROP, TransientFailure),
        ("RCPT", DROP, TransientFailure),
        ("DATA", DROP, UnknownOutcome),
        ("MAIL", HANG, TransientFailure),
        ("DATA", HANG, UnknownOutcome),
    ],
)
def test_a_reply_means_what_the_standard_says_at_its_step(
    server: Mailbox, letter: Message, command: str, reply: str, expected: type[SendFailure]
) -> None:
    server.refuse(command, reply)
    seen = failure(EmailChannel(settings(server, timeout_seconds=1)), letter)
    assert type(seen) is expected
    assert server.letters == []


def test_greylisting_is_given_the_minute_it_wants(server: Mailbox, letter: Message) -> None:
    server.refuse("RCPT", "450 4.2.0 greylisted")
    seen = failure(EmailChannel(settings(server)), letter)
    assert isinstance(seen, TransientFailure)
    assert (seen.code, seen.retry_after) == ("450", 60.0)


@pytest.mark.parametrize("reply", ["500 what?", DROP, HANG])
def test_a_bad_goodbye_after_the_acceptance_neither_changes_nor_delays_anything(
    server: Mailbox, letter: Message, reply: str
) -> None:
    server.refuse("QUIT", reply)
    started = time.monotonic()
    assert "queued as 1" in EmailChannel(settings(server)).send(letter).detail
    assert time.monotonic() - started < 4


def test_nothing_listening_is_transient(letter: Message) -> None:
    with mailbox() as closed:
        pass
    assert type(failure(EmailChannel(settings(closed)), letter)) is TransientFailure


@contextmanager
def dripping_server() -> Iterator[int]:
    """The port of a server whose greeting never ends."""
    closing = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            while not closing.wait(0.02):
                connection.sendall(b"2")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        closing.set()
        thread.join()


def test_a_server_that_drips_its_reply_is_cut_at_the_deadline(server: Mailbox, letter: Message) -> None:
    with dripping_server() as port:
        started = time.monotonic()
        seen = failure(EmailChannel(settings(server, smtp_port=port, timeout_seconds=1)), letter)
    assert time.monotonic() - started < 3
    assert (type(seen), seen.code) == (TransientFailure, "timeout")


def test_a_recipient_that_is_no_address_is_refused_before_anything_is_sent(server: Mailbox, make_message: Make) -> None:
    letter = make_message(recipient="ops@example.com\r\nRCPT TO:<victim@example.com>")
    assert type(failure(EmailChannel(settings(server)), letter)) is PermanentFailure
    assert server.letters == []


def encrypted(server: Mailbox, ca_file: Path | None, **changes: Any) -> EmailSettings:
    return settings(server, **{"security": "starttls", "ca_file": ca_file} | changes)


def test_starttls_and_a_login_with_a_verified_certificate(
    ca_file: Path, server_tls: ssl.SSLContext, letter: Message
) -> None:
    with mailbox(starttls=server_tls, login=("precog", "s3cret")) as server:
        chosen = encrypted(server, ca_file, smtp_username="precog", smtp_password="s3cret")
        EmailChannel(chosen).send(letter)
        assert len(server.letters) == 1


def test_tls_from_the_first_byte(ca_file: Path, server_tls: ssl.SSLContext, letter: Message) -> None:
    with mailbox(tls=server_tls) as server:
        EmailChannel(encrypted(server, ca_file, security="tls")).send(letter)
        assert len(server.letters) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("fault", ["unknown authority", "other name"])
def test_a_certificate_that_is_not_valid_is_never_accepted(
    ca_file: Path, server_tls: ssl.SSLContext, other_tls: ssl.SSLContext, letter: Message, security: str, fault: str
) -> None:
    context, trusted = (other_tls, ca_file) if fault == "other name" else (server_tls, None)
    places: dict[str, Any] = {security: context}
    with mailbox(**places) as server:
        seen = failure(EmailChannel(encrypted(server, trusted, security=security)), letter)
        assert (type(seen), seen.code) == (ChannelMisconfigured, "certificate")
        assert server.letters == []


def test_a_server_without_starttls_never_gets_the_mail_in_clear(
    server: Mailbox, ca_file: Path, letter: Message
) -> None:
    seen = failure(EmailChannel(encrypted(server, ca_file)), letter)
    assert (type(seen), seen.code) == (ChannelMisconfigured, "starttls")
    assert server.letters == []


def test_refused_credentials_are_a_fault_of_the_configuration_and_stay_secret(
    ca_file: Path, server_tls: ssl.SSLContext, letter: Message
) -> None:
    with mailbox(starttls=server_tls, login=("precog", "right")) as server:
        chosen = encrypted(server, ca_file, smtp_username="precog", smtp_password="planted-secret")
        seen = failure(EmailChannel(chosen), letter)
    assert (type(seen), seen.code) == (ChannelMisconfigured, "535")
    assert "planted-secret" not in "".join(traceback.format_exception(seen))


@pytest.mark.parametrize(("command", "reply"), [("MAIL", "421"), ("RCPT", "550"), ("DATA", "451")])
def test_a_server_that_repeats_the_password_gets_it_into_no_error(
    ca_file: Path, server_tls: ssl.SSLContext, letter: Message, command: str, reply: str
) -> None:
    with mailbox(starttls=server_tls, login=("precog", "planted-secret")) as server:
        server.refuse(command, f"{reply} you said planted-secret")
        chosen = encrypted(server, ca_file, smtp_username="precog", smtp_password="planted-secret")
        seen = failure(EmailChannel(chosen), letter)
    assert "you said ***" in seen.reason
    assert "planted-secret" not in "".join(traceback.format_exception(seen))
