"""A YAML file with its `_env` keys filled from the environment.

`smtp_host_env: SMTP_HOST` becomes `smtp_host: <the value of SMTP_HOST>`. A variable that is unset or blank leaves its
key out; whether that matters is for the reader of the value to say.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from precog.errors import Problem
from precog.settings.process import Environ
from precog.settings.yaml_tree import KeyPath, Plain, Tree, read_tree

_SUFFIX = "_env"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EXPANSION = re.compile(r"\$\{[^}]*\}?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """All key paths are those of the filled value, without `_env`."""

    tree: Tree
    """The file as it is written."""
    value: Mapping[str, Plain]
    lines: Mapping[KeyPath, int]
    faults: Mapping[KeyPath, str]
    variables: Mapping[KeyPath, str]
    """The variable that fills a key, whether it is set or not."""
    unset: frozenset[KeyPath]

    def at(self, path: KeyPath) -> Plain:
        """The value at a path of mappings, None where there is none."""
        value: Plain = dict(self.value)
        for key in path:
            value = value.get(str(key)) if isinstance(value, dict) else None
        return value

    def problem(self, path: KeyPath, text: str) -> Problem:
        """A problem at a path as it is written, at the nearest line that is known, with the variable it came from."""
        line = next(self.lines[known] for known in _upwards(path) if known in self.lines)
        return Problem(f"{self.tree.file}:{line} {self._written(path)}".rstrip(), text)

    def _written(self, path: KeyPath) -> str:
        filled = next((known for known in _upwards(path) if known in self.variables), None)
        if filled is None:
            return dotted(path)
        written = dotted((*filled[:-1], f"{filled[-1]}{_SUFFIX}", *path[len(filled) :]))
        return written if filled in self.unset else f"{written} ({self.variables[filled]})"

    def has_fault(self, path: KeyPath) -> bool:
        """Whether the value at the path, or something it lies in, could not be read."""
        return any(above in self.faults for above in _upwards(path))

    def problems(self, below: KeyPath = ()) -> list[Problem]:
        """What is wrong with the file itself, at or below a path; that a file cannot be read concerns every path."""
        return [
            self.problem(path, text) for path, text in self.faults.items() if not path or path[: len(below)] == below
        ]


def _upwards(path: KeyPath) -> Iterator[KeyPath]:
    """The path itself, then all that lead to it, ending with ()."""
    return (path[:length] for length in range(len(path), -1, -1))


def dotted(path: KeyPath) -> str:
    """`notifications.email.recipients[0]`"""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")


def read_source(file: Path, environ: Environ) -> Source:
    """Never raises: what is wrong is in `faults`."""
    tree = read_tree(file)
    filling = _Filling(environ=environ, lines=dict(tree.lines), faults=dict(tree.faults))
    value = filling.mapping(tree.value, ())
    return Source(
        tree=tree,
        value=value,
        lines=filling.lines,
        faults=filling.faults,
        variables=filling.variables,
        unset=frozenset(filling.unset),
    )


@dataclass(slots=True, kw_only=True)
class _Filling:
    environ: Environ
    lines: dict[KeyPath, int]
    faults: dict[KeyPath, str]
    variables: dict[KeyPath, str] = field(default_factory=dict)
    unset: set[KeyPath] = field(default_factory=set)

    def mapping(self, written: Mapping[str, Plain], path: KeyPath) -> dict[str, Plain]:
        filled: dict[str, Plain] = {}
        for key, value in written.items():
            if key.endswith(_SUFFIX) and (*path, key) not in self.faults:
                self._fill(filled, key, value, path)
            else:
                filled[key] = self._node(value, (*path, key))
        return filled

    def _node(self, value: Plain, path: KeyPath) -> Plain:
        if isinstance(value, dict):
            return self.mapping(value, path)
        if isinstance(value, list):
            return [self._node(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, str) and _EXPANSION.search(value):
            key = next((key for key in reversed(path) if isinstance(key, str)), "key")
            self.faults[path] = f"${{...}} is not expanded: name the variable with `{key}{_SUFFIX}: VARIABLE`"
        return value

    def _fill(self, filled: dict[str, Plain], key: str, variable: Plain, path: KeyPath) -> None:
        name = key.removesuffix(_SUFFIX)
        here = (*path, name)
        if here in self.lines:
            self.faults[here] = f"is given twice, as {name} and as {key}: keep one"
            return
        self.lines[here] = self.lines[(*path, key)]
        if not isinstance(variable, str) or not _VARIABLE.fullmatch(variable):
            self.faults[here] = f"{key} must name an environment variable, such as {name.upper()}"
            return
        self.variables[here] = variable
        value = self.environ.get(variable, "").strip()
        if value:
            filled[name] = value
        else:
            self.unset.add(here)
