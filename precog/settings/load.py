"""Reads the configuration: all of it for a worker, and the parts that a program needs which only raises alerts."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

from pydantic import BaseModel

from precog.domain.alerts import Environment
from precog.errors import ConfigError, Problem
from precog.settings.alert_rules import AlertRules
from precog.settings.channel import ChannelSettings
from precog.settings.channel_sections import Kinds, check_names, check_timeouts, read_channels
from precog.settings.delivery import Timing
from precog.settings.markets import DataSourcesFile, MarketsFile
from precog.settings.methods import PositionManagementFile, ProbabilityModelsFile, TradeStrategiesFile
from precog.settings.model import ChannelOff, HealthSettings, LoggingSettings, Settings, SystemFile
from precog.settings.process import Environ, config_directory, current_environ, environment
from precog.settings.source import Source, read_source
from precog.settings.thresholds import Thresholds
from precog.settings.trading import TradingFile
from precog.settings.validate import literal_secrets, validate

M = TypeVar("M", bound=BaseModel)

_MAY_BE_UNSET = frozenset({("health", "heartbeat_url")})
"""Outside the channels: what is off where its variable is not set."""

FILES: Mapping[type[BaseModel], str] = MappingProxyType(
    {
        SystemFile: "system.yaml",
        TradingFile: "trading.yaml",
        PositionManagementFile: "position_management.yaml",
        ProbabilityModelsFile: "probability_models.yaml",
        MarketsFile: "markets.yaml",
        DataSourcesFile: "data_sources.yaml",
        TradeStrategiesFile: "trade_strategies.yaml",
    }
)


def load_rules(environ: Environ | None = None) -> AlertRules:
    """What `log_alert()` needs: no channel, no credential, no other file; a fault elsewhere does not concern it.

    Raises ConfigError.
    """
    return _section_alone(AlertRules, "alerts", environ)


def load_logging(environ: Environ | None = None) -> LoggingSettings:
    """Where a program's log goes, and how much of it. Raises ConfigError."""
    return _section_alone(LoggingSettings, "logging", environ)


def _section_alone(model: type[M], name: str, environ: Environ | None) -> M:
    """One section of system.yaml, whatever is wrong with the others. Raises ConfigError."""
    environ = current_environ(environ)
    problems: list[Problem] = []
    value = _section(model, name, read_source(config_directory(environ) / FILES[SystemFile], environ), problems)
    if problems or value is None:
        raise ConfigError(problems)
    return value


def _section(model: type[M], name: str, source: Source, problems: list[Problem]) -> M | None:
    problems += [*source.problems((name,)), *_unset(source, lambda section: section == name)]
    return validate(model, source, (name,), problems)


def load_thresholds(environ: Environ | None = None) -> Thresholds:
    """What the alert sources need: no channel and no credential. Raises one ConfigError with all problems."""
    problems: list[Problem] = []
    environ = current_environ(environ)
    directory = config_directory(environ)
    health = _section(HealthSettings, "health", read_source(directory / FILES[SystemFile], environ), problems)
    kinds = (TradingFile, ProbabilityModelsFile, DataSourcesFile, PositionManagementFile)
    files = _Files({kind: _read_file(kind, read_source(directory / FILES[kind], environ), problems) for kind in kinds})
    if problems or health is None:
        raise ConfigError(problems)
    return Thresholds(
        health=health,
        trading=files.of(TradingFile),
        probability_models=files.of(ProbabilityModelsFile),
        data_sources=files.of(DataSourcesFile),
        position_management=files.of(PositionManagementFile),
    )


def load_timing(environ: Environ | None = None) -> Timing:
    """What Celery's own settings need. The defaults where the file does not say or cannot be read: a worker of such a
    configuration does not start, and says why."""
    try:
        source = read_source(config_directory(environ) / "system.yaml", current_environ(environ))
    except ConfigError:
        return Timing()
    at = ("delivery", "timing")
    return (validate(Timing, source, at, []) if source.at(at) is not None else None) or Timing()


def load_settings(*, channels: Kinds, environ: Environ | None = None) -> Settings:
    """Everything, for a worker and for `precog config check`. `channels`: the model of each channel's section.

    Raises one ConfigError with all problems of all files.
    """
    problems: list[Problem] = []
    environ = current_environ(environ)
    tag = _environment(environ, problems)
    directory = config_directory(environ)
    sources = {model: read_source(directory / name, environ) for model, name in FILES.items()}
    files = {model: _read_file(model, source, problems) for model, source in sources.items()}
    system = sources[SystemFile]
    read = read_channels(channels, system, problems)
    problems.extend(_unknown_channels(files[SystemFile], channels, system))
    problems.extend(_slow_channels(files[SystemFile], read, system))
    if problems:
        raise ConfigError(problems)
    return _settings(tag, _Files(files), read)


def _environment(environ: Environ, problems: list[Problem]) -> Environment:
    try:
        return environment(environ)
    except ConfigError as error:
        problems.extend(error.problems)
        return Environment.DEMO


def _read_file(model: type[BaseModel], source: Source, problems: list[Problem]) -> BaseModel | None:
    problems.extend(source.problems())
    problems.extend(_unset(source, lambda section: section != "notifications"))
    problems.extend(literal_secrets(model, source, ()))
    return validate(model, source, (), problems)


def _unset(source: Source, concerned: Callable[[str | int], bool]) -> list[Problem]:
    """Variables that a file names and nobody set: only a channel may be without, and is then off."""
    paths = sorted((path for path in source.unset - _MAY_BE_UNSET if concerned(path[0])), key=source.lines.__getitem__)
    return [source.problem(path, f"{source.variables[path]} is not set or blank") for path in paths]


def _unknown_channels(system: BaseModel | None, channels: Kinds, source: Source) -> list[Problem]:
    """Channel names in the routes and the fallback that no channel has."""
    if not isinstance(system, SystemFile):
        return []
    named = {("delivery", "fallback"): system.delivery.fallback}
    named |= {("alert_routing", severity.value): names for severity, names in system.alert_routing.items()}
    return [problem for path, names in named.items() for problem in check_names(names, channels, source, path)]


def _slow_channels(system: BaseModel | None, read: Mapping[str, object], source: Source) -> list[Problem]:
    """Channels that may take longer than a send is given."""
    return check_timeouts(read, system.delivery.timing, source) if isinstance(system, SystemFile) else []


class _Files(dict[type[BaseModel], BaseModel | None]):
    def of(self, model: type[M]) -> M:
        value = self[model]
        assert isinstance(value, model), f"{model.__name__} has no value though no problem was found"
        return value


def _settings(tag: Environment, files: _Files, channels: Mapping[str, ChannelSettings | ChannelOff]) -> Settings:
    system = files.of(SystemFile)
    return Settings(
        environment=tag,
        logging=system.logging,
        health=system.health,
        alerts=system.alerts,
        delivery=system.delivery,
        retention=system.retention,
        channels=MappingProxyType(dict(channels)),
        routing=system.alert_routing,
        trading=files.of(TradingFile),
        position_management=files.of(PositionManagementFile),
        probability_models=files.of(ProbabilityModelsFile),
        markets=files.of(MarketsFile),
        data_sources=files.of(DataSourcesFile),
        trade_strategies=files.of(TradeStrategiesFile),
    )
