"""Where a method stands and may go. The database decides; these are the names of its moves."""

from dataclasses import dataclass

from precog.domain.methods import Method, MethodStatus, Versioned
from precog.errors import MethodInvalid, Problem
from precog.store import methods


@dataclass(frozen=True, slots=True, kw_only=True)
class Activated:
    method: Method
    deprecated: tuple[Versioned, ...]
    """The older versions that this one took the place of."""


def get_method(reference: str | int) -> Method:
    """The method of this number, or of this name and version: 12, `kelly_nfl@v1.0`.

    Raises UnknownMethod; MethodInvalid for what is written otherwise.
    """
    if isinstance(reference, int) or reference.isdecimal():
        return methods.get(int(reference))
    named = Versioned.parse(reference)
    if named is None:
        raise MethodInvalid([Problem("method", f"{reference!r} is neither a number nor written like name@v1.0")])
    return methods.get(named)


def list_methods(*, status: str | None = None, deprecated: bool = False) -> list[Method]:
    """By name, newest version first; deprecated ones when that is the status, or if asked for."""
    return methods.listed(status=None if status is None else MethodStatus(status), deprecated=deprecated)


def start_testing(reference: str | int) -> Method:
    """From draft to testing: from here on its configs never change. Raises MethodRefused, UnknownMethod."""
    return _move(reference, MethodStatus.TESTING)


def activate_method(reference: str | int, *, keep_older: bool = False) -> Activated:
    """From testing or inactive to active: after ten paper trades with a gain, counted by the database.

    Deprecates the older versions of its name, unless `keep_older` lets them run on beside it for an A/B comparison.
    Raises MethodRefused with what is missing; UnknownMethod.
    """
    method = get_method(reference)
    deprecated = methods.move(method.method_id, MethodStatus.ACTIVE, keep_older=keep_older)
    return Activated(method=methods.get(method.method_id), deprecated=deprecated)


def deactivate_method(reference: str | int) -> Method:
    """From active to inactive: it may be activated again. Raises MethodRefused, UnknownMethod."""
    return _move(reference, MethodStatus.INACTIVE)


def deprecate_method(reference: str | int) -> Method:
    """The end of a version; it is kept five years from its deactivation. Raises MethodRefused, UnknownMethod."""
    return _move(reference, MethodStatus.DEPRECATED)


def _move(reference: str | int, status: MethodStatus) -> Method:
    """A repeat changes nothing."""
    method = get_method(reference)
    methods.move(method.method_id, status)
    return methods.get(method.method_id)
