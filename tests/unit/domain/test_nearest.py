"""The hint which known name was probably meant."""

import pytest

from precog.domain.alerts import Severity
from precog.domain.nearest import did_you_mean

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", ["critcal", "CRITICAL", " Critical ", "criticl"])
def test_a_near_name_is_offered(name: str) -> None:
    assert did_you_mean(name, Severity) == "; did you mean 'critical'?"


def test_a_known_name_is_offered_as_it_is_written() -> None:
    assert did_you_mean("warn", ["DEBUG", "WARNING"]) == "; did you mean 'WARNING'?"


@pytest.mark.parametrize("name", ["", "urgent", "x" * 1_000_000])
def test_nothing_is_offered_for_what_is_near_to_nothing(name: str) -> None:
    assert did_you_mean(name, Severity) == ""
