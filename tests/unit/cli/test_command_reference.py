"""docs/COMMANDS.md."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from precog.cli import reference
from precog.cli.app import app
from precog.resources import resource

pytestmark = pytest.mark.unit

_DOCUMENT = resource("config").parent / "docs/COMMANDS.md"


def test_the_document_is_what_the_commands_say() -> None:
    assert _DOCUMENT.read_text() == reference.reference(), "run `python -m precog.cli.reference docs/COMMANDS.md`"


def test_every_command_shows_an_example_that_begins_with_its_own_name() -> None:
    sections = reference.reference().split("\n## ")[1:]
    commands = [each for section in sections for each in section.split("\n### ")]
    groups = {"precog", *(f"precog {each.name}" for each in app.registered_groups)}
    for each in commands:
        name = each.partition("\n")[0]
        assert name in groups or f"```sh\n{name}" in each, f"{name} shows no example"


def test_check_fails_on_another_text_and_passes_after_it_is_written(tmp_path: Path) -> None:
    app, file = typer.Typer(), tmp_path / "COMMANDS.md"
    app.command()(reference.write)
    run = CliRunner().invoke
    assert run(app, [str(file), "--check"]).exit_code == 1
    assert run(app, [str(file)]).exit_code == 0
    assert run(app, [str(file), "--check"]).exit_code == 0
