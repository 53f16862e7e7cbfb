"""What docs/ARCHITECTURE.md draws is what the code is."""

import re
import tomllib

import pytest

from precog import errors
from precog.domain.deliveries import MOVES
from tests.documents import CHECKOUT, blocks, table_under

pytestmark = pytest.mark.unit

DOCUMENT = "docs/ARCHITECTURE.md"


def _block(word: str) -> str:
    [found] = [block.text for block in blocks(CHECKOUT / DOCUMENT) if word in block.text]
    return found


def test_the_diagram_of_states_has_every_legal_move_and_no_other() -> None:
    drawn = set(re.findall(r"^\s*(\w+) --> (\w+):", _block("stateDiagram"), re.MULTILINE))
    assert drawn == {(one.value, other.value) for one, others in MOVES.items() for other in others}


def test_every_failure_of_a_send_is_explained() -> None:
    listed = {row[0].strip("`") for row in table_under(DOCUMENT, "## The states of a delivery")}
    assert listed == {
        name
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, errors.SendFailure) and each is not errors.SendFailure
    }


def test_the_rooms_are_drawn_in_the_order_that_import_linter_holds() -> None:
    contracts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    held = [re.findall(r"\w+", layer) for layer in contracts[0]["layers"]]
    there = [{name for name in layer if _is_there(name)} for layer in held]
    drawn = [set(line.split("   ")[0].split()) for line in _block("the command line").splitlines() if line]
    assert drawn == [layer for layer in there if layer]


def _is_there(name: str) -> bool:
    return any((CHECKOUT / "precog" / path).exists() for path in (f"{name}/__init__.py", f"{name}.py"))
