"""When a model is worse than it was, and when nobody can say."""

from dataclasses import replace
from decimal import Decimal
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.domain.methods import Versioned
from precog.domain.predictions import Sample, Track, Validation
from precog.settings.load import load_thresholds
from precog.sources.model_rules import Standing, judge

pytestmark = pytest.mark.unit

RULE = load_thresholds({}).probability_models.degradation
NONE = Sample(count=0, right=0, confidence=Decimal(0))


def _sample(right: int, count: int, confidence: str = "0.7") -> Sample:
    return Sample(count=count, right=right, confidence=Decimal(confidence) * count)


def _track(recent: Sample, earlier: Sample = NONE, validation: Validation | None = None) -> Track:
    return Track(model_id=1, name=Versioned("elo", "v1.0"), recent=recent, earlier=earlier, validation=validation)


HISTORY = _sample(280, 400)
VALIDATED = Validation(accuracy=Decimal("0.7"), calibration_error=Decimal("0.02"), count=500)


@pytest.mark.parametrize(
    ("track", "standing"),
    [
        (_track(_sample(0, 10), HISTORY), Standing.TOO_FEW),
        (_track(_sample(0, 29), HISTORY), Standing.TOO_FEW),
        (_track(_sample(10, 100), _sample(5, 10)), Standing.TOO_FEW),
        (_track(_sample(35, 50), HISTORY), Standing.AS_BEFORE),
        (_track(_sample(17, 30), HISTORY), Standing.AS_BEFORE),
        (_track(_sample(40, 100), HISTORY), Standing.DEGRADED),
        (_track(_sample(60, 100), HISTORY), Standing.AS_BEFORE),
        (_track(_sample(40, 100), validation=VALIDATED), Standing.DEGRADED),
        (_track(_sample(70, 100), validation=VALIDATED), Standing.AS_BEFORE),
        (_track(_sample(70, 100, "0.92"), HISTORY), Standing.DEGRADED),
        (_track(_sample(92, 100, "0.70"), HISTORY), Standing.DEGRADED),
        (_track(_sample(70, 100, "0.92"), validation=replace(VALIDATED, calibration_error=None)), Standing.AS_BEFORE),
    ],
    ids=[
        "ten games, all wrong",
        "one too few",
        "nothing to compare with",
        "as good as ever",
        "below the ratio, but that may be chance",
        "far less accurate",
        "less accurate, but above the ratio",
        "against its validation",
        "as validated",
        "overconfident",
        "underconfident",
        "its calibration was never measured",
    ],
)
def test_how_a_model_stands(track: Track, standing: Standing) -> None:
    assert judge(track, RULE).standing is standing


def test_a_verdict_gives_its_sample_its_interval_and_what_it_was_compared_with() -> None:
    verdict = judge(_track(_sample(40, 100), HISTORY), RULE)

    assert verdict.reason.startswith("accuracy 0.400 over 100 predictions, 0.700 before")
    figures = verdict.figures
    low, high = cast(list[Decimal], figures["accuracy_interval"])
    assert low < Decimal("0.4") < high
    assert (figures["predictions"], figures["compared_with"], figures["compared_predictions"]) == (100, "history", 400)


@given(right=st.integers(0, 29), count=st.integers(0, 29))
def test_fewer_than_thirty_predictions_never_say_anything(right: int, count: int) -> None:
    assert judge(_track(_sample(min(right, count), count), HISTORY), RULE).standing is Standing.TOO_FEW


@given(right=st.integers(0, 500), count=st.integers(30, 500), confidence=st.decimals("0.5", 1, places=4))
def test_a_model_that_is_as_good_as_its_history_is_never_degraded_in_accuracy(
    right: int, count: int, confidence: Decimal
) -> None:
    sample = _sample(min(right, count), count, str(confidence))
    assert judge(_track(sample, sample), RULE).standing is Standing.AS_BEFORE
