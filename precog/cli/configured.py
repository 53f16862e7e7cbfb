"""The configuration as the commands see it: loaded when asked for, and each channel with a line for a person."""

from dataclasses import dataclass

from precog.channels.registry import KINDS
from precog.settings.load import load_settings
from precog.settings.model import ChannelOff, Settings
from precog.settings.routes import describe_channels


def current_settings() -> Settings:
    """Raises ConfigError with everything that is wrong."""
    return load_settings(channels={name: kind.settings for name, kind in KINDS.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    channel: str
    on: bool
    state: str
    """`on, 3 recipients`, or `off: ` and the reason."""


def channel_states(settings: Settings) -> list[ChannelState]:
    described = zip(settings.channels.items(), describe_channels(settings, KINDS), strict=True)
    return [
        ChannelState(channel=name, on=not isinstance(value, ChannelOff), state=line.removeprefix(f"{name}: "))
        for (name, value), line in described
    ]
