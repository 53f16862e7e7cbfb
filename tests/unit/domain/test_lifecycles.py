"""The moves of strategies and models: everything begins as a draft, can be used, and has an end."""

from collections.abc import Mapping
from enum import StrEnum

import pytest

from precog.domain.lifecycles import MODEL_MOVES, STRATEGY_MOVES, ModelStatus, StrategyStatus, why_not

pytestmark = pytest.mark.unit

Moves = Mapping[StrEnum, tuple[StrEnum, ...]]


def _reachable(start: StrEnum, moves: Moves) -> set[StrEnum]:
    seen: set[StrEnum] = set()
    ahead = {start}
    while ahead:
        seen |= ahead
        ahead = {target for status in ahead for target in moves[status]} - seen
    return seen


@pytest.mark.parametrize(("kind", "moves"), [(StrategyStatus, STRATEGY_MOVES), (ModelStatus, MODEL_MOVES)])
def test_a_draft_can_come_to_every_status_and_only_one_is_the_end(kind: type[StrEnum], moves: Moves) -> None:
    assert set(moves) == _reachable(kind("draft"), moves) == set(kind)
    assert [status for status in kind if not moves[status]] == ["deprecated"]
    assert all(kind("deprecated") in ahead for ahead in moves.values() if ahead)
    assert all(status not in moves[status] for status in kind)


@pytest.mark.parametrize(("kind", "moves"), [(StrategyStatus, STRATEGY_MOVES), (ModelStatus, MODEL_MOVES)])
def test_nothing_comes_to_use_untried(kind: type[StrEnum], moves: Moves) -> None:
    assert kind("active") not in moves[kind("draft")]


def test_what_forbids_a_move_names_those_that_are_legal() -> None:
    draft, active, ended = ModelStatus.DRAFT, ModelStatus.ACTIVE, ModelStatus.DEPRECATED
    assert why_not(draft, ModelStatus.TRAINING, MODEL_MOVES) is None
    assert why_not(draft, active, MODEL_MOVES) == (
        "is draft and may not become active; from there it may become training or validating or deprecated"
    )
    assert why_not(ended, active, MODEL_MOVES) == (
        "is deprecated and may not become active; that is its end: add a new version"
    )
