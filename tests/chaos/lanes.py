"""A lane runs one test after the other in a process of its own, and ends with the suite, however that ends."""

import os
import signal
import sys

from precog.localstack.leash import follow
from tests.chaos.invariants import Finding
from tests.chaos.scenarios import timed


def end_with(suite: int) -> None:
    """From now on, when the suite is killed, the test that runs here stops what it started and tidies up."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    follow(signal.SIGTERM, suite)


def run(name: str, seed: int) -> tuple[list[Finding], float]:
    try:
        return timed(name, seed)
    except SystemExit:
        os._exit(1)  # the pool would wait for more work, which nobody gives any more
