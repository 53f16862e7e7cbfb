"""markets.yaml and data_sources.yaml: where is traded, and where the data comes from."""

from enum import StrEnum

from precog.domain.alerts import Severity
from precog.settings.types import Fraction, Name, Names, Positive, Seconds, Section, Table


class PlatformType(StrEnum):
    TRADING = "trading"
    DATA_SOURCE = "data_source"


class AuthMethod(StrEnum):
    RSA_PSS = "rsa_pss"
    API_KEY = "api_key"
    METAMASK = "metamask"


class Platform(Section):
    display_name: str
    platform_type: PlatformType
    auth_method: AuthMethod | None = None


class MarketsFile(Section):
    platforms: Table[Name, Platform]
    categories: Names
    sports: Names


class RateLimit(Section):
    """What the source allows: `requests` in any `seconds`."""

    requests: Positive
    seconds: Seconds


class DataSource(Section):
    component: Name
    """Under which name its health is recorded and its alerts are raised."""
    rate_limit: RateLimit


class UsageAlert(Section):
    """Raised when this part of a source's rate limit is used up."""

    severity: Severity
    at: Fraction


class DataSourcesFile(Section):
    usage_alert: UsageAlert
    sources: Table[Name, DataSource]
