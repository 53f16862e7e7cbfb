"""How many SMS parts a text takes (GSM 03.38, 3GPP TS 23.038 and 23.040), and where to cut it."""

import unicodedata
from bisect import bisect_right

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "^{}\\[~]|€\f"
_UNITS = dict.fromkeys(_BASIC, 1) | dict.fromkeys(_EXTENDED, 2)
"""Septets of each character of the GSM alphabet; any other character turns the whole text into UCS-2."""

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2009\u200a\u202f\t", " "),
        **dict.fromkeys("\u200b\u2060\ufeff", ""),
        "…": "...",
        "•": "*",
        "·": "-",
        "×": "x",
        "→": "->",
        "≥": ">=",
        "≤": "<=",
    }
)
ELLIPSIS = "..."


def plain(text: str) -> str:
    """`text` with typographic signs in their GSM form: a single curly quote would more than halve what fits."""
    return text.translate(_PLAIN)


def segments(text: str) -> int:
    """The parts a phone network makes of `text`. No character is split over two of them."""
    units, single, part = _measure(text)
    if sum(units) <= single:
        return 1
    parts, room = 0, 0
    for unit in units:
        if unit > room:
            parts, room = parts + 1, part
        room -= unit
    return parts


def _measure(text: str) -> tuple[list[int], int, int]:
    """The units of each character, and how many units one part holds: alone, and as one of several."""
    if all(character in _UNITS for character in text):
        return [_UNITS[character] for character in text], 160, 153
    return [2 if ord(character) > 0xFFFF else 1 for character in text], 70, 67


def fit(text: str, tail: str, parts: int) -> str:
    """`text` and `tail` within `parts`; `text` is cut where it must be, never inside what a reader sees as one sign."""
    if segments(text + tail) <= parts:
        return text + tail
    # A longer beginning never takes fewer parts, so the longest that fits can be searched by halving.
    too_long = bisect_right(range(len(text)), parts, key=lambda end: segments(text[:end] + ELLIPSIS + tail))
    return text[: _whole(text, max(0, too_long - 1))].rstrip() + ELLIPSIS + tail


def _whole(text: str, end: int) -> int:
    """The nearest place at or before `end` that is between two characters as a reader sees them."""
    while 0 < end < len(text) and (_continues(text[end]) or text[end - 1] == "\u200d"):
        end -= 1
    return end


def _continues(character: str) -> bool:
    """Whether it belongs to the character before: a mark, a joiner, a variation or a skin tone."""
    return (
        unicodedata.category(character).startswith("M") or character == "\u200d" or 0x1F3FB <= ord(character) <= 0x1F3FF
    )
