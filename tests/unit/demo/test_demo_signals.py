"""Ctrl-C ends the demo's story and never its clearing up."""

import os
import signal
from contextlib import suppress

import pytest

from precog.demo.signals import Stopped, stop_signals

pytestmark = pytest.mark.unit


def _press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_signal_ends_the_story_with_the_status_a_shell_expects() -> None:
    with stop_signals() as signals, pytest.raises(Stopped, match="Ctrl-C") as stopped, signals.raised():
        _press_ctrl_c()
    assert stopped.value.exit_status == 130


def test_no_signal_disturbs_the_clearing_up() -> None:
    cleared_up = False
    with stop_signals() as signals, pytest.raises(Stopped), signals.raised():  # noqa: PT012
        try:
            _press_ctrl_c()
        finally:
            _press_ctrl_c()
            cleared_up = True
    assert cleared_up


def test_outside_the_story_a_signal_does_nothing() -> None:
    with stop_signals() as signals:
        _press_ctrl_c()
        signals.heed()


def test_a_signal_whose_exception_was_lost_is_heard_at_the_next_look() -> None:
    with stop_signals() as signals, signals.raised():
        with suppress(Stopped):  # what Python does with an exception in a destructor
            _press_ctrl_c()
        with pytest.raises(Stopped):
            signals.heed()


def test_afterwards_signals_are_what_they_were_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stop_signals():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
