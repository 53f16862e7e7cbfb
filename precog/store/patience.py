"""Spares callers a PostgreSQL that hangs: after one that waited in vain the next fail at once, for a few seconds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2

from precog.errors import AlertStoreUnavailable

SPARED_SECONDS = 5.0
"""Between two callers who ask again and may wait in vain. As many seconds later at most, the rest notice it is back."""
_IN_VAIN_SECONDS = 0.5
"""A server that refuses does so sooner: asking it costs nothing, and nobody is spared."""


class Patience:
    """No lock, which a fork could leave locked for good: of two who ask again at once, both may wait."""

    def __init__(self) -> None:
        self._asked_again_at = 0.0
        """When the next caller asks; 0 while PostgreSQL answers."""

    @contextmanager
    def tried(self) -> Iterator[None]:
        """Around a caller's work. Raises AlertStoreUnavailable before it begins, while others wait in vain."""
        began = time.monotonic()
        if began < self._asked_again_at:
            raise AlertStoreUnavailable(
                f"a call before this one waited in vain; it is asked every {SPARED_SECONDS:.0f} s"
            )
        if self._asked_again_at:
            self._asked_again_at = began + SPARED_SECONDS  # the others go on while this one asks
        try:
            yield
        except AlertStoreUnavailable as error:
            ended = time.monotonic()
            hangs = ended - began >= _IN_VAIN_SECONDS and not _answered(error)
            self._asked_again_at = ended + SPARED_SECONDS if hangs else 0.0
            raise
        self._asked_again_at = 0.0


def _answered(error: AlertStoreUnavailable) -> bool:
    """Whether it was a server's own word: a lock that was not free, a statement that took too long."""
    return isinstance(error.__cause__, psycopg2.Error) and error.__cause__.pgcode is not None
