"""The part of a channel's settings that every channel shares."""

from pydantic import BaseModel, ConfigDict


class ChannelSettings(BaseModel):
    """The base of each channel's section: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    enabled: bool = True


def comma_separated(value: object) -> object:
    """An environment variable's list as a list, without empty entries and repetitions."""
    if isinstance(value, str):
        return tuple(dict.fromkeys(entry.strip() for entry in value.split(",") if entry.strip()))
    return value
