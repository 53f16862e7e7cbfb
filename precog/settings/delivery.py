"""How stubbornly a delivery is tried, and which way an alert goes whose delivery does not arrive."""

from precog.settings.types import BySeverity, Names, Positive, Seconds, Section


class RetryPolicy(Section):
    max_attempts: Positive
    max_age_seconds: Seconds
    """Counted from the alert's storing: an alert that is older is not worth sending."""


class Backoff(Section):
    """Full jitter between 0 and `base_seconds` doubled with each try, at most `cap_seconds`."""

    base_seconds: Seconds = 5
    cap_seconds: Seconds = 900


class ReceiptDeadlines(Section):
    """Seconds after its sending from which a message without a receipt counts as not arrived; null: never.

    Of what a provider gives receipts for; without one, nothing can be said of it.
    """

    critical: Seconds | None = 60
    high: Seconds | None = 300


class DeliveryPolicy(Section):
    retry: BySeverity[RetryPolicy]
    backoff: Backoff = Backoff()
    fallback: Names = ("slack", "email", "webhook")
    """The channels that a critical or high alert falls back to, first choice first."""
    receipt_deadline_seconds: ReceiptDeadlines = ReceiptDeadlines()
