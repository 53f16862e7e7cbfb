"""Ctrl-C and its like: they end the story at once, and never disturb the clearing up after it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WORDS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "a closed terminal"}


class Stopped(BaseException):
    """Somebody asked the demo to stop. Like KeyboardInterrupt, no `except Exception` takes it for a failure."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(_WORDS[number])
        self.exit_status = 128 + number


class StopSignals:
    """Signals are ignored, except inside `raised()`, where the first one becomes Stopped."""

    def __init__(self) -> None:
        self._heard: signal.Signals | None = None
        self._open = False

    @contextmanager
    def raised(self) -> Iterator[None]:
        self._open = True
        try:
            yield
        finally:
            self._open = False

    def handle(self, number: int, _frame: FrameType | None) -> None:
        if self._open and self._heard is None:
            self._heard = signal.Signals(number)
            self.heed()

    def heed(self) -> None:
        """Raises again: what a handler raises in a destructor or a callback is lost."""
        if self._open and self._heard is not None:
            raise Stopped(self._heard)


@contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """From here on signals are ours. A SIGHUP that our starter ignores (nohup) stays ignored."""
    caught = StopSignals()
    ours = [each for each in _NUMBERS if each is not signal.SIGHUP or signal.getsignal(each) is not signal.SIG_IGN]
    before = {number: signal.signal(number, caught.handle) for number in ours}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
