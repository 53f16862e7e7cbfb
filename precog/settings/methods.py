"""position_management.yaml, trade_strategies.yaml and probability_models.yaml: what a trading method is made of."""

from collections.abc import Collection
from decimal import Decimal
from typing import Self

from pydantic import model_validator

from precog.domain.alerts import Severity
from precog.domain.nearest import did_you_mean
from precog.settings.types import Dollars, Fraction, Multiple, Name, Positive, Seconds, Section, Table, Whole


class TrailingStop(Section):
    """Activates at a gain of this part of the entry price, then follows the price at this distance."""

    activates_at: Fraction
    distance: Fraction

    @model_validator(mode="after")
    def _keeps_a_gain(self) -> Self:
        if self.distance >= self.activates_at:
            raise ValueError("distance must be below activates_at, or the stop would close at a loss")
        return self


class PositionProfile(Section):
    kelly_fraction: Fraction
    max_position_dollars: Dollars
    trailing_stop: TrailingStop
    profit_target: Fraction


class OversizedPosition(Section):
    """Told of when what a position cost reaches this many times what it may cost."""

    severity: Severity = Severity.HIGH
    at: Multiple = Decimal("1.05")


class FailingExit(Section):
    """Told of when so many attempts in a row to leave a position failed."""

    severity: Severity = Severity.HIGH
    attempts: Positive = 3


class PositionAlerts(Section):
    position_oversized: OversizedPosition = OversizedPosition()
    exit_failing: FailingExit = FailingExit()


class PositionManagementFile(Section):
    default_profile: Name
    profiles: Table[Name, PositionProfile]
    alerts: PositionAlerts = PositionAlerts()

    @model_validator(mode="after")
    def _default_exists(self) -> Self:
        _check_default(self.default_profile, self.profiles)
        return self


class StrategyProfile(Section):
    max_slippage: Fraction
    minimum_volume: Table[Name, Whole]
    """Contracts traded in a market before it is entered, by sport."""


class TradeStrategiesFile(Section):
    default_profile: Name
    profiles: Table[Name, StrategyProfile]

    @model_validator(mode="after")
    def _default_exists(self) -> Self:
        _check_default(self.default_profile, self.profiles)
        return self


class Degradation(Section):
    """A model is degraded when its accuracy over the last days is below this part of its accuracy before."""

    severity: Severity
    window_days: Positive
    minimum_ratio: Fraction
    calibration_margin: Fraction = Decimal("0.10")
    """How much further its probabilities may lie from its results than before."""
    minimum_sample: Positive = 30
    """Settled predictions that both sides of the comparison need; of fewer nothing is said."""
    check_interval_seconds: Seconds = 3600


class ProbabilityModelsFile(Section):
    degradation: Degradation


def _check_default(name: str, profiles: Collection[str]) -> None:
    if name not in profiles:
        hint = did_you_mean(name, profiles)
        raise ValueError(f"default_profile {name!r} is none of the profiles{hint}; defined: {', '.join(profiles)}")
