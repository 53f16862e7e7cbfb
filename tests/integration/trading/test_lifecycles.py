"""A strategy's and a model's status: moved by legal moves only, each judged by what the one before it left."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Any

import pytest

from precog.domain.lifecycles import MODEL_MOVES, STRATEGY_MOVES, ModelStatus, StrategyStatus
from precog.domain.methods import Versioned
from precog.errors import RowInvalid, RowRefused
from precog.trading import Model, Strategy, add_model, add_strategy, move_model, move_strategy

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]


def _strategy(status: str) -> int:
    return add_strategy(Strategy(name=Versioned("momentum", "v1.0"), config={}, status=status))  # type: ignore[arg-type]


def _model(status: str) -> int:
    name = Versioned("elo", "v1.0")
    return add_model(Model(name=name, category="sports", config={}, status=status))  # type: ignore[arg-type]


@pytest.mark.parametrize("there", StrategyStatus)
@pytest.mark.parametrize("here", StrategyStatus)
def test_a_strategy_makes_only_legal_moves(sql: Run, here: StrategyStatus, there: StrategyStatus) -> None:
    strategy_id = _strategy(here)
    if here is there:
        assert not move_strategy(strategy_id, there)
    elif there in STRATEGY_MOVES[here]:
        assert move_strategy(strategy_id, there)
        assert sql("SELECT status FROM strategies") == [(there,)]
    else:
        with pytest.raises(RowRefused, match=rf"momentum@v1\.0, is {here} and may not become {there}; "):
            move_strategy(strategy_id, there)
        assert sql("SELECT status FROM strategies") == [(here,)]


@pytest.mark.parametrize("there", ModelStatus)
@pytest.mark.parametrize("here", ModelStatus)
def test_a_model_makes_only_legal_moves(sql: Run, here: ModelStatus, there: ModelStatus) -> None:
    model_id = _model(here)
    if here is there:
        assert not move_model(model_id, there)
    elif there in MODEL_MOVES[here]:
        assert move_model(model_id, there)
        assert sql("SELECT status FROM probability_models") == [(there,)]
    else:
        with pytest.raises(RowRefused, match=rf"elo@v1\.0, is {here} and may not become {there}; "):
            move_model(model_id, there)
        assert sql("SELECT status FROM probability_models") == [(here,)]


@pytest.mark.parametrize("move", [move_strategy, move_model])
def test_what_is_not_there_or_no_status_is_refused(sql: Run, move: Callable[[int, str], bool]) -> None:
    with pytest.raises(RowRefused, match=r"there is no (strategy|model) 4711"):
        move(4711, "active")
    with pytest.raises(RowInvalid, match="status: 'retired' is none of draft, "):
        move(4711, "retired")


def test_of_two_moves_at_once_the_later_is_judged_by_what_the_earlier_left(sql: Run) -> None:
    """Both would be legal from active; after the end nothing is, and no end is taken back."""
    for number in range(20):
        strategy = Strategy(name=Versioned("momentum", f"v1.{number}"), config={}, status="active")
        strategy_id = add_strategy(strategy)

        def move(status: str, strategy_id: int = strategy_id) -> str | None:
            try:
                move_strategy(strategy_id, status)
            except RowRefused as refusal:
                return str(refusal)
            return None

        with ThreadPoolExecutor(2) as threads:
            paused, ended = threads.map(move, ("inactive", "deprecated"))

        assert ended is None
        assert paused is None or "is deprecated and may not become inactive" in paused
    assert sql("SELECT DISTINCT status FROM strategies") == [("deprecated",)]


@pytest.mark.parametrize(
    ("constraint", "kind"),
    [("strategies_status_check", StrategyStatus), ("probability_models_status_check", ModelStatus)],
)
def test_python_and_the_database_know_the_same_statuses(sql: Run, constraint: str, kind: type[StrEnum]) -> None:
    [(check,)] = sql("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", constraint)
    assert re.findall(r"'(\w+)'", check) == list(kind)
