"""The drawing at the head of `precog.errors` is the tree that the code has."""

import inspect
import re

import pytest

from precog import errors

pytestmark = pytest.mark.unit

_BRANCH = re.compile(r"^(?P<trunk>[ │]*[├└]── )(?P<name>\w+)(?P<note>.*)$")


def _drawn() -> dict[str, tuple[str, str]]:
    """Each error of the drawing with its parent and what is said of it."""
    drawn: dict[str, tuple[str, str]] = {}
    above: list[str] = ["PrecogError"]
    for line in inspect.cleandoc(errors.__doc__ or "").splitlines():
        branch = _BRANCH.match(line)
        if branch:
            level = len(branch["trunk"]) // 4
            del above[level:]
            drawn[branch["name"]] = (above[-1], branch["note"])
            above.append(branch["name"])
    return drawn


def _classes() -> list[type[errors.PrecogError]]:
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.PrecogError) and value is not errors.PrecogError
    ]


def test_every_error_is_drawn_and_every_drawn_error_exists() -> None:
    assert sorted(_drawn()) == sorted(kind.__name__ for kind in _classes())


@pytest.mark.parametrize("kind", _classes())
def test_an_error_hangs_where_it_is_drawn(kind: type[errors.PrecogError]) -> None:
    parent, note = _drawn()[kind.__name__]
    assert kind.__bases__[0].__name__ == parent
    also = [base.__name__ for base in kind.__bases__[1:]]
    assert re.findall(r"\(also an? (\w+)\)", note) == also
