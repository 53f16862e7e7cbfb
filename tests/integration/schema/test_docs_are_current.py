"""The documents of the schema say what the migrations make."""

import shutil
from pathlib import Path

import pytest

from precog.resources import resource
from precog.store.describe import REFERENCE, SUMMARY, main

pytestmark = pytest.mark.integration

DOCS = resource("config").parent / "docs"


@pytest.fixture
def docs(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the documents, and DATABASE_URL set to a migrated database."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    for name in (REFERENCE, SUMMARY):
        shutil.copy(DOCS / name, tmp_path)
    return tmp_path


def test_the_documents_are_current(docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main([str(docs), "--check"])

    assert (code, capsys.readouterr().err) == (0, "")


def test_a_stale_document_is_named_with_the_command_that_mends_it(
    docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = docs / REFERENCE
    reference.write_text(reference.read_text() + "something\n")

    assert main([str(docs), "--check"]) == 1
    assert f"{reference} is stale: run `python -m precog.store.describe docs`" in capsys.readouterr().err
    assert reference.read_text().endswith("something\n")

    assert main([str(docs)]) == 0
    assert main([str(docs), "--check"]) == 0


def test_what_was_written_by_hand_stays(docs: Path) -> None:
    summary = docs / SUMMARY
    before = summary.read_text()
    begin, end = before.index("<!-- generated: begin -->"), before.index("<!-- generated: end -->")
    summary.write_text(before[:begin] + "<!-- generated: begin -->" + before[end:] + "By hand.\n")

    assert main([str(docs)]) == 0
    assert summary.read_text() == before + "By hand.\n"


def test_a_summary_without_its_markers_is_left_as_it_is(docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (docs / SUMMARY).write_text("By hand.\n")

    assert main([str(docs)]) == 2
    assert "<!-- generated: begin -->" in capsys.readouterr().err
    assert (docs / SUMMARY).read_text() == "By hand.\n"


def test_another_schema_is_not_described(
    docs: Path, empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)

    assert main([str(docs), "--check"]) == 2
    assert "run `precog db migrate`" in capsys.readouterr().err
