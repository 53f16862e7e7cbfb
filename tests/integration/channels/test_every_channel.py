"""What every channel promises, tried on each one of the registry against a real peer. A new channel needs a stage."""

import base64
import json
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from precog.channels.base import Channel
from precog.channels.registry import KINDS
from precog.domain.alerts import Severity
from precog.domain.deliveries import Message, Receipt
from precog.errors import SendFailure, TransientFailure, UnknownOutcome
from precog.localstack.mailbox import DROP, HANG, mailbox
from precog.localstack.receivers import Fault, Receiver, Reply, receiver, slack_receiver, twilio_receiver
from precog.settings.channel import ChannelSettings

pytestmark = pytest.mark.integration

Make = Callable[..., Message]

SECRET = "Planted5ecretOfThisTest"
SECONDS = 3.0
"""What a channel with a peer is given for one exchange."""
REMOTE = [name for name, kind in KINDS.items() if kind.remote]
HTTP = ["sms", "slack", "webhook"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A channel and its peer. `arrived()` is everything the peer was given to read, as text."""

    name: str
    settings: ChannelSettings
    channel: Channel
    recipient: str
    arrived: Callable[[], str]
    hang: Callable[[], None] = lambda: None
    drop: Callable[[], None] = lambda: None
    answer: Callable[..., None] = lambda *_: None
    stop: Callable[[], None] = lambda: None


def console(stack: ExitStack, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Stage:
    return _stage("console", {}, "stdout", arrived=lambda: capfd.readouterr().out)


def file(stack: ExitStack, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Stage:
    path = tmp_path / "alerts.jsonl"
    return _stage("file", {"path": str(path)}, "alerts", arrived=path.read_text)


def email(stack: ExitStack, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Stage:
    server = stack.enter_context(mailbox())
    given = {
        "smtp_host": "127.0.0.1",
        "smtp_port": server.port,
        "from_email": "alerts@example.com",
        "security": "none",
        "recipients": {"default": "ops@example.com"},
    }

    def arrived() -> str:
        return "".join(
            f"{letter.content['Subject']}\n{part.get_content()}"
            for letter in server.letters
            for part in letter.content.walk()
            if not part.is_multipart()
        )

    return _stage(
        "email",
        given,
        "ops@example.com",
        arrived=arrived,
        hang=lambda: server.refuse("DATA", HANG),
        drop=lambda: server.refuse("DATA", DROP),
    )


def sms(stack: ExitStack, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Stage:
    server = stack.enter_context(twilio_receiver())
    given = {
        "account_sid": "AC" + "0123456789abcdef" * 2,
        "auth_token": SECRET,
        "from_number": "+14155550100",
        "recipients": {"critical": "+14155550123"},
        "api_base_url": server.url,
    }
    return _http_stage("sms", given, "+14155550123", server, lambda: server.received[-1].form["Body"])


def slack(stack: ExitStack, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Stage:
    server = stack.enter_context(slack_receiver())
    given = {"webhook_url": f"{server.url}/services/T0/B0/{SECRET}"}
    return _http_stage("slack", given, "slack", server, lambda: _said(json.loads(server.received[-1].body)))


def webhook(stack: ExitStack, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Stage:
    server = stack.enter_context(receiver())
    whsec = "whsec_" + base64.b64encode(SECRET.encode() * 2).decode()
    given = {"url": f"{server.url}/{SECRET}?token={SECRET}", "secret": whsec, "allow_private": True}
    return _http_stage("webhook", given, "webhook", server, lambda: str(server.received[-1].body, "ascii"))


STAGES = {"console": console, "file": file, "email": email, "sms": sms, "slack": slack, "webhook": webhook}


def _stage(name: str, given: dict[str, Any], recipient: str, **peer: Any) -> Stage:
    kind = KINDS[name]
    settings = kind.settings.model_validate(given)
    bounded = settings.model_copy(update={"timeout_seconds": SECONDS}) if kind.remote else settings
    channel = kind.open(bounded)
    return Stage(name=name, settings=settings, channel=channel, recipient=recipient, **peer)


def _http_stage(
    name: str, given: dict[str, Any], recipient: str, server: Receiver, arrived: Callable[[], str]
) -> Stage:
    return _stage(
        name,
        given,
        recipient,
        arrived=arrived,
        hang=lambda: server.script(Reply(fault=Fault.HANG)),
        drop=lambda: server.script(Reply(fault=Fault.DROP)),
        answer=server.script,
        stop=server.close,
    )


def _said(value: Any) -> str:
    """Every text inside a JSON value."""
    if isinstance(value, dict):
        return "\n".join(map(_said, value.values()))
    if isinstance(value, list):
        return "\n".join(map(_said, value))
    return str(value)


@pytest.fixture
def stage(request: pytest.FixtureRequest, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Stage]:
    with ExitStack() as stack:
        built = STAGES[request.param](stack, tmp_path, capfd)
        stack.enter_context(closing(built.channel))
        yield built


every_channel = pytest.mark.parametrize("stage", list(KINDS), indirect=True)
every_remote_channel = pytest.mark.parametrize("stage", REMOTE, indirect=True)
every_http_channel = pytest.mark.parametrize("stage", HTTP, indirect=True)


def failure(stage: Stage, message: Message) -> SendFailure:
    """The failure of a send, after a look that nothing of it shows a secret."""
    with pytest.raises(SendFailure) as caught:
        stage.channel.send(message)
    shown = "".join(traceback.format_exception(caught.value)) + caught.value.reason + caught.value.code
    assert SECRET not in shown
    return caught.value


@every_channel
def test_it_delivers_what_happened_and_where(stage: Stage, make_message: Make) -> None:
    receipt = stage.channel.send(make_message(channel=stage.name, recipient=stage.recipient))
    assert isinstance(receipt, Receipt)
    text = stage.arrived()
    for words in ("critical", "risk_manager", "Daily loss limit reached", "512.3000", "1234", "demo"):
        assert words.lower() in text.lower()


@every_channel
def test_it_tells_how_many_duplicates_stayed_silent(stage: Stage, make_message: Make) -> None:
    stage.channel.send(make_message(recipient=stage.recipient, suppressed_before=37))
    assert "37" in stage.arrived()


@every_channel
def test_it_takes_a_text_that_is_far_too_long(stage: Stage, make_message: Make) -> None:
    long = make_message(
        recipient=stage.recipient, message="Loss " + "x" * 1_000_000, details={"trace": "y\n" * 100_000, "loss": "5"}
    )
    stage.channel.send(long)
    assert "Loss xxx" in stage.arrived()


@every_channel
@pytest.mark.parametrize(
    "hostile",
    [
        "line\r\nBcc: victim@example.com\r\n\r\n.\r\nMAIL FROM:<x@example.com>",
        "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m",
        "\u202etxet desrever\u2066",
        "nul \x00 and lone \ud800 surrogate",
        "<script>alert(1)</script><!channel> & ]]>",
        "%s %(x)s {0.__class__} {{ 7 * 7 }} {% raw %}",
        "=cmd|' /C calc'!A0",
        "",
        "\n.\n",
    ],
)
def test_no_text_breaks_it_or_steers_who_reads_it(stage: Stage, make_message: Make, hostile: str) -> None:
    stage.channel.send(
        make_message(
            recipient=stage.recipient,
            message=hostile,
            component=f"c {hostile}",
            alert_type=f"t {hostile}",
            details={hostile: hostile, "list": [hostile, {"deep": hostile}]},
        )
    )
    text = stage.arrived()
    assert "1234" in text
    assert not set(text) & set("\x00\x07\x1b\x9b\u202e\u2066\ud800")
    assert "<script>" not in text or stage.name not in {"slack", "email"} or "&lt;script&gt;" in text
    assert "<!channel>" not in text or stage.name != "slack"


@every_remote_channel
def test_a_peer_that_hangs_costs_no_more_than_the_deadline(stage: Stage, make_message: Make) -> None:
    stage.hang()
    started = time.monotonic()
    seen = failure(stage, make_message(recipient=stage.recipient))
    assert time.monotonic() - started < 3 * SECONDS
    assert type(seen) is UnknownOutcome


@every_remote_channel
def test_an_answer_that_is_lost_leaves_the_outcome_open(stage: Stage, make_message: Make) -> None:
    stage.drop()
    assert type(failure(stage, make_message(recipient=stage.recipient))) is UnknownOutcome


@every_http_channel
def test_a_peer_that_is_not_there_means_surely_not_sent(stage: Stage, make_message: Make) -> None:
    stage.stop()
    assert type(failure(stage, make_message(recipient=stage.recipient))) is TransientFailure


@every_http_channel
def test_every_status_is_either_its_success_or_a_failure_that_says_what_to_do(stage: Stage, make_message: Make) -> None:
    message = make_message(recipient=stage.recipient)

    def accepts(status: int) -> bool:
        tries = 2 if stage.name == "slack" and status == 400 else 1  # the second in plain text
        body = b'{"sid": "SM1"}' if stage.name == "sms" else b"ok"
        stage.answer(*[Reply(status=status, body=body)] * tries)
        try:
            return isinstance(stage.channel.send(message), Receipt)
        except SendFailure:
            return False

    accepted = [status for status in range(100, 600) if accepts(status)]
    successes = {"slack": [200], "sms": [*range(200, 204), *range(205, 300)], "webhook": list(range(200, 300))}
    assert accepted == successes[stage.name]


@every_http_channel
def test_a_peer_that_repeats_our_secrets_gets_them_into_no_record(stage: Stage, make_message: Make) -> None:
    echo = f"no: {SECRET} https://hooks.slack.com/services/T0/B0/{SECRET} Bearer {SECRET}".encode()
    for status in (403, 500):
        stage.answer(Reply(status=status, body=echo))
        seen = failure(stage, make_message(recipient=stage.recipient))
        assert "***" in seen.reason


@every_channel
def test_neither_settings_nor_recipients_show_a_secret(stage: Stage) -> None:
    recipients = KINDS[stage.name].recipients(stage.settings, Severity.CRITICAL)
    assert stage.recipient in recipients
    assert SECRET not in f"{stage.settings!r} {stage.settings} {recipients} {stage.channel!r}"


@every_channel
def test_closing_twice_does_no_harm_and_a_send_opens_again(stage: Stage, make_message: Make) -> None:
    stage.channel.send(make_message(recipient=stage.recipient))
    stage.channel.close()
    stage.channel.close()
    stage.channel.send(make_message(recipient=stage.recipient))
    assert "1234" in stage.arrived()


def test_every_channel_of_the_registry_is_tried_here() -> None:
    assert list(STAGES) == list(KINDS)
