"""The documents hold together: links lead somewhere, every document is listed, every block is run or says why not."""

import re
from pathlib import Path

import pytest

from tests.documents import CHECKOUT, GENERATED, RUNNABLE, anchors, blocks, documents, links, name_of, text_of

pytestmark = pytest.mark.unit

INDEX = "docs/MASTER_INDEX.md"

each_document = pytest.mark.parametrize("document", documents(), ids=name_of)


@each_document
def test_every_link_leads_somewhere(document: Path) -> None:
    broken = []
    for link in links(document):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@each_document
def test_every_document_is_in_the_index_once(document: Path) -> None:
    listed = [(CHECKOUT / "docs" / link).resolve() for link in links(CHECKOUT / INDEX)]
    assert listed.count(document) == (0 if name_of(document) == INDEX else 1)


@each_document
def test_every_block_is_run_or_says_why_not(document: Path) -> None:
    for block in blocks(document):
        place = f"{block.document}:{block.line}"
        assert block.language, f"{place} names no language"
        assert block.language in RUNNABLE or not block.not_run, f"{place} is never run and needs no reason"
        if block.run_by:
            assert block.document in text_of(block.run_by), f"{place}: {block.run_by} does not read this document"


@each_document
def test_a_document_can_be_read_beside_code(document: Path) -> None:
    """Lines of at most 130 characters; tables and what is generated cannot be broken."""
    if name_of(document) in GENERATED:
        return
    lines = enumerate(document.read_text(encoding="utf-8").splitlines(), 1)
    assert [f"{name_of(document)}:{number}" for number, line in lines if len(line) > 130 and line[0] != "|"] == []


def test_the_readme_begins_with_what_precog_is_and_two_commands() -> None:
    readme = text_of("README.md")
    introduction = readme.partition("```")[0]
    assert len(re.findall(r"\.(?=\s)", introduction.partition("<!--")[0])) == 3
    first = blocks(CHECKOUT / "README.md")[0].text.splitlines()
    assert [line.split("#")[0].strip() for line in first] == ["make demo", "make test"]


def test_ci_runs_the_command_that_the_readme_names() -> None:
    assert "`make check` is what CI runs" in text_of("README.md")
    assert text_of(".ci/run").rstrip().endswith("exec make check")
