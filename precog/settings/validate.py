"""A section of a YAML file into its model, with every problem said at the place and in the words of the file."""

import re
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from precog.domain.nearest import did_you_mean
from precog.domain.redact import redact
from precog.errors import Problem
from precog.fork_gate import no_fork
from precog.settings.shape import keys_at, secret_paths
from precog.settings.source import Source
from precog.settings.yaml_tree import KeyPath

M = TypeVar("M", bound=BaseModel)
_QUOTED = re.compile(r"'([^']*)'")


def validate(model: type[M], source: Source, at: KeyPath, problems: list[Problem]) -> M | None:
    """The value of the section at `at`, or None with what is wrong added to `problems`.

    What is wrong with the file itself is not said a second time, and what came from the environment is not repeated.
    """
    section = _Section(model=model, source=source, at=at)
    problems.extend(section.unknown_unset())
    try:
        with no_fork:  # pydantic compiles its patterns at their first use, and other threads wait for it
            return model.model_validate(source.at(at))
    except ValidationError as error:
        details = error.errors(include_url=False)
    problems.extend(section.problems(details))
    return None


def literal_secrets(model: type[BaseModel], source: Source, at: KeyPath) -> list[Problem]:
    """Secrets that stand in the file itself instead of being named."""
    return [
        source.problem(path, f"a secret does not belong in a file: name its variable with `{path[-1]}_env: VARIABLE`")
        for path in ((*at, *secret) for secret in secret_paths(model))
        if source.at(path) is not None and path not in source.variables
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section(Generic[M]):
    model: type[M]
    source: Source
    at: KeyPath

    def problems(self, details: list[ErrorDetails]) -> list[Problem]:
        found = (((*self.at, *(key for key in detail["loc"] if key != "[key]")), detail) for detail in details)
        return [
            self.source.problem(path, self._without_secrets(self._say(path, detail)))
            for path, detail in found
            if not self.source.has_fault(path)
        ]

    def unknown_unset(self) -> list[Problem]:
        """Keys that no model has and that a variable would fill: without its value, pydantic never sees them."""
        unset = sorted(
            (path for path in self.source.unset if path[: len(self.at)] == self.at), key=self.source.lines.__getitem__
        )
        known = {path: self._known_beside(path) for path in unset}
        return [
            self.source.problem(path, _unknown(path, known[path]))
            for path in unset
            if known[path] and path[-1] not in known[path]
        ]

    def _known_beside(self, path: KeyPath) -> tuple[str, ...]:
        return keys_at(self.model, path[len(self.at) : -1])

    def _say(self, path: KeyPath, detail: ErrorDetails) -> str:
        match detail["type"]:
            case "missing":
                return self._missing(path)
            case "extra_forbidden":
                return _unknown(path, self._known_beside(path))
            case "value_error":
                return self._waiting(path, str(detail["ctx"]["error"]))
        return _wrong_value(detail, reveal=path not in self.source.variables)

    def _missing(self, path: KeyPath) -> str:
        if path in self.source.unset:
            return f"is required, but {self.source.variables[path]} is not set or blank"
        return "is required"

    def _waiting(self, path: KeyPath, text: str) -> str:
        """Where several keys together are wrong: those that the text names, or all, when they wait for a variable."""
        below = {at: name for at, name in self.source.variables.items() if at[:-1] == path}
        waiting = {at: name for at, name in below.items() if at in self.source.unset}
        named = [name for at, name in waiting.items() if waiting == below or str(at[-1]) in text]
        return f"{text} (not set: {', '.join(named)})" if named else text

    def _without_secrets(self, text: str) -> str:
        values = (self.source.at((*self.at, *secret)) for secret in secret_paths(self.model))
        return redact(text, [value for value in values if isinstance(value, str)])


def _unknown(path: KeyPath, known: tuple[str, ...]) -> str:
    allowed = f"; allowed here: {', '.join(known)}" if known else ""
    return f"is not a known key{did_you_mean(str(path[-1]), known)}{allowed}"


def _wrong_value(detail: ErrorDetails, *, reveal: bool) -> str:
    value = detail["input"]
    if value is None:
        return "is missing or empty"
    match detail["type"]:
        case "model_type" | "dict_type" | "mapping_type":
            return "must be a mapping of keys to values"
        case "string_type" if not isinstance(value, list | dict):
            return "is a number or a flag where text is expected: quote it"
        case "enum" | "literal_error":
            return _not_allowed(detail, value if reveal else None)
    shown = f", not {value}" if reveal and not isinstance(value, list | tuple | dict) else ""
    return detail["msg"].replace("Input should", "should") + shown


def _not_allowed(detail: ErrorDetails, value: object) -> str:
    allowed = _QUOTED.findall(str(detail["ctx"]["expected"]))
    hint = did_you_mean(str(value), allowed) if value is not None else ""
    return f"{'the value' if value is None else value} is not allowed{hint}; allowed: {', '.join(allowed)}"
