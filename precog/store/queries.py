"""The named statements of database/queries: read once, bound by psycopg2, prepared where the hot path asks for it."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from precog.resources import resource

_NAME = re.compile(r"^-- name: (?P<name>[a-z_]+\.[a-z_]+)$", re.MULTILINE)
_PARAMETER = re.compile(r"%\((?P<name>[a-z_]+)\)s")


@dataclass(frozen=True, slots=True)
class Prepared:
    """Statements for one round trip, each planned once per connection."""

    prepares: Mapping[str, str]
    """By the name of a statement, what makes it."""
    execute: str
    """What runs them all, with a `%s` for each of `parameters`."""
    parameters: tuple[str, ...]


def sql(name: str) -> str:
    """The text of a named statement, with `%(x)s` parameters and without a closing semicolon.

    Raises LookupError naming the statements there are.
    """
    statements = all_statements()
    if name not in statements:
        raise LookupError(f"no statement is named {name!r}; there are: {', '.join(sorted(statements))}")
    return statements[name]


@lru_cache
def all_statements() -> Mapping[str, str]:
    statements: dict[str, str] = {}
    for path in sorted(resource("database/queries").glob("*.sql")):
        for name, text in _statements_of(path):
            if name in statements:
                raise ValueError(f"{path.name}: the statement {name!r} is named twice")
            statements[name] = text
    return statements


def _statements_of(path: Path) -> list[tuple[str, str]]:
    """The named blocks of one file, without the comment lines that open each."""
    parts = _NAME.split(path.read_text(encoding="utf-8"))
    return [
        (name, re.sub(r"\A(\s*--.*\n)+", "", body).strip()) for name, body in zip(parts[1::2], parts[2::2], strict=True)
    ]


def numbered(text: str) -> tuple[str, tuple[str, ...]]:
    """The statement with `$n` for each named parameter, and the parameters' names in that order."""
    names = tuple(dict.fromkeys(_PARAMETER.findall(text)))
    return _PARAMETER.sub(lambda found: f"${names.index(found['name']) + 1}", text), names


@lru_cache
def prepared(*names: str) -> Prepared:
    """Positions, since psycopg2 takes twice as long to find a value by its name."""
    return _prepared({name: sql(name) for name in names})


@lru_cache(256)
def shaped(name: str, shape: tuple[tuple[str, int], ...]) -> Prepared:
    """The statement with `shape` written into it, under a name of its own.

    Its plan is kept from the first: left to itself PostgreSQL plans a list anew each time, since values that match
    nothing make a plan for them look cheaper than one for any.
    """
    text = sql(name)
    for parameter, value in shape:
        text = text.replace(f"%({parameter})s", str(int(value)))
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    made = _prepared({f"{name}_{digest}": text})
    return replace(made, execute=f"SET LOCAL plan_cache_mode = force_generic_plan;\n{made.execute}")


def _prepared(statements: Mapping[str, str]) -> Prepared:
    prepares: dict[str, str] = {}
    executes: list[str] = []
    parameters: list[str] = []
    for name, each in statements.items():
        text, of_one = numbered(each)
        handle = "precog_" + name.replace(".", "_")
        prepares[name] = f"PREPARE {handle} AS {text}"
        given = f"({', '.join(['%s'] * len(of_one))})" if of_one else ""
        executes.append(f"EXECUTE {handle}{given}")
        parameters += of_one
    return Prepared(prepares, ";\n".join(executes), tuple(parameters))
