"""Which channels are on: the sections `notifications.<channel>` of system.yaml into settings or a reason to be off."""

from collections.abc import Mapping

from precog.domain.nearest import did_you_mean
from precog.errors import Problem
from precog.settings.channel import ChannelSettings
from precog.settings.delivery import Timing
from precog.settings.model import ChannelOff
from precog.settings.shape import required_paths
from precog.settings.source import Source
from precog.settings.validate import literal_secrets, validate

Kinds = Mapping[str, type[ChannelSettings]]
Channels = dict[str, ChannelSettings | ChannelOff]


def read_channels(kinds: Kinds, source: Source, problems: list[Problem]) -> Channels:
    """Every kind of channel with its settings; one that has problems is left out."""
    sections = source.at(("notifications",))
    for name in sections if isinstance(sections, dict) else ():
        if name not in kinds:
            problems.append(source.problem(("notifications", name), _no_channel(name, kinds)))
    read = {name: _read_channel(name, model, source, problems) for name, model in kinds.items()}
    return {name: settings for name, settings in read.items() if settings is not None}


def check_names(names: tuple[str, ...], kinds: Kinds, source: Source, path: tuple[str, ...]) -> list[Problem]:
    """Where channels are listed, each must exist; it need not be on."""
    return [
        source.problem((*path, index), _no_channel(name, kinds))
        for index, name in enumerate(names)
        if name not in kinds
    ]


def check_timeouts(read: Mapping[str, object], timing: Timing, source: Source) -> list[Problem]:
    """A send may need two exchanges, and both must be over before its process is ended."""
    most = timing.send_limit_seconds // 2
    return [
        source.problem(
            ("notifications", name, "timeout_seconds"),
            f"is {seconds}; at most {most}, half of delivery.timing.send_limit_seconds",
        )
        for name, settings in read.items()
        if (seconds := getattr(settings, "timeout_seconds", 0)) > most
    ]


def _read_channel(
    name: str, model: type[ChannelSettings], source: Source, problems: list[Problem]
) -> ChannelSettings | ChannelOff | None:
    at = ("notifications", name)
    section = source.at(at)
    if section is None:
        return ChannelOff(reason=f"there is no notifications.{name} in {source.tree.file.name}")
    if secrets := literal_secrets(model, source, at):
        problems.extend(secrets)
        return None
    if isinstance(section, dict) and str(section.get("enabled")).lower() == "false":
        return ChannelOff(reason=f"notifications.{name}.enabled is false in {source.tree.file.name}")
    required = [path for path in ((*at, *path) for path in required_paths(model)) if path in source.variables]
    if required and source.unset.issuperset(required):
        return ChannelOff(reason=_not_set([source.variables[path] for path in required]))
    return validate(model, source, at, problems)


def _not_set(variables: list[str]) -> str:
    return f"{', '.join(variables)} {'is' if len(variables) == 1 else 'are'} not set"


def _no_channel(name: str, kinds: Kinds) -> str:
    return f"there is no channel {name!r}{did_you_mean(name, kinds)}; channels: {', '.join(kinds)}"
