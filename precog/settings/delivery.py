"""How stubbornly a delivery is tried, and where a critical SMS goes that cannot be sent."""

from precog.settings.types import BySeverity, Names, Positive, Seconds, Section


class RetryPolicy(Section):
    max_attempts: Positive
    max_age_seconds: Seconds
    """Counted from the alert's storing: an alert that is older is not worth sending."""


class Backoff(Section):
    """Full jitter between 0 and `base_seconds` doubled with each try, at most `cap_seconds`."""

    base_seconds: Seconds = 5
    cap_seconds: Seconds = 900


class DeliveryPolicy(Section):
    retry: BySeverity[RetryPolicy]
    backoff: Backoff = Backoff()
    fallback: Names = ("slack", "email", "webhook")
    """The channels that a critical SMS falls back to, first choice first."""
