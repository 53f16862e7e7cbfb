"""When a model is worse than it was: its settled predictions in, a verdict with its figures out."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from precog.domain.predictions import Sample, Track
from precog.methods import intervals
from precog.methods.intervals import Interval
from precog.settings.methods import Degradation

_STEP = Decimal("0.0001")


class Standing(StrEnum):
    TOO_FEW = "too_few"
    """Predictions, in the window or before it, to say anything."""
    AS_BEFORE = "as_before"
    DEGRADED = "degraded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a model is compared with: its own history, or its validation where that is too short."""

    source: str
    accuracy: Decimal
    count: int
    gap: Decimal | None
    """Between its confidence and its accuracy; None where nobody measured it."""

    @property
    def right(self) -> int:
        return round(self.accuracy * self.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    standing: Standing
    reason: str
    """What has become worse, in words; empty where nothing has."""
    figures: dict[str, object]


def judge(track: Track, rule: Degradation) -> Verdict:
    """Degraded where accuracy is below the configured part of the baseline's, or confidence is further from accuracy
    than the baseline's by more than the margin; and in both cases by more than chance explains at 95 %."""
    baseline = _baseline(track, rule.minimum_sample)
    recent = track.recent
    if baseline is None or recent.count < rule.minimum_sample:
        return Verdict(standing=Standing.TOO_FEW, reason="", figures={"predictions": recent.count})
    interval = intervals.share(recent.right, recent.count)
    difference = intervals.difference(recent.right, recent.count, baseline.right, baseline.count)
    assert interval is not None, "of one prediction at least"
    assert difference is not None, "of one prediction at least"
    reasons = [
        *_less_accurate(recent, baseline, difference, rule),
        *_less_calibrated(recent, baseline, interval, rule),
    ]
    return Verdict(
        standing=Standing.DEGRADED if reasons else Standing.AS_BEFORE,
        reason="; ".join(reasons),
        figures={
            "predictions": recent.count,
            "accuracy": recent.accuracy.quantize(_STEP),
            "accuracy_interval": [interval.low, interval.high],
            "confidence": recent.mean_confidence.quantize(_STEP),
            "compared_with": baseline.source,
            "compared_predictions": baseline.count,
            "compared_accuracy": baseline.accuracy.quantize(_STEP),
            "compared_gap": baseline.gap if baseline.gap is None else baseline.gap.quantize(_STEP),
            "window_days": rule.window_days,
        },
    )


def _baseline(track: Track, minimum: int) -> Baseline | None:
    earlier, validation = track.earlier, track.validation
    if earlier.count >= minimum:
        return Baseline(source="history", accuracy=earlier.accuracy, count=earlier.count, gap=_gap(earlier))
    if validation is not None and validation.count >= minimum:
        return Baseline(
            source="validation",
            accuracy=validation.accuracy,
            count=validation.count,
            gap=validation.calibration_error,
        )
    return None


def _gap(sample: Sample) -> Decimal:
    return abs(sample.mean_confidence - sample.accuracy)


def _less_accurate(recent: Sample, baseline: Baseline, difference: Interval, rule: Degradation) -> list[str]:
    if recent.accuracy >= rule.minimum_ratio * baseline.accuracy or difference.high >= 0:
        return []
    return [f"accuracy {recent.accuracy:.3f} over {recent.count} predictions, {baseline.accuracy:.3f} before"]


def _less_calibrated(recent: Sample, baseline: Baseline, interval: Interval, rule: Degradation) -> list[str]:
    confidence, gap = recent.mean_confidence, _gap(recent)
    by_chance = interval.low <= confidence <= interval.high
    if baseline.gap is None or by_chance or gap <= baseline.gap + rule.calibration_margin:
        return []
    return [f"confidence {confidence:.3f} where {recent.accuracy:.3f} came true over {recent.count} predictions"]
