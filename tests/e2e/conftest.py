"""A world for each test that breaks things, and one for all tests of a module that do not."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.e2e.world import World, open_world


@pytest.fixture(scope="module", autouse=True)
def unmeasured(request: pytest.FixtureRequest) -> Iterator[None]:
    """The many processes of a long story cover nothing that others do not, and each would pay for being measured."""
    with pytest.MonkeyPatch.context() as environ:
        if request.node.get_closest_marker("long"):
            environ.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        yield


@pytest.fixture
def world(program_url: str, tmp_path: Path) -> Iterator[World]:
    with open_world(program_url, tmp_path) as world:
        yield world


@pytest.fixture(scope="module")
def shared_world(
    new_database: Callable[[], AbstractContextManager[str]],
    as_program: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    with new_database() as url, open_world(as_program(url), tmp_path_factory.mktemp("world")) as world:
        yield world
