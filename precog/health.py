"""Whether alerts reach people: one value, for `precog doctor`, `precog health`, the heartbeat and whoever else asks."""

from dataclasses import dataclass

from precog import journal
from precog.domain.alerts import Environment
from precog.domain.verdict import Figures, Reason, Verdict, judge, worst
from precog.errors import JournalError, StoreError
from precog.pacing import SmsLimits
from precog.settings import process
from precog.store import health as store

SHIPPED_LIMITS = SmsLimits(per_hour=5, per_day=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    environment: Environment
    verdict: Verdict
    reasons: tuple[Reason, ...]
    """Worst first; none where the verdict is ok."""
    figures: Figures | None
    """None while PostgreSQL does not answer."""
    journaled: int | None
    """Alerts that wait on this machine for PostgreSQL; None where its journal cannot be read."""


def health(environment: Environment | None = None, *, sms_limits: SmsLimits = SHIPPED_LIMITS) -> Health:
    """How the environment is, by default this process's, within a few seconds. Raises ConfigError and nothing else.

    sms_limits: those of the configuration, where they are not the shipped ones.
    """
    where = environment or process.environment()
    reasons: list[Reason] = []
    figures, journaled = _figures(where, sms_limits, reasons), _journaled(where, reasons)
    return Health(
        environment=where, verdict=worst(reasons), reasons=tuple(reasons), figures=figures, journaled=journaled
    )


def _figures(environment: Environment, sms_limits: SmsLimits, reasons: list[Reason]) -> Figures | None:
    try:
        figures = store.figures(environment, sms_limits)
    except StoreError as error:
        reasons.append(Reason(verdict=Verdict.DOWN, broken=True, what=str(error), mend="precog doctor"))
        return None
    reasons.extend(judge(figures))
    return figures


def _journaled(environment: Environment, reasons: list[Reason]) -> int | None:
    try:
        count = len(journal.waiting(environment))
    except JournalError as error:
        reasons.append(Reason(verdict=Verdict.DEGRADED, broken=True, what=str(error), mend="precog journal show"))
        return None
    if count:
        what = f"alerts that were raised on this machine and are not stored yet: {count}"
        reasons.append(
            Reason(
                verdict=Verdict.DEGRADED, broken=False, what=what, mend="precog journal replay, once PostgreSQL answers"
            )
        )
    return count
