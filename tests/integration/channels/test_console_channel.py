"""The console channel writes to descriptor 1, so each test hands it a process whose descriptor 1 it holds."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from precog.channels.console import ConsoleChannel, ConsoleSettings
from precog.domain.deliveries import Message
from precog.errors import TransientFailure

pytestmark = pytest.mark.integration

Make = Callable[..., Message]

REPLACED_STDOUT = """
import logging, sys
from datetime import UTC, datetime
from uuid import UUID
from precog.channels.console import ConsoleChannel, ConsoleSettings
from precog.domain.alerts import Environment, Severity
from precog.domain.deliveries import Message

class Logger:  # what Celery puts in the place of sys.stdout
    def write(self, text): logging.error("redirected")
    def flush(self): ...

sys.stdout = Logger()
ConsoleChannel(ConsoleSettings()).send(Message(
    delivery_id=UUID(int=1), attempt=1, channel="console", recipient="stdout", alert_id=7, alert_uuid=UUID(int=2),
    incident_id=7, environment=Environment.DEMO, severity=Severity.LOW, alert_type="t", component="c", message="hello",
    details={}, triggered_at=datetime(2026, 1, 1, tzinfo=UTC)))
"""


def test_an_alert_reaches_the_real_standard_output_although_sys_stdout_was_replaced() -> None:
    done = subprocess.run([sys.executable, "-c", REPLACED_STDOUT], capture_output=True, text=True, timeout=60)
    assert done.stdout == (
        "2026-01-01 00:00:00 UTC  LOW  [DEMO] c  t  #7\n    hello\n    acknowledge: precog alerts ack 7\n"
    )
    assert "redirected" not in done.stderr


def test_a_text_that_utf8_cannot_hold_is_still_shown(make_message: Make, capfd: pytest.CaptureFixture[str]) -> None:
    ConsoleChannel(ConsoleSettings()).send(make_message(message="lone \ud800 surrogate"))
    assert r"lone \ud800 surrogate" in capfd.readouterr().out


def test_a_closed_pipe_is_a_transient_failure(make_message: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "__stdout__", stream)
        with pytest.raises(TransientFailure, match="Broken pipe"):
            ConsoleChannel(ConsoleSettings()).send(make_message())


def test_a_reader_that_stands_still_does_not_hold_the_worker(
    make_message: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 65536)
    os.set_blocking(writer, True)
    with os.fdopen(reader), os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "__stdout__", stream)
        with pytest.raises(TransientFailure, match="took nothing"):
            ConsoleChannel(ConsoleSettings(), seconds=0.1).send(make_message())
