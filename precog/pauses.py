"""A channel that cannot pass anything until a person mends it: paused once, and said once through the others."""

import logging

from precog import arguments, intake
from precog.domain.alerts import Environment
from precog.errors import SendFailure
from precog.store import channels

log = logging.getLogger("precog.pauses")


def pause(environment: Environment, channel: str, failure: SendFailure) -> None:
    """Alert about it and hold the channel's deliveries from now on, unless it is paused already.

    The alert comes first: a second one would be a duplicate, but a pause without one is heard of by nobody.
    """
    if any(each.channel == channel for each in channels.paused(environment)):
        return
    intake.accept(
        arguments.new_alert(
            alert_type="channel_paused",
            severity="critical",
            component="notifications",
            message=f"{channel} passes nothing: {failure.reason}. Mend it, then `precog channels resume {channel}`.",
            details={"channel": channel, "error_code": failure.code},
            key_details={"channel": channel},
            category="system",
            environment=environment,
            notify=True,
        )
    )
    if channels.pause(environment, channel, error_code=failure.code, reason=failure.reason):
        log.error("a channel is paused", extra={"channel": channel, "error_code": failure.code})
