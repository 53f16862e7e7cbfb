"""A fork waits for what would stay half done in the child."""

import gc
import os
import signal
import threading

from precog.fork_gate import no_fork

_forking = threading.Event()
os.register_at_fork(before=_forking.set)  # the hook registered last is the first to run


class Inside:
    """A thread that is inside until a fork has begun, and says when it left."""

    def __init__(self) -> None:
        _forking.clear()
        self.entered, self.left = threading.Event(), False
        self.thread = threading.Thread(target=self._stay)
        self.thread.start()
        self.entered.wait()

    def _stay(self) -> None:
        with no_fork, no_fork:
            self.entered.set()
            _forking.wait()
            self.left = True


def test_a_fork_waits_until_the_other_threads_are_out() -> None:
    inside = Inside()
    child = os.fork()
    if child == 0:
        os._exit(0 if inside.left else 1)
    inside.thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_thread_does_not_wait_for_itself() -> None:
    with no_fork:
        child = os.fork()
        if child == 0:
            os._exit(0 if no_fork.holds_here() else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not no_fork.holds_here()


def test_a_child_may_enter_and_fork_as_its_parent_may() -> None:
    inside = Inside()
    child = os.fork()
    if child == 0:
        with no_fork:
            grandchild = os.fork()
            if grandchild == 0:
                os._exit(0)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1]))
    inside.thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_finalizer_that_enters_in_the_middle_of_an_entry_is_not_waited_for() -> None:
    class Garbage:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            with no_fork:
                pass

    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
        for allocations in range(1, 60):
            gc.disable()
            Garbage()
            gc.set_threshold(allocations)
            gc.enable()
            for _ in range(30):
                with no_fork:
                    pass
        os._exit(1 if no_fork.holds_here() else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
