from collections.abc import Callable

import pytest

from precog.domain.deliveries import Message
from precog.render.console import console_text

pytestmark = pytest.mark.unit

Make = Callable[..., Message]


def test_an_alert_reads_as_a_headline_and_indented_lines(make_message: Make) -> None:
    assert console_text(make_message(suppressed_before=12), colour=False) == (
        "2026-11-23 03:03:37 UTC  CRITICAL  [DEMO] risk_manager  circuit_breaker_daily_loss_limit  #1234\n"
        "    Daily loss limit reached, trading is halted\n"
        "    loss: 512.3000\n"
        "    limit: 500.0000\n"
        "    12 equal alerts stayed silent since the last notice\n"
        "    acknowledge: precog alerts ack 1234\n"
    )


def test_only_a_terminal_gets_colour(make_message: Make) -> None:
    assert "\x1b[" not in console_text(make_message(), colour=False)
    assert "\x1b[1;97;41m CRITICAL \x1b[0m" in console_text(make_message(), colour=True)


def test_no_text_of_an_alert_can_forge_a_headline_or_steer_the_terminal(make_message: Make) -> None:
    hostile = "x\r\n2026-11-23 all is well\x1b]52;c;ZXZpbA==\x07\u202e"
    message = make_message(message=hostile, component=hostile, alert_type=hostile, details={hostile: hostile})
    lines = console_text(message, colour=False).splitlines()
    assert all(line.startswith("    ") for line in lines[1:])
    assert not any(character in line for line in lines for character in "\x1b\x07\u202e\r")
