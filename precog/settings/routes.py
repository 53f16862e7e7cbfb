"""What the settings come to: the routes they plan, and a line for a person about each channel."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from precog.domain.alerts import Severity
from precog.domain.routes import Route
from precog.settings.model import ChannelOff, Settings


class Kind(Protocol):
    """The part of the registry's line that is needed here."""

    @property
    def recipients(self) -> Callable[[Any, Severity], tuple[str, ...]]: ...


def planned_routes(settings: Settings, kinds: Mapping[str, Kind]) -> tuple[Route, ...]:
    """Every route of this environment, each once: worst severity first, then in the order of the routing."""
    planned = (
        Route(environment=settings.environment, severity=severity, channel=channel, recipient=recipient)
        for severity in Severity
        for channel in settings.routing[severity]
        for recipient in _recipients(settings, kinds, channel, severity)
    )
    return tuple(dict.fromkeys(planned))


def describe_channels(settings: Settings, kinds: Mapping[str, Kind]) -> tuple[str, ...]:
    """`email: on, 3 recipients` or `sms: off: TWILIO_ACCOUNT_SID is not set`; nothing secret, nobody's address."""
    return tuple(f"{name}: {_state(name, settings, kinds)}" for name in settings.channels)


def _state(name: str, settings: Settings, kinds: Mapping[str, Kind]) -> str:
    channel = settings.channels[name]
    if isinstance(channel, ChannelOff):
        return f"off: {channel.reason}"
    reached = {route.recipient for route in planned_routes(settings, kinds) if route.channel == name}
    if not reached:
        return "on, but no route leads to it: no severity names it, or it has no recipient for those that do"
    return f"on, {len(reached)} recipient{'s' if len(reached) != 1 else ''}"


def _recipients(settings: Settings, kinds: Mapping[str, Kind], name: str, severity: Severity) -> tuple[str, ...]:
    channel = settings.channels[name]
    return () if isinstance(channel, ChannelOff) else kinds[name].recipients(channel, severity)
