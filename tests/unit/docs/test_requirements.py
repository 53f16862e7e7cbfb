"""docs/MASTER_REQUIREMENTS.md names every requirement once, and nothing in it is invented."""

import re

import pytest

from tests.documents import CHECKOUT, names_of_tests, table_under, text_of

pytestmark = pytest.mark.unit

DOCUMENT = "docs/MASTER_REQUIREMENTS.md"
IDS = [f"{number:03}" for number in range(1, 16)]


def _section(alert_id: str) -> str:
    return re.split(r"\n##+ ", text_of(DOCUMENT).partition(f"\n### REQ-ALERT-{alert_id}\n")[2])[0]


def test_every_requirement_is_listed_once() -> None:
    text = text_of(DOCUMENT)
    assert re.findall(r"^### REQ-ALERT-(\d+)$", text, re.MULTILINE) == IDS
    assert re.findall(r"^\| REQ-METH-(\d+) \|", text, re.MULTILINE) == IDS


@pytest.mark.parametrize("alert_id", IDS)
def test_each_alert_requirement_says_what_where_and_names_tests_that_exist(alert_id: str) -> None:
    what, where, tests = re.fullmatch(r"\n(.+)\n\nWhere: (.+)\n\nTests:\n(.+)", _section(alert_id), re.DOTALL).groups()  # type: ignore[union-attr]
    assert what.strip()
    assert "`" in where
    named = re.findall(r"^- `(.+)::(.+)`$", tests, re.MULTILINE)
    assert [each for each in named if each[1] not in names_of_tests(each[0])] == []
    assert any(name.startswith(f"test_{alert_id}_") for _, name in named), "its own plain test"


def test_what_is_said_not_to_be_built_is_not() -> None:
    for what, _ in table_under(DOCUMENT, "## What else is not built"):
        path = what.rpartition("`")[0].rpartition("`")[2].replace(".", "/")
        assert not (CHECKOUT / path).exists(), f"{path} is built: say where it is met"
        assert not (CHECKOUT / f"{path}.py").exists(), f"{path}.py is built: say where it is met"


@pytest.mark.parametrize("row", table_under(DOCUMENT, "## Alert sources"), ids=lambda row: row[0])
def test_an_alert_source_names_its_code_and_tests_that_exist(row: list[str]) -> None:
    *_, where, tests = row
    assert (CHECKOUT / where.strip("`")).is_file()
    named = re.findall(r"`(.+?)::(.+?)`", tests)
    assert named
    assert [each for each in named if each[1] not in names_of_tests(each[0])] == []


@pytest.mark.parametrize("row", table_under(DOCUMENT, "## Trading methods"), ids=lambda row: row[0])
def test_a_method_requirement_that_is_met_names_tests_that_exist(row: list[str]) -> None:
    _, _, state, tests = row
    assert state in {"not built", "schema only", "built"}
    named = re.findall(r"`(.+?)::(.+?)`", tests)
    assert bool(named) == (state != "not built")
    assert [each for each in named if each[1] not in names_of_tests(each[0])] == []
