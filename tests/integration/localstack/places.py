"""Where the local stack's tests keep their servers, and how they wait for processes."""

import contextlib
import os
import select
import tempfile
from collections.abc import Iterator
from pathlib import Path

from precog.localstack.server import Server


@contextlib.contextmanager
def place(name: str = "place") -> Iterator[Path]:
    """A directory that another account may enter, which pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="precog-tests-") as above:
        Path(above).chmod(0o711)
        directory = Path(above, name)
        directory.mkdir(mode=0o700)
        yield directory


@contextlib.contextmanager
def stopped_after(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        server.stop()


def ended(pid: int, *, within: float = 10) -> bool:
    """Whether the process ends in time; waits for the event, whoever's child it is."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], within)[0])
    finally:
        os.close(process)
