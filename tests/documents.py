"""The project's documents as the tests of them see them: their code blocks, links, headings and tables.

A block in a shell or in Python is run by tests/e2e/test_readme.py, unless a comment right above it says why it cannot
be (`<!-- not run: why -->`) or which test runs it in its own way (`<!-- run by: tests/...py -->`).
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

CHECKOUT = Path(__file__).parents[1]
RUNNABLE = frozenset({"sh", "python"})
GENERATED = frozenset({"docs/DATABASE_TABLES_REFERENCE.md", "docs/COMMANDS.md"})
"""Made from the schema and from the commands, which tests compare them with."""

_PARSER = MarkdownIt("commonmark").enable("table")
_REASON = re.compile(r"<!-- (not run|run by): (.+) -->")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    document: str
    line: int
    language: str
    text: str
    not_run: str
    """Why not; empty where it can be run."""
    run_by: str
    """The test that runs it in its own way; empty where there is none."""


def documents() -> list[Path]:
    return sorted([*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md")])


def name_of(document: Path) -> str:
    return document.relative_to(CHECKOUT).as_posix()


def text_of(name: str) -> str:
    return (CHECKOUT / name).read_text(encoding="utf-8")


def blocks(document: Path) -> list[Block]:
    """The fenced blocks in their order."""
    found: list[Block] = []
    comment = ""
    for token in _parsed(document):
        if token.type == "fence":
            found.append(_block(document, token, comment))
        comment = token.content.strip() if token.type == "html_block" else ""
    return found


def _block(document: Path, token: Token, comment: str) -> Block:
    reason = _REASON.fullmatch(comment)
    kind, text = reason.groups() if reason else ("", "")
    return Block(
        document=name_of(document),
        line=token.map[0] + 1 if token.map else 0,
        language=token.info.strip(),
        text=token.content,
        not_run=text if kind == "not run" else "",
        run_by=text if kind == "run by" else "",
    )


def links(document: Path) -> list[str]:
    """The targets of all links and images, without those to other sites."""
    found = [str(token.attrs.get("href") or token.attrs.get("src")) for token in _inline(document)]
    return [target for target in found if target != "None" and "://" not in target and not target.startswith("mailto:")]


@cache
def anchors(document: Path) -> frozenset[str]:
    """The names that a link may end with, made of the headings as GitHub makes them."""
    tokens = _parsed(document)
    headings = [tokens[place + 1].content for place, token in enumerate(tokens) if token.type == "heading_open"]
    return frozenset(map(_slug, headings))


def _slug(heading: str) -> str:
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading.replace("`", ""))
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")


def code(document: Path) -> Iterator[str]:
    """Everything that is set as code: spans and blocks."""
    yield from (token.content for token in _inline(document) if token.type == "code_inline")
    yield from (token.content for token in _parsed(document) if token.type == "fence")


def table_under(name: str, heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, without its head; cells as they are written."""
    _, found, below = text_of(name).partition(f"\n{heading}\n")
    assert found, f"{name} has no heading {heading!r}"
    lines = [line for line in re.split(r"\n#", below, maxsplit=1)[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@cache
def names_of_tests(file: str) -> frozenset[str]:
    """The test functions that a file defines; none for a file that is not there."""
    path = CHECKOUT / file
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.exists() else ast.Module(body=[], type_ignores=[])
    return frozenset(each.name for each in tree.body if isinstance(each, ast.FunctionDef))


@cache
def _parsed(document: Path) -> list[Token]:
    return _PARSER.parse(document.read_text(encoding="utf-8"))


def _inline(document: Path) -> Iterator[Token]:
    for token in _parsed(document):
        yield from token.children or ()
