"""What a command answers, on standard output: tables for people, JSON for programs."""

import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from precog.domain.spans import span
from precog.render.visible import one_line

PIPE_WIDTH = 200
"""Columns where standard output is no terminal, which has no width of its own."""

STYLES = {
    "critical": "bold white on red",
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "sent": "green",
    "accepted": "green",
    "delivered": "green",
    "applied": "green",
    "on": "green",
    "active": "green",
    "ok": "green",
    "degraded": "yellow",
    "down": "bold red",
    "pending": "cyan",
    "sending": "cyan",
    "held": "yellow",
    "unknown": "yellow",
    "transient": "yellow",
    "warning": "yellow",
    "testing": "yellow",
    "paused": "bold red",
    "failed": "bold red",
    "undelivered": "bold red",
    "refused": "bold red",
    "problem": "bold red",
    "changed": "bold red",
    "cancelled": "dim",
    "off": "dim",
    "deprecated": "dim",
}
"""The colour of each word that is a severity or a state."""


def out() -> Console:
    """Standard output as it is now. Texts are shown as they are, never read as markup."""
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    return Console(width=width, markup=False, highlight=False, emoji=False)


def say(text: str) -> None:
    """A line that is not wrapped."""
    out().print(plain(text), soft_wrap=True)


def plain(text: str, style: str = "") -> Text:
    """A text from anywhere on one line: no markup, no control character, no end of line."""
    return Text(one_line(text), style=style)


def coloured(word: str) -> Text:
    return plain(word, STYLES.get(word, ""))


def new_table(*columns: str) -> Table:
    """Where there is no room, a text goes on in the next line: half an id, a role or an address helps nobody."""
    folded = [Column(each, overflow="fold") for each in columns]
    return Table(*folded, box=None, header_style="dim", padding=(0, 2, 0, 0))


def print_json(value: object) -> None:
    """One JSON document, ASCII: times in ISO 8601 with their zone, Decimals and uuids as text."""
    sys.stdout.write(json.dumps(value, indent=2, default=_plain_value) + "\n")


def _plain_value(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def now() -> datetime:
    return datetime.now(UTC)


def exact(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def relative(moment: datetime, now: datetime) -> str:
    """`3 min ago`, `in 2 h`; what is less than a second away is now, since two clocks differ by as much."""
    seconds = (moment - now).total_seconds()
    if abs(seconds) < 1:
        return "now"
    length = span(abs(seconds))
    return f"in {length}" if seconds > 0 else f"{length} ago"
