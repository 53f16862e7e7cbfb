"""Each mutant of the fault suite still takes out what it names: its text stands in the code exactly once."""

from pathlib import Path

import pytest

from tests.chaos.mutants import MUTANTS, Change

pytestmark = pytest.mark.unit

CHECKOUT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "change", [change for mutant in MUTANTS for change in mutant.changes], ids=lambda each: each.file
)
def test_what_a_mutant_changes_stands_there_once(change: Change) -> None:
    assert (CHECKOUT / change.file).read_text().count(change.old) == 1
