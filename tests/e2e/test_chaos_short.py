"""A short storm with every run of the suite; `make chaos` has the long one and all the rest."""

import random
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.chaos.commits import commits
from tests.chaos.family import command_line, family
from tests.chaos.invariants import Finding
from tests.chaos.storm import storm
from tests.waiting import eventually

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


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to its starter")
def test_a_suite_that_is_killed_leaves_nothing_behind() -> None:
    suite = subprocess.Popen([sys.executable, "-m", "tests.chaos", "--only", "calm"], stdout=subprocess.DEVNULL)
    [folder] = eventually(partial(_folders, suite), 60)
    started = family(suite.pid)
    suite.kill()
    suite.wait()
    eventually(lambda: not folder.exists(), 60)
    eventually(lambda: not any(map(command_line, started)), 60)


def _folders(suite: subprocess.Popen[bytes]) -> list[Path]:
    """Where its tests have begun to work."""
    words = [command_line(pid).rstrip(b"\0").split(b"\0") for pid in family(suite.pid)]
    return [Path(each[-1].decode()) for each in words if b"tests.chaos.receiver" in each]
