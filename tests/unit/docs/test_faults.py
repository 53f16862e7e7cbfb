"""docs/FAULTS_AND_BAD_INPUTS.md lists sixty, and each names tests that exist."""

import re

import pytest

from tests.documents import names_of_tests, table_under, text_of

pytestmark = pytest.mark.unit

DOCUMENT = "docs/FAULTS_AND_BAD_INPUTS.md"
ROWS = [
    row for heading in re.findall(r"^## .+$", text_of(DOCUMENT), re.MULTILINE) for row in table_under(DOCUMENT, heading)
]


def test_there_are_sixty_in_their_order() -> None:
    assert [row[0] for row in ROWS] == [str(number) for number in range(1, 61)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_says_what_happens_and_names_tests_that_exist(row: list[str]) -> None:
    _, what, happens, tests = row
    assert what
    assert happens
    named = re.findall(r"`(.+?)::(.+?)`", tests)
    assert named
    assert [each for each in named if each[1] not in names_of_tests(each[0])] == []
