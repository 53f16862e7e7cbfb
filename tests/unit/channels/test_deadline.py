"""A deadline cuts what takes too long, whatever socket is in use by then, and starts no thread of its own."""

import socket
import threading
from collections.abc import Iterator

import pytest

from precog.channels.deadline import Deadline

pytestmark = pytest.mark.unit


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """One end of a connection whose other end says nothing."""
    here, there = socket.socketpair()
    with here, there:
        here.settimeout(10)
        yield here


def test_a_peer_that_says_nothing_is_cut_off(silent: socket.socket) -> None:
    with Deadline(0.1) as deadline:
        deadline.watch(lambda: silent)
        assert silent.recv(1) == b""
    assert deadline.passed


def test_what_is_watched_only_after_the_end_is_cut_off_at_once(silent: socket.socket) -> None:
    other, _ = pair = socket.socketpair()
    with pair[0], pair[1], Deadline(0.05) as deadline:
        deadline.watch(lambda: other)
        other.recv(1)
        deadline.watch(lambda: silent)
        assert silent.recv(1) == b""


def test_a_connection_whose_exchange_ended_in_time_stays_open(silent: socket.socket) -> None:
    with Deadline(0.05) as ended:
        ended.watch(lambda: silent)
    other, _ = pair = socket.socketpair()
    with pair[0], pair[1], Deadline(0.2) as later:  # outlasts the first by far
        later.watch(lambda: other)
        other.recv(1)
    silent.setblocking(False)
    with pytest.raises(BlockingIOError):
        silent.recv(1)
    assert (ended.cut, later.cut) == (False, True)


def test_it_has_passed_by_the_clock_though_nothing_was_cut_yet() -> None:
    deadline = Deadline(0.0)
    assert (deadline.passed, deadline.cut) == (True, False)


def test_no_exchange_has_a_thread_of_its_own() -> None:
    with Deadline(60):
        before = threading.active_count()
        for _ in range(20):
            with Deadline(60):
                assert threading.active_count() == before
