"""How stubbornly a delivery is tried, and which way an alert goes whose delivery does not arrive."""

from typing import Self

from pydantic import Field, model_validator

from precog.settings.types import BySeverity, Names, Positive, Seconds, Section


class RetryPolicy(Section):
    max_attempts: Positive
    max_age_seconds: Seconds
    """Counted from the alert's storing: an alert that is older is not worth sending."""


class Backoff(Section):
    """Full jitter between 0 and `base_seconds` doubled with each try, at most `cap_seconds`."""

    base_seconds: Seconds = 5
    cap_seconds: Seconds = 900


class Timing(Section):
    """How long a send may take, and when somebody else looks after a delivery."""

    send_limit_seconds: Seconds = Field(default=60, ge=2)
    """A send that takes longer ends its process."""
    lease_seconds: Seconds = 90
    """A try that began so long ago is surely not in progress any more: another may begin."""
    ring_again_seconds: Seconds = 30
    """A worker that was told of a due delivery and has not begun with it by then is told again."""
    look_up_seconds: Seconds = 30
    """A provider lists a message only a while after it took it."""

    @model_validator(mode="after")
    def _the_lease_outlasts_a_send(self) -> Self:
        if self.lease_seconds <= self.send_limit_seconds:
            raise ValueError(
                f"lease_seconds ({self.lease_seconds}) must be more than send_limit_seconds "
                f"({self.send_limit_seconds}), or a message would be sent again while its send may still succeed"
            )
        return self

    @property
    def soft_send_limit_seconds(self) -> int:
        """A send that takes so long ends itself, in order."""
        return max(1, self.send_limit_seconds * 5 // 6)

    @property
    def round_seconds(self) -> float:
        """For so long a worker goes on by itself from one delivery to the next of its channel. Little beside the limit
        of a send, which counts from the first, and short enough for other channels and for the worker's end to wait."""
        return min(0.5, self.soft_send_limit_seconds / 25)

    @property
    def latest_start_seconds(self) -> int:
        """A process that slept longer than this after its claim does not send: its lease may be over when it would
        end."""
        return min(10, self.lease_seconds - self.send_limit_seconds)


class ReceiptDeadlines(Section):
    """Seconds after its sending from which a message without a receipt counts as not arrived; null: never.

    Of what a provider gives receipts for; without one, nothing can be said of it.
    """

    critical: Seconds | None = 60
    high: Seconds | None = 300


class DeliveryPolicy(Section):
    retry: BySeverity[RetryPolicy]
    backoff: Backoff = Backoff()
    timing: Timing = Timing()
    fallback: Names = ("slack", "email", "webhook")
    """The channels that a critical or high alert falls back to, first choice first."""
    receipt_deadline_seconds: ReceiptDeadlines = ReceiptDeadlines()
    direct_send: bool = True
    """Whether a critical or high alert that PostgreSQL does not take is sent by the process that raised it."""
