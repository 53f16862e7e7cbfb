"""docs/COMMANDS.md from the commands themselves: `python -m precog.cli.reference docs/COMMANDS.md [--check]`."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from precog.cli.app import app
from precog.cli.stderr import say_error

_TITLE = "# The commands of precog\n\nMade by `python -m precog.cli.reference docs/COMMANDS.md`; a test compares it.\n"
_EXAMPLE = "Example: "


def reference() -> str:
    """Every command with its help, its example, its arguments and its options."""
    root = get_command(app)
    assert isinstance(root, TyperGroup)
    return "\n".join([_TITLE, *_section(root, "precog", 2)])


def _section(command: TyperGroup | TyperCommand, path: str, level: int) -> Iterator[str]:
    yield f"{'#' * level} {path}\n"
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        yield f"{_paragraph(paragraph)}\n"
    yield from _parameters(command, path)
    if isinstance(command, TyperGroup):
        for name, each in command.commands.items():
            assert isinstance(each, TyperGroup | TyperCommand)
            yield from _section(each, f"{path} {name}", level + 1 if path != "precog" else level)


def _paragraph(text: str) -> str:
    if text.startswith(_EXAMPLE):
        return f"```sh\n{text.removeprefix(_EXAMPLE)}\n```"
    return text


def _parameters(command: TyperGroup | TyperCommand, path: str) -> Iterator[str]:
    context = typer.Context(command, info_name=path)
    shown = [each for each in command.params if isinstance(each, TyperArgument | TyperOption) and not each.hidden]
    rows = [each.get_help_record(context) for each in shown]
    named = [row for row in rows if row is not None]
    if named:
        yield "| | |\n|---|---|"
        yield from (f"| `{_cell(name)}` | {_cell(text)} |" for name, text in named)
        yield ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def write(
    file: Annotated[Path, typer.Argument(help="The document.")],
    *,
    check: Annotated[bool, typer.Option("--check", help="Only say whether it is current.")] = False,
) -> None:
    """Write the document, or with --check fail where it is not current."""
    if not check:
        file.write_text(reference(), encoding="utf-8")
    elif not file.exists() or file.read_text(encoding="utf-8") != reference():
        say_error(f"{file} is not current; run `python -m precog.cli.reference {file}`")
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(write)
