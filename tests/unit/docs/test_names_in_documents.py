"""What the documents name exists, and what exists is named: commands, variables, files, tests."""

import re
from collections.abc import Iterator
from functools import cache

import pytest
import typer
from typer.core import TyperGroup

from precog.cli.app import app
from tests.documents import CHECKOUT, GENERATED, code, documents, name_of, text_of

pytestmark = pytest.mark.unit

_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_SET_HERE = (".env.example", "docker-compose.yml", "precog/cli/app.py")


@cache
def _code() -> tuple[tuple[str, str], ...]:
    return tuple((name_of(document), text) for document in documents() for text in code(document))


@cache
def _commands() -> frozenset[str]:
    """`log`, `alerts`, `alerts list`, ..."""
    return frozenset(_walk(typer.main.get_command(app), ""))


def _walk(group: object, prefix: str) -> Iterator[str]:
    if isinstance(group, TyperGroup):
        for name, command in group.commands.items():
            yield f"{prefix}{name}"
            yield from _walk(command, f"{prefix}{name} ")


@pytest.mark.parametrize("command", sorted(_commands()))
def test_every_command_is_in_a_document_that_somebody_wrote(command: str) -> None:
    assert any(f"precog {command}" in text for document, text in _code() if document not in GENERATED)


def test_every_command_in_a_document_exists() -> None:
    groups = {name.split()[0] for name in _commands() if " " in name}
    unknown = set()
    for document, text in _code():
        for first, second in re.findall(r"(?:^|(?<!from)[\s/])precog ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", text):
            command = f"{first} {second}" if first in groups and second else first
            if command not in _commands():
                unknown.add(f"{document}: precog {command}")
    assert unknown == set()


def _documented_variables() -> list[str]:
    return re.findall(r"^([A-Z_]+)=", text_of(".env.example"), re.MULTILINE)


@pytest.mark.parametrize("variable", _documented_variables())
def test_every_variable_is_in_a_document(variable: str) -> None:
    assert any(variable in text for _, text in _code())


def test_every_variable_in_a_document_is_read_by_somebody() -> None:
    known = {name for file in _SET_HERE for name in _VARIABLE.findall(text_of(file))}
    set_or_named = [
        (document, name)
        for document, text in _code()
        if document not in GENERATED
        for name in (
            [text] if _VARIABLE.fullmatch(text) else re.findall(rf"^({_VARIABLE.pattern})=", text, re.MULTILINE)
        )
    ]
    assert [f"{document}: {name}" for document, name in set_or_named if name not in known] == []


def test_every_file_that_a_document_names_exists() -> None:
    folders = "precog|workers|database|config|tests|docs|tools"
    named = [
        (document, path.rstrip("/."))
        for document, text in _code()
        for path in re.findall(rf"^(?:{folders})/[\w./-]+|^[\w-]+\.(?:toml|yml|txt)$", text.partition("::")[0])
    ]
    assert [f"{document}: {path}" for document, path in named if not (CHECKOUT / path).exists()] == []
