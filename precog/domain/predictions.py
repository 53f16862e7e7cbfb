"""What a model predicted and what came of it.

A prediction is one model's first probability for one market; it is right when the side it gave more than one half came.
Its confidence is the probability that it gave to that side: over many predictions, a calibrated model is right as often
as it was confident.
"""

from dataclasses import dataclass
from decimal import Decimal

from precog.domain.methods import Versioned


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    count: int
    right: int
    confidence: Decimal
    """The sum over all."""

    @property
    def accuracy(self) -> Decimal:
        return Decimal(self.right) / self.count

    @property
    def mean_confidence(self) -> Decimal:
        return self.confidence / self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What was measured on held-out data before the model was used."""

    accuracy: Decimal
    calibration_error: Decimal | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    model_id: int
    name: Versioned
    recent: Sample
    earlier: Sample
    validation: Validation | None
