"""Where a version of a strategy or a model stands, and where it may go from there."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar


class StrategyStatus(StrEnum):
    DRAFT = "draft"
    TESTING = "testing"
    ACTIVE = "active"
    INACTIVE = "inactive"
    DEPRECATED = "deprecated"


class ModelStatus(StrEnum):
    DRAFT = "draft"
    TRAINING = "training"
    VALIDATING = "validating"
    ACTIVE = "active"
    DEPRECATED = "deprecated"


_S, _M = StrategyStatus, ModelStatus

STRATEGY_MOVES: Mapping[StrategyStatus, tuple[StrategyStatus, ...]] = MappingProxyType(
    {
        _S.DRAFT: (_S.TESTING, _S.DEPRECATED),
        _S.TESTING: (_S.ACTIVE, _S.DEPRECATED),
        _S.ACTIVE: (_S.INACTIVE, _S.DEPRECATED),
        _S.INACTIVE: (_S.ACTIVE, _S.DEPRECATED),
        _S.DEPRECATED: (),
    }
)
"""As a method's."""

MODEL_MOVES: Mapping[ModelStatus, tuple[ModelStatus, ...]] = MappingProxyType(
    {
        _M.DRAFT: (_M.TRAINING, _M.VALIDATING, _M.DEPRECATED),  # one that learns nothing, such as Elo, is not trained
        _M.TRAINING: (_M.VALIDATING, _M.DEPRECATED),
        _M.VALIDATING: (_M.ACTIVE, _M.TRAINING, _M.DEPRECATED),
        _M.ACTIVE: (_M.VALIDATING, _M.DEPRECATED),  # one that is no longer trusted has to prove itself again
        _M.DEPRECATED: (),
    }
)

S = TypeVar("S", bound=StrEnum)


def why_not(here: S, there: S, moves: Mapping[S, tuple[S, ...]]) -> str | None:
    """What forbids the move, and those that are legal; None where nothing does."""
    if there in moves[here]:
        return None
    legal = (
        f"from there it may become {' or '.join(moves[here])}" if moves[here] else "that is its end: add a new version"
    )
    return f"is {here} and may not become {there}; {legal}"
