"""What a person sees while the demo runs: a line for each step that is done, a spinner for the one that is not."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status
from rich.text import Text

_PIPE_WIDTH = 120
"""Columns where standard output is no terminal and COLUMNS does not say."""


class Screen:
    """Standard output. Where it is no terminal, there are no spinners, only the lines of what is done."""

    def __init__(self, heed: Callable[[], None]) -> None:
        """`heed` is called again and again, and may raise to end the demo."""
        self._heed = heed
        narrow = sys.stdout.isatty() or "COLUMNS" in os.environ
        self.console = Console(width=None if narrow else _PIPE_WIDTH, markup=False, highlight=False, emoji=False)
        self.progress = "before it began"
        """Where the demo is, as a part of a sentence, for when it ends there."""
        self._status: Status | None = None

    def say(self, text: str, style: str = "") -> None:
        """A line; safe from any thread."""
        self.console.print(Text(text, style=style))

    def tell(self, what: str, why: str, seconds: float) -> None:
        """A line about something that took a moment."""
        self.console.print(
            Text.assemble(("    ", ""), (what, "bold"), f"  {why}", (f"  {seconds * 1000:.0f} ms", "dim"))
        )

    def show(self, text: str) -> None:
        """What the step that is under way waits for just now."""
        self._heed()
        if self._status is not None:
            self._status.update(Text(text))

    @contextmanager
    def step(self, doing: str) -> Iterator[Callable[[str], None]]:
        """A spinner for as long as it takes. What it yields replaces the words of the line that stays."""
        self._heed()
        began, said = time.monotonic(), [doing]
        self.progress = f"while {doing[0].lower()}{doing[1:]}"
        with self.console.status(Text(f"{doing} ..."), spinner="line") as self._status:
            yield said.append
        self.progress = f"after {doing[0].lower()}{doing[1:]}"
        self._status = None
        self.console.print(Text.assemble(("ok  ", "green"), said[-1], (f"  {time.monotonic() - began:.1f} s", "dim")))
