"""Whether the whole system works, judged from a few figures: values and the verdict, without a database."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from precog.domain.spans import span

LATE_SECONDS = 60.0
"""What has been due for so long was seen by neither a worker nor recovery, or they do not keep up."""
SILENT_SECONDS = 30.0
"""A recovery that lives beats far more often."""


class Verdict(StrEnum):
    """Best first."""

    OK = "ok"
    DEGRADED = "degraded"
    """Alerts are stored and told, but something deserves a look."""
    DOWN = "down"
    """Somebody may not be told of an alert."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    channel: str
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What PostgreSQL says of one environment, at one moment of its clock."""

    now: datetime
    due: int
    oldest_due_seconds: float
    """How long the oldest due delivery has waited: the health of the whole system in one figure."""
    last_claim_at: datetime | None
    """When a worker or recovery last began a try."""
    failed_in_a_day: int
    unplanned: int
    """Alerts about which nobody has decided who is told."""
    oldest_unplanned_seconds: float
    last_beat_at: datetime | None
    """When a recovery last beat."""
    paused: tuple[Paused, ...]
    sms_left_this_hour: int
    sms_left_this_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why the verdict is not ok."""

    verdict: Verdict
    broken: bool
    """Whether it stays so until somebody mends it."""
    what: str
    mend: str
    """The command or the step that mends it."""


def judge(figures: Figures) -> tuple[Reason, ...]:
    """Everything that is not as it should be, worst first."""
    found = (
        *_late(figures),
        *_undecided(figures),
        *_silent(figures),
        *_paused(figures),
        *_failed(figures),
        *_sms(figures),
    )
    return tuple(sorted(found, key=lambda reason: reason.verdict is not Verdict.DOWN))


def worst(reasons: Sequence[Reason]) -> Verdict:
    found = {each.verdict for each in reasons}
    return next((verdict for verdict in (Verdict.DOWN, Verdict.DEGRADED) if verdict in found), Verdict.OK)


def _late(figures: Figures) -> Iterator[Reason]:
    if figures.oldest_due_seconds < LATE_SECONDS:
        return
    what = f"{figures.due} deliveries are due, the oldest for {span(figures.oldest_due_seconds)}"
    if _since(figures.last_claim_at, figures) < LATE_SECONDS:
        yield Reason(
            verdict=Verdict.DEGRADED,
            broken=False,
            what=f"{what}: the workers do not keep up, or none takes from one queue",
            mend="precog doctor names a queue that nobody takes from; else start another worker",
        )
    else:
        yield Reason(
            verdict=Verdict.DOWN,
            broken=True,
            what=f"{what}: nobody takes them",
            mend="start a worker, or python -m precog.recovery; its log says what stops it",
        )


def _undecided(figures: Figures) -> Iterator[Reason]:
    if figures.oldest_unplanned_seconds >= LATE_SECONDS:
        oldest = span(figures.oldest_unplanned_seconds)
        yield Reason(
            verdict=Verdict.DOWN,
            broken=True,
            what=f"alerts that nobody is told of, for want of routes or of recovery: {figures.unplanned}, "
            f"the oldest for {oldest}",
            mend="precog config apply; then start a worker, or python -m precog.recovery",
        )


def _silent(figures: Figures) -> Iterator[Reason]:
    silent = _since(figures.last_beat_at, figures)
    if silent >= SILENT_SECONDS:
        yield Reason(
            verdict=Verdict.DEGRADED,
            broken=False,
            what="no recovery has ever run"
            if figures.last_beat_at is None
            else f"no recovery has given a sign for {span(silent)}",
            mend="start a worker, which starts one, or python -m precog.recovery",
        )


def _paused(figures: Figures) -> Iterator[Reason]:
    for each in figures.paused:
        yield Reason(
            verdict=Verdict.DEGRADED,
            broken=True,
            what=f"{each.channel} is paused for {span(each.seconds)}: {each.reason}",
            mend=f"mend it, then precog channels resume {each.channel}",
        )


def _failed(figures: Figures) -> Iterator[Reason]:
    if figures.failed_in_a_day:
        yield Reason(
            verdict=Verdict.DEGRADED,
            broken=False,
            what=f"deliveries that failed in the last day: {figures.failed_in_a_day}",
            mend="precog alerts list, then precog alerts show ID says why",
        )


def _sms(figures: Figures) -> Iterator[Reason]:
    if not min(figures.sms_left_this_hour, figures.sms_left_this_day):
        yield Reason(
            verdict=Verdict.DEGRADED,
            broken=False,
            what=f"no SMS may go now: the limit of the {'hour' if figures.sms_left_this_day else 'day'} is used up",
            mend="nothing: what is held goes when it frees, and precog alerts show ID says when",
        )


def _since(moment: datetime | None, figures: Figures) -> float:
    return float("inf") if moment is None else (figures.now - moment).total_seconds()
