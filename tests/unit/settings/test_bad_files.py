"""Each file in bad/ has the fault it is named for; its first line says how that must be reported."""

from collections.abc import Callable
from pathlib import Path

import pytest

from precog.channels.registry import KINDS
from precog.errors import ConfigError
from precog.settings.load import load_settings

pytestmark = pytest.mark.unit

BAD = sorted(Path(__file__).with_name("bad").glob("*.yaml"))
CHANNELS = {name: kind.settings for name, kind in KINDS.items()}


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_fault_is_reported_at_its_line(file: Path, install: Callable[..., dict[str, str]]) -> None:
    text = file.read_text()
    environ = install(**{file.name.partition(".")[0]: text})
    with pytest.raises(ConfigError) as caught:
        load_settings(channels=CHANNELS, environ=environ)
    directory = environ["PRECOG_CONFIG_DIR"]
    said = [f"{place}: {problem}".removeprefix(f"{directory}/") for place, problem in caught.value.problems]
    expected = text.splitlines()[0].removeprefix("# ")
    assert any(line.startswith(expected) for line in said), "\n".join(said)


def test_a_value_that_cannot_be_read_is_one_problem(install: Callable[..., dict[str, str]]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(channels=CHANNELS, environ=install(data_sources="usage_alert: {severity: no, at: +1}\n"))
    places = [place.rpartition(" ")[2] for place, _ in caught.value.problems if "data_sources" in place]
    assert sorted(places) == ["sources", "usage_alert.at", "usage_alert.severity"]


def test_the_problems_of_all_files_and_of_the_environment_come_together(
    install: Callable[..., dict[str, str]],
) -> None:
    environ = install(trading="a: 1\n", markets="b: 1\n") | {"PRECOG_ENVIRONMENT": "prdo"}
    with pytest.raises(ConfigError, match=r"(?s)PRECOG_ENVIRONMENT.*trading\.yaml:1 a:.*markets\.yaml:1 b:"):
        load_settings(channels=CHANNELS, environ=environ)
