"""Waiting for what other processes do, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def eventually(condition: Callable[[], Answer], seconds: float = 20.0) -> Answer:
    """The condition's answer, once it is a true one. Fails with the last answer when that takes too long."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not so within {seconds:g} s; the last answer was {answer!r}"
        time.sleep(0.05)
    return answer
