"""Text made harmless to look at: control and direction characters shown, lines joined, length bounded."""

import re

# C0 without tab and newline, DEL, C1, the characters that reorder or hide text, and lone surrogates.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff]"
)
ELLIPSIS = "…"


def visible(text: str) -> str:
    """`text` with each character that could move a cursor, forge a line or reverse the reading as an escape."""
    return _UNSEEN.sub(lambda match: _escape(match[0]), text.replace("\r\n", "\n"))


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def one_line(text: str) -> str:
    return " ".join(visible(text).split())


def cut(text: str, limit: int) -> str:
    """At most `limit` characters; an ellipsis shows that something was left out."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + ELLIPSIS
