"""A short storm with every run of the suite; `make chaos` has the long one and all the rest."""

import random

import pytest

from tests.chaos.commits import commits
from tests.chaos.invariants import Finding
from tests.chaos.storm import storm

pytestmark = [pytest.mark.e2e, pytest.mark.long]

_OF_TIME = {"quick", "recovery"}
"""What a busy machine breaks as well."""


def _broken(found: list[Finding], seed: int) -> list[str]:
    wrong = [each for each in found if each.holds is False and each.invariant not in _OF_TIME]
    return [f"seed {seed}: {each.invariant}: {each.figure} {each.examples}" for each in wrong]


@pytest.fixture
def seed() -> int:
    return random.SystemRandom().randrange(10_000)


def test_nothing_is_lost_or_sent_twice_unexplained_while_everything_dies(seed: int) -> None:
    assert _broken(storm(seed, seconds=10), seed) == []


def test_a_call_whose_commit_is_cut_off_is_stored_once_and_returns_its_id(seed: int) -> None:
    assert _broken(commits(seed, calls=30), seed) == []
