"""`precog channels`."""

import json
from collections.abc import Callable

import pytest
from typer.testing import Result

from precog.domain.alerts import Environment
from precog.store import channels

Run = Callable[..., Result]

pytestmark = pytest.mark.integration


def test_the_list_tells_on_off_and_paused_apart(run: Run) -> None:
    channels.pause(Environment.DEMO, "file", error_code="EACCES", reason="the file cannot be written")
    shown = {each["channel"]: each for each in json.loads(run("channels", "list", "--json").stdout)}
    assert (shown["console"]["state"], shown["console"]["why"]) == ("on", "1 recipient")
    assert (shown["sms"]["state"], shown["sms"]["why"][:18]) == ("off", "TWILIO_ACCOUNT_SID")
    assert (shown["file"]["state"], shown["file"]["error_code"]) == ("paused", "EACCES")
    assert "the file cannot be written" in run("channels", "list").stdout


def test_resume_lets_a_paused_channel_go_on(run: Run) -> None:
    channels.pause(Environment.DEMO, "sms", error_code="20003", reason="refused")
    assert run("channels", "resume", "sms").stdout == "sms goes on; recovery sends what was held.\n"
    assert channels.paused(Environment.DEMO) == []
    assert run("channels", "resume", "sms").stdout == "sms was not paused.\n"


def test_a_channel_that_does_not_exist_is_a_mistake_in_the_command(run: Run) -> None:
    ended = run("channels", "resume", "emial")
    assert ended.exit_code == 2
    assert "did you mean 'email'?" in " ".join(ended.stderr.replace("│", " ").split())
