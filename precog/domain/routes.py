"""A route: who hears of an alert of one severity over one channel. The database's `alert_routes` holds them."""

from dataclasses import dataclass

from precog.domain.alerts import Environment, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    environment: Environment
    severity: Severity
    channel: str
    recipient: str
    """A mail address, a phone number in E.164, or a configured name; never a URL."""
