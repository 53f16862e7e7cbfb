"""The settings of a whole installation, as one frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, model_validator

from precog.domain.alerts import Environment, Severity
from precog.settings.alert_rules import AlertRules
from precog.settings.channel import ChannelSettings
from precog.settings.delivery import DeliveryPolicy
from precog.settings.markets import DataSourcesFile, MarketsFile
from precog.settings.methods import PositionManagementFile, ProbabilityModelsFile, TradeStrategiesFile
from precog.settings.trading import TradingFile
from precog.settings.types import BySeverity, Days, Names, Positive, Seconds, Section, Table


class LoggingSettings(Section):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    file: Path | None = None
    """Where the JSON lines of the log go; standard error where it is not given."""


class HealthSeverities(Section):
    degraded: Severity = Severity.MEDIUM
    down: Severity = Severity.HIGH


def _web_address(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("not a URL of the form https://host/path")
    return url


class HealthSettings(Section):
    """When a component is in trouble, and when it is well again."""

    check_interval_seconds: Seconds = 60
    check_timeout_seconds: Seconds = 5
    window_seconds: Seconds = 300
    bad_reports: Positive = 2
    stale_after_seconds: Seconds = 180
    severities: HealthSeverities = HealthSeverities()

    heartbeat_url: Annotated[SecretStr, AfterValidator(_web_address)] | None = None
    """Called by recovery for as long as alerts reach people, so that somebody outside hears of it when they do not."""
    heartbeat_interval_seconds: Seconds = 60

    @model_validator(mode="after")
    def _a_report_may_come_late(self) -> Self:
        if self.stale_after_seconds <= self.check_interval_seconds:
            raise ValueError("stale_after_seconds must be above check_interval_seconds, or every component is stale")
        return self


class RetentionSettings(Section):
    days: BySeverity[Days]
    """How long an incident is kept after its end, by the worst severity in it."""
    checks_days: Days = 90
    """How long the result of a health check is kept; and a failed request to a platform, for a week at least."""


class SystemFile(Section):
    logging: LoggingSettings
    health: HealthSettings
    alerts: AlertRules
    delivery: DeliveryPolicy
    retention: RetentionSettings
    notifications: Table[str, object]
    """The channels' sections, each validated by its channel's own model."""
    alert_routing: BySeverity[Names]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOff:
    """A channel that nothing is sent through, and why, in words for a person."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    environment: Environment
    logging: LoggingSettings
    health: HealthSettings
    alerts: AlertRules
    delivery: DeliveryPolicy
    retention: RetentionSettings
    channels: Mapping[str, ChannelSettings | ChannelOff]
    """Every channel that exists, in the registry's order."""
    routing: Mapping[Severity, tuple[str, ...]]
    """The channels that an alert of each severity goes to, as far as they are on."""
    trading: TradingFile
    position_management: PositionManagementFile
    probability_models: ProbabilityModelsFile
    markets: MarketsFile
    data_sources: DataSourcesFile
    trade_strategies: TradeStrategiesFile
