"""Sending a notification now, over one channel that the caller names, and hearing at once what became of it.

Each is an alert of its own (component `notification_manager`, never a duplicate) with a delivery, an attempt and the
limits of any other. What fails for a while is tried again by the workers, also after the call has raised.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID, uuid4

from precog import arguments, intake
from precog.channels.registry import KINDS
from precog.courier import Courier, open_courier
from precog.delivery import deliver
from precog.domain.alerts import Severity
from precog.domain.deliveries import DeliveryStatus, Receipt
from precog.domain.nearest import did_you_mean
from precog.errors import (
    AlertTypeError,
    AlertValueError,
    ChannelMisconfigured,
    ConfigError,
    Problem,
    SendFailure,
    SmsLimitReached,
    TransientFailure,
)
from precog.settings.load import load_settings
from precog.settings.model import ChannelOff, Settings
from precog.store import channels, deliveries

COMPONENT = "notification_manager"

_HOW_TO_TURN_ON = "`precog config check` shows what each channel needs, .env.example every variable"


def send_email_alert(
    severity: str, alert_type: str, message: str, details: Mapping[str, object] | None = None
) -> tuple[Receipt, ...]:
    """Mail everybody who is mailed at this severity, each on their own; a receipt for each.

    A mailbox that fails holds up no other: the first failure is raised when all have been tried.
    """
    return _send("email", severity, alert_type, message, details, to=None)


def send_sms_alert(severity: str, alert_type: str, message: str, phone_number: str) -> Receipt:
    """Send one SMS. phone_number: with its country code, +15551234567.

    Raises SmsLimitReached when 5 went in the last hour or 20 in the last day: the SMS is held and goes when it may.
    """
    return _send("sms", severity, alert_type, message, None, to=("phone_number", phone_number))[0]


def send_slack_alert(
    severity: str, alert_type: str, message: str, details: Mapping[str, object] | None = None
) -> Receipt:
    """Post to the configured Slack webhook."""
    return _send("slack", severity, alert_type, message, details, to=None)[0]


def send_webhook_alert(
    severity: str, alert_type: str, message: str, details: Mapping[str, object] | None = None
) -> Receipt:
    """Post to the configured webhook, signed."""
    return _send("webhook", severity, alert_type, message, details, to=None)[0]


def send_alert(
    channel: str,
    severity: str,
    alert_type: str,
    message: str,
    details: Mapping[str, object] | None = None,
    *,
    recipient: str | None = None,
) -> Receipt:
    """Send over any channel, to `recipient` or to the first whom the configuration names for this severity.

    Raises the SendFailure that says what to do; SmsLimitReached; ConfigError when the channel is off; AlertValueError
    and AlertTypeError for a mistake in the call; StoreError.
    """
    to = None if recipient is None else ("recipient", recipient)
    return _send(channel, severity, alert_type, message, details, to=to, only_first=True)[0]


def route_alert(severity: str, alert_type: str, message: str, details: Mapping[str, object] | None = None) -> int:
    """Tell everybody whom the routes name for this severity, through the workers. Returns the alert_id."""
    alert = arguments.new_alert(
        alert_type=alert_type,
        severity=severity,
        component=COMPONENT,
        message=message,
        details=details,
        notify=True,
        fingerprint=uuid4().hex,
    )
    return intake.accept(alert).alert_id


def _send(
    channel: str,
    severity: str,
    alert_type: str,
    message: str,
    details: Mapping[str, object] | None,
    *,
    to: tuple[str, str] | None,
    only_first: bool = False,
) -> tuple[Receipt, ...]:
    """`to`: the argument that names the one recipient, and its value; None for those of the configuration."""
    alert = arguments.new_alert(
        alert_type=alert_type,
        severity=severity,
        component=COMPONENT,
        message=message,
        details=details,
        notify=False,
    )
    with _courier_for(channel) as (settings, courier):
        recipients = _recipients(settings, channel, alert.severity) if to is None else (_named(channel, *to),)
        alert_id = intake.accept(alert).alert_id
        return _deliver_each(courier, channel, alert_id, recipients[:1] if only_first else recipients)


def _deliver_each(courier: Courier, channel: str, alert_id: int, recipients: Sequence[str]) -> tuple[Receipt, ...]:
    """All are tried before the first failure is raised."""
    receipts: list[Receipt] = []
    failures: list[SendFailure | SmsLimitReached] = []
    planned = [deliveries.add(alert_id, channel, each, inline=True) for each in recipients]
    for delivery_id in filter(None, planned):
        try:
            receipts.append(_deliver_one(courier, channel, delivery_id))
        except (SendFailure, SmsLimitReached) as failure:
            failures.append(failure)
    if failures:
        raise failures[0]
    return tuple(receipts)


def _deliver_one(courier: Courier, channel: str, delivery_id: UUID) -> Receipt:
    attempt = deliver(courier, channel, delivery_id)
    if attempt is None:
        raise _why_not(courier, channel, delivery_id)
    if attempt.ending.receipt is not None:
        return attempt.ending.receipt
    raise attempt.failure or TransientFailure("the send did not begin in time", code="late_start")


def _why_not(courier: Courier, channel: str, delivery_id: UUID) -> SendFailure | SmsLimitReached:
    """Why a delivery that was just made was not for us to make."""
    standing = deliveries.standing(delivery_id)
    if standing.status is DeliveryStatus.HELD and standing.error_code == "over_limit":
        return SmsLimitReached(standing.next_attempt_at)
    for pause in channels.paused(courier.environment):
        if pause.channel == channel:
            return ChannelMisconfigured(
                f"{channel} is paused: {pause.reason}; mend it, then `precog channels resume {channel}`",
                code=pause.error_code,
            )
    return TransientFailure("another worker took the delivery", code="taken")


def _recipients(settings: Settings, channel: str, severity: Severity) -> tuple[str, ...]:
    named = KINDS[channel].recipients(settings.channels[channel], severity)
    if not named:
        raise ConfigError([Problem(f"notifications.{channel}", f"names nobody for {severity} alerts")])
    return named


def _named(channel: str, field: str, value: object) -> str:
    if not isinstance(value, str):
        raise AlertTypeError(field, value, "str")
    try:
        return KINDS[channel].recipient(value)
    except ValueError as error:
        raise AlertValueError(field, str(error)) from None


@contextmanager
def _courier_for(channel: str) -> Iterator[tuple[Settings, Courier]]:
    """The configuration as it is now, and its channels, open for one call."""
    if channel not in KINDS:
        raise AlertValueError("channel", f"{channel!r} is not one of {', '.join(KINDS)}{did_you_mean(channel, KINDS)}")
    settings = load_settings(channels={name: kind.settings for name, kind in KINDS.items()})
    if isinstance(off := settings.channels[channel], ChannelOff):
        raise ConfigError([Problem(f"notifications.{channel}", f"is off: {off.reason}; {_HOW_TO_TURN_ON}")])
    courier = open_courier(settings, pauses=False)
    try:
        yield settings, courier
    finally:
        for each in courier.channels.values():
            each.close()
