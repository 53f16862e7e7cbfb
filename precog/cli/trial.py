"""`precog test-notification`: one notification for real."""

from typing import Annotated

import typer

from precog.alert_manager import resolve_alert
from precog.channels.registry import KINDS
from precog.cli.configured import current_settings
from precog.cli.options import ChannelName, login_name
from precog.cli.outcome import Exit
from precog.cli.output import say
from precog.cli.stderr import say_error
from precog.domain.alerts import ResolutionAction, Severity
from precog.domain.deliveries import Receipt
from precog.errors import (
    ChannelMisconfigured,
    PermanentFailure,
    SendFailure,
    SmsLimitReached,
    TransientFailure,
    UnknownOutcome,
)
from precog.notification_manager import COMPONENT, send_alert
from precog.settings import process
from precog.settings.model import ChannelOff, Settings
from precog.store.alerts import newest

_TYPE = "test_notification"


def notify_once(
    channel: ChannelName,
    *,
    to: Annotated[
        str | None,
        typer.Option(metavar="RECIPIENT", help="To whom; the first that the configuration names unless given."),
    ] = None,
) -> None:
    """Send one notification for real and show what the provider answers, or what to do if it does not take it.

    It is an alert of severity low with its delivery on record, and resolved at once. An SMS counts towards the limit.

    Example: precog test-notification email --to ann@example.com
    """
    recipient = to or _first_named(current_settings(), channel)
    text = f"A test by {login_name()}; nothing has happened."
    try:
        receipt = send_alert(channel, "low", _TYPE, text, recipient=recipient)
    except SmsLimitReached as limit:
        say_error(f"not sent: {limit}")
        raise typer.Exit(Exit.NOT_WELL) from limit
    except SendFailure as failure:
        say_error(f"{type(failure).__name__} ({failure.code}): {failure.reason}; {next_step(failure)}")
        raise typer.Exit(Exit.NOT_WELL) from failure
    finally:
        _end_trials()
    say(f"accepted by {channel} for {recipient or 'its recipient'}{answer(receipt)}")


def _end_trials() -> None:
    """A test is nobody's incident, and what it did not send is not tried again behind its back."""
    for alert in newest(process.environment(), component=COMPONENT, alert_type=_TYPE, only_open=True):
        resolve_alert(alert["alert_id"], login_name(), ResolutionAction.IGNORED, "a test notification")


def _first_named(settings: Settings, channel: str) -> str | None:
    """Whom the worst severity that names anybody names; None where the channel is off or names nobody."""
    configured = settings.channels[channel]
    if isinstance(configured, ChannelOff):
        return None
    named = (each for severity in Severity for each in KINDS[channel].recipients(configured, severity))
    return next(named, None)


def answer(receipt: Receipt) -> str:
    """What the provider said, ready to follow a sentence."""
    said = [receipt.detail, receipt.state, receipt.provider_message_id and f"id {receipt.provider_message_id}"]
    text = ", ".join(each for each in said if each)
    return f": {text}" if text else ""


def next_step(failure: SendFailure) -> str:
    """What the class of a failure asks of a person."""
    match failure:
        case ChannelMisconfigured():
            return "`precog config check` shows what this shell has set"
        case PermanentFailure():
            return "it is not sent again; correct what the reason names"
        case TransientFailure():
            return "it surely was not sent; try again in a while"
        case UnknownOutcome():
            return "it may have arrived; look there before you send another"
        case _:
            return "`precog doctor` looks for the cause"
