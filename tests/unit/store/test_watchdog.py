"""The watchdog ends waits that nothing else ends, and only those."""

import gc
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from precog.store.watchdog import Watch
from precog.watchdog import WATCHDOG

pytestmark = pytest.mark.unit


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """One end of a connection whose other end says nothing."""
    here, there = socket.socketpair()
    with here, there:
        here.settimeout(10)
        yield here


def _watched(waiting: socket.socket, seconds: float) -> Watch:
    return Watch(waiting.fileno()).within(seconds)


def test_a_wait_without_an_answer_ends_at_its_deadline(silent: socket.socket) -> None:
    began = time.monotonic()
    with _watched(silent, 0.2) as watch:
        assert silent.recv(1) == b""
    assert watch.expired
    assert 0.2 <= time.monotonic() - began < 2


def test_an_earlier_deadline_is_kept_while_a_later_one_is_waited_for(silent: socket.socket) -> None:
    other, _ = pair = socket.socketpair()
    with pair[0], pair[1], _watched(other, 60) as patient:
        with _watched(silent, 0.1):
            assert silent.recv(1) == b""
        assert not patient.expired


def test_a_deadline_is_kept_after_many_calls_that_were_answered(silent: socket.socket) -> None:
    for _ in range(100):
        with _watched(silent, 0.1):
            pass
    with _watched(silent, 0.15) as watch:
        assert silent.recv(1) == b""
    assert watch.expired


def test_a_call_that_was_answered_keeps_its_connection(silent: socket.socket) -> None:
    with _watched(silent, 0.05) as answered:
        pass
    with _watched(silent, 0.2) as late:  # outlasts the first deadline by far
        assert silent.recv(1) == b""
    assert late.expired
    assert not answered.expired


def test_no_call_has_a_thread_of_its_own(silent: socket.socket) -> None:
    for _ in range(50):
        with _watched(silent, 5):
            pass
    assert [each.name for each in threading.enumerate()].count("precog-watchdog") == 1


def test_a_forked_child_has_a_watchdog_of_its_own(silent: socket.socket) -> None:
    with _watched(silent, 60):  # the parent's thread runs, and the child has none
        child = os.fork()
        if child == 0:  # pragma: no cover - ends without the report of its coverage
            with _watched(silent, 0.1) as watch:
                silent.recv(1)
            os._exit(0 if watch.expired else 1)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_one_watch_serves_all_calls_of_its_connection(silent: socket.socket) -> None:
    watch = Watch(silent.fileno())
    with watch.within(0.05):
        pass
    with watch.within(0.2):  # outlasts the first deadline by far
        began = time.monotonic()
        assert silent.recv(1) == b""
    assert watch.expired
    assert time.monotonic() - began > 0.15


def test_another_connection_that_got_the_number_of_a_closed_one_is_left_alone() -> None:
    here, there = socket.socketpair()
    with there, Watch(here.fileno()).within(0.05) as watch:
        number = here.fileno()
        here.close()
        other, end = socket.socketpair()
        with other, end:
            assert number in {other.fileno(), end.fileno()}
            other.settimeout(0.3)
            with pytest.raises(TimeoutError):
                other.recv(1)
    assert watch.expired


def test_no_descriptor_is_left_behind(silent: socket.socket) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        with _watched(silent, 5) as watch:
            pass
        watch.close()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before  # fewer: what other tests left was collected meanwhile


def _in_a_child(work: Callable[[], bool]) -> bool:
    """Whether `work` in a copy of this process says so, in less than 20 seconds."""
    child = os.fork()
    if child == 0:  # pragma: no cover - ends without the report of its coverage
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
        os._exit(0 if work() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_child_leaves_alone_what_got_the_number_of_its_parents_watch(silent: socket.socket) -> None:
    watch = Watch(silent.fileno())
    number = watch._descriptor

    def as_a_daemon() -> bool:
        nonlocal watch
        os.close(number)
        mine = os.pipe()
        del watch
        return number in mine and all(os.fstat(each) for each in mine)

    assert _in_a_child(as_a_daemon)
    watch.close()


def test_the_threads_of_a_child_share_one_watchdog_from_their_first_call_on(silent: socket.socket) -> None:
    def all_at_once() -> bool:
        sys.setswitchinterval(1e-6)
        threads, ready, ended = 8, threading.Barrier(8), []

        def wait() -> None:
            here, there = socket.socketpair()
            with here, there:
                here.settimeout(5)
                ready.wait()
                with _watched(here, 0.05):
                    ended.append(here.recv(1))

        started = [threading.Thread(target=wait) for _ in range(threads)]
        for each in started:
            each.start()
        for each in started:
            each.join()
        return len(ended) == threads

    with _watched(silent, 60):
        assert [_in_a_child(all_at_once) for _ in range(10)] == [True] * 10


def test_a_finalizer_that_watches_in_the_middle_of_a_watch_is_not_waited_for(silent: socket.socket) -> None:
    class Garbage:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:  # as that of an asyncio task, whose error is logged and made an alert of
            with _watched(silent, 5):
                pass

    def collected_anywhere() -> bool:
        for allocations in range(1, 300):
            gc.disable()
            Garbage()
            WATCHDOG.begin()
            gc.set_threshold(allocations)
            gc.enable()
            with _watched(silent, 5):
                pass
        return True

    assert _in_a_child(collected_anywhere)


def test_a_bite_into_a_closed_watch_costs_no_other_its_watchdog(silent: socket.socket) -> None:
    gone = Watch(silent.fileno()).within(0.05)
    WATCHDOG.watch(gone)  # and an interrupt kept its user from forgetting it
    gone.close()
    with _watched(silent, 0.15) as watch:
        assert silent.recv(1) == b""
    assert watch.expired
