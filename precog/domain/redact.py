"""Texts without secrets: what may be raised, logged or stored of an error that came from outside."""

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote

MASK = "***"
STORED_LIMIT = 500
"""Characters of an error that are kept: enough for a cause, too few for a page of somebody's HTML."""

_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(hooks\.slack\.com)/\S+", re.IGNORECASE), rf"\1/{MASK}"),
    (re.compile(r"/services/T\w+/B\w+/\w+"), f"/services/{MASK}"),
    (re.compile(r"(?<=://)[^/\s@]+(?=@)"), MASK),
    (
        re.compile(
            r"\b((?:\w*_)?(?:token|secret|password|passwd|api_?key|signature)\s*[=:]\s*)[^\s&;,]+", re.IGNORECASE
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"\bwhsec_[\w+/=-]+"), MASK),
    (re.compile(r"\b(?:SK|AC)[0-9a-fA-F]{32}\b"), MASK),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.+/=~-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
)
"""Secrets that are known by their looks, for texts whose secrets nobody told us."""
_ANY_SHAPE = re.compile(
    "|".join(f"(?{'i' * bool(shape.flags & re.IGNORECASE)}:{shape.pattern})" for shape, _ in _SHAPES)
)
"""One look is enough for most texts: they have none of them."""


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` with each of `secrets`, plain or percent-encoded, and everything of a known secret shape masked."""
    for form in _forms(tuple(secrets)):
        text = text.replace(form, MASK)
    for shape, replacement in _SHAPES if _ANY_SHAPE.search(text) else ():
        text = shape.sub(replacement, text)
    return text


@lru_cache(maxsize=16)
def _forms(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """How each may be written, longest first: a secret that is part of another must not go first."""
    forms = {form for secret in secrets if secret for form in (secret, quote(secret, safe=""))}
    return tuple(sorted(forms, key=len, reverse=True))


def short_reason(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` redacted, on one line of characters that a terminal and PostgreSQL take, and cut to what is kept."""
    line = " ".join(redact(text, secrets).split())
    line = "".join(character if character.isprintable() else "\ufffd" for character in line)
    return line if len(line) <= STORED_LIMIT else line[: STORED_LIMIT - 1] + "…"
