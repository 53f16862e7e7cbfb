"""A YAML file as plain values, with the line of every key and everything that is wrong with it.

Read from the parser's events, so that nothing is built that was not checked: no tags, no aliases (hence no bombs and
no merge keys), no repeated keys, no keys that are not text, no deep nesting, no large files.
"""

import encodings.utf_8_sig  # noqa: F401 - else imported by the first file that is read; see fork_gate
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from precog.settings.yaml_scalar import Scalar, read_plain

Plain: TypeAlias = "bool | int | Decimal | str | list[Plain] | dict[str, Plain] | None"
KeyPath: TypeAlias = tuple[str | int, ...]

LARGEST_FILE = 256 * 1024
DEEPEST = 20

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnreadableError(ValueError):
    """A whole file that cannot be read."""

    def __init__(self, text: str, line: int = 1) -> None:
        super().__init__(text)
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    file: Path
    value: dict[str, Plain]
    lines: Mapping[KeyPath, int]
    faults: Mapping[KeyPath, str]
    """What is wrong, by the key path where it is; the path () stands for the whole file, which then has no values."""


def read_tree(file: Path) -> Tree:
    """Never raises: a file that is missing or no YAML is a tree with a fault."""
    try:
        builder = _Builder(_text(file))
        return Tree(file=file, value=builder.document(), lines=builder.lines, faults=builder.faults)
    except UnreadableError as fault:
        return Tree(file=file, value={}, lines={(): fault.line}, faults={(): str(fault)})


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UnreadableError(
            f"cannot be read: {error.strerror}; PRECOG_CONFIG_DIR must hold all seven files"
        ) from None
    if len(content) > LARGEST_FILE:
        raise UnreadableError(f"is larger than {LARGEST_FILE // 1024} kB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError("is not UTF-8 text", content.count(b"\n", 0, error.start) + 1) from None


def _events(text: str) -> Iterator[Event]:
    try:
        yield from yaml.parse(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        # str(error) would quote the line, which may hold a secret.
        mark = error.problem_mark or error.context_mark
        raise UnreadableError(f"is not YAML: {error.problem or error.context}", mark.line + 1 if mark else 1) from None
    except yaml.YAMLError:
        raise UnreadableError("is not YAML: it holds a character that YAML does not allow") from None


class _Builder:
    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self.faults: dict[KeyPath, str] = {}
        self._events = _events(text)

    def document(self) -> dict[str, Plain]:
        next(self._events)  # the start of the stream
        if isinstance(next(self._events), StreamEndEvent):
            raise UnreadableError("is empty")
        value = self._node(next(self._events), ())
        if not isinstance(value, dict):
            raise UnreadableError("is empty" if value is None else "must be a mapping of keys to values")
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                raise UnreadableError("holds a second document; one file is one document", _line(event))
        return value

    def _node(self, event: Event, path: KeyPath) -> Plain:
        self.lines.setdefault(path, _line(event))
        if len(path) > DEEPEST:
            raise UnreadableError(f"is nested deeper than {DEEPEST} levels", _line(event))
        if isinstance(event, AliasEvent):
            self._fault(path, "an alias (*name) is not supported: write the value out")
            return None
        if getattr(event, "tag", None) is not None:
            self._fault(path, "a tag (!name) is not supported: quote the value if it is text")
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path)
        return self._scalar(event, path) if isinstance(event, ScalarEvent) else None

    def _mapping(self, path: KeyPath) -> dict[str, Plain]:
        mapping: dict[str, Plain] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            here = (*path, self._key(event, path))
            value = self._node(next(self._events), here)
            if here[-1] in mapping:
                self._fault(here, f"is given again in line {_line(event)}: keep one")
            else:
                mapping[str(here[-1])] = value
        return mapping

    def _key(self, event: Event, path: KeyPath) -> str:
        if not isinstance(event, ScalarEvent):
            raise UnreadableError("has a key that is not a word", _line(event))
        key = str(event.value)
        here = (*path, key)
        self.lines.setdefault(here, _line(event))
        if not isinstance(self._scalar(event, here), str):
            self._fault(here, "a key must be text: quote it")
        if key == "<<" and not event.style:
            self._fault(here, "merge keys are not supported: write the values out")
        return key

    def _sequence(self, path: KeyPath) -> list[Plain]:
        items: list[Plain] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return items

    def _scalar(self, event: ScalarEvent, path: KeyPath) -> Scalar:
        if event.style in {"'", '"', "|", ">"}:
            return str(event.value)
        try:
            return read_plain(event.value)
        except ValueError as refused:
            self._fault(path, str(refused))
            return None

    def _fault(self, path: KeyPath, text: str) -> None:
        self.faults.setdefault(path, text)


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1 if event.start_mark else 1
