"""What a command says beside its answer, on standard error: errors in red, warnings of the library in yellow."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from precog.render.visible import visible


def say_error(text: str) -> None:
    _say(text, "red")


def _say(text: str, style: str) -> None:
    """Not wrapped: the terminal wraps, and what is copied from it stays one line."""
    Console(stderr=True, highlight=False).print(Text(visible(text), style=style), soft_wrap=True)


@contextmanager
def warnings_shown() -> Iterator[None]:
    """Let the warnings of the library be lines on standard error, without their tracebacks."""
    handler = _Warnings(logging.WARNING)
    # The line about each attempt is for a worker's log; a command shows the attempt itself.
    handler.addFilter(lambda record: record.name != "precog.delivery")
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


def leave_to_the_log() -> None:
    """For a command that runs as a service: what is logged from here on goes to the log alone."""
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, _Warnings)]:
        root.removeHandler(handler)


class _Warnings(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            _say(f"{record.levelname.lower()}: {record.getMessage()}", "yellow")
        except Exception:  # noqa: BLE001 - logging's own way to say that a record is broken
            self.handleError(record)
