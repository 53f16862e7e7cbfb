"""The files of database/migrations as values: numbered, checksummed, and cut into statements that know their line."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from precog.errors import MigrationFailed
from precog.resources import resource

_FILE_NAME = re.compile(r"(?P<version>\d{3})_(?P<name>[a-z0-9_]+)\.sql")

# Whatever may hide a semicolon, and the semicolon itself. Nested comments and BEGIN ATOMIC bodies are not understood.
_TOKEN = re.compile(
    r"""--[^\n]* | /\*.*?\*/ | \b[eE]'(?:[^'\\]|\\.)*' | '[^']*' | "[^"]*" | (\$(?:[A-Za-z_]\w*)?\$).*?\1 | ;""",
    re.DOTALL | re.VERBOSE,
)
_BLANK = re.compile(r"(?:\s|--[^\n]*|/\*.*?\*/)*", re.DOTALL)
_TRANSACTION_WORDS = frozenset({"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    text: str
    """From its first word to its semicolon."""
    line: int
    """Of its first word, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    version: str
    name: str
    path: Path
    text: str
    """With LF as line end, whatever the checkout made of it."""

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    def body(self) -> tuple[Statement, ...]:
        """What stands between the file's own BEGIN and COMMIT. Raises MigrationFailed if it is not one transaction."""
        every = tuple(statements(self.text))
        if len(every) < 2 or (every[0].text, every[-1].text) != ("BEGIN;", "COMMIT;"):
            raise MigrationFailed(f"{self.path}: the first statement must be BEGIN; and the last COMMIT;")
        for inner in every[1:-1]:
            if re.split(r"\W", inner.text, maxsplit=1)[0].upper() in _TRANSACTION_WORDS:
                raise MigrationFailed(f"{self.path}:{inner.line}: one file is one transaction; take this statement out")
        return every[1:-1]


def read_migrations(directory: Path | None = None) -> tuple[Migration, ...]:
    """In the order of their numbers; of database/migrations by default.

    Raises MigrationFailed for a .sql file whose name is no number and words, and for a number used twice.
    """
    found: dict[str, Migration] = {}
    for path in sorted((directory or resource("database/migrations")).glob("*.sql")):
        named = _FILE_NAME.fullmatch(path.name)
        if named is None:
            raise MigrationFailed(f"{path}: a migration is named like 004_add_methods.sql")
        if (twin := found.get(named["version"])) is not None:
            raise MigrationFailed(f"{path}: the number is taken by {twin.path.name}; take the next free one")
        text = path.read_text(encoding="utf-8")
        found[named["version"]] = Migration(version=named["version"], name=named["name"], path=path, text=text)
    return tuple(found.values())


def statements(text: str) -> Iterator[Statement]:
    """A last one without semicolon is given too; comments and blanks between statements are not."""
    start = 0
    for end in [*(token.end() for token in _TOKEN.finditer(text) if token[0] == ";"), len(text)]:
        first_word = _end_of_blank(text, start)
        if first_word < end:
            yield Statement(text=text[first_word:end].rstrip(), line=text.count("\n", 0, first_word) + 1)
        start = end


def _end_of_blank(text: str, start: int) -> int:
    blank = _BLANK.match(text, start)
    return blank.end() if blank else start
