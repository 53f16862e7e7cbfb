"""What `log_alert()` needs to know about types of alerts: when two are the same, and when one is worse."""

from collections.abc import Mapping

from pydantic import Field

from precog.domain.alerts import Category
from precog.domain.bands import steps_reached
from precog.settings.types import Minutes, Name, Names, Section, Steps, Table


class BandRule(Section):
    """The field of `details` that says how bad an alert of this type is, and the steps that make it worse."""

    field: Name
    steps: Steps


class AlertRules(Section):
    default_window_minutes: Minutes = 60
    windows: Table[Name, Minutes] = Field(default_factory=dict, validate_default=True)
    fingerprint_keys: Table[Name, Names] = Field(default_factory=dict, validate_default=True)
    """The fields of `details` that tell two alerts of a type and component apart; an empty list: nothing does."""
    bands: Table[Name, BandRule] = Field(default_factory=dict, validate_default=True)
    categories: Table[Name, Category] = Field(default_factory=dict, validate_default=True)

    def window_minutes(self, alert_type: str) -> int:
        """How long after its anchor an equal alert counts as a duplicate."""
        return self.windows.get(alert_type, self.default_window_minutes)

    def category(self, alert_type: str) -> Category | None:
        return self.categories.get(alert_type)

    def band_of(self, alert_type: str, details: Mapping[str, object]) -> int:
        """How many steps the alert's number has reached; 0 where none is configured or `details` has no such number."""
        rule = self.bands.get(alert_type)
        return steps_reached(details.get(rule.field), rule.steps) if rule else 0
