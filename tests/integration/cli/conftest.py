"""`run(...)`: a command of `precog` in this process, on real servers, with its standard output and error apart."""

from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from precog.cli.app import app
from precog.domain.alerts import Environment, Severity
from precog.domain.routes import Route
from precog.store import channels

Run = Callable[..., Result]


@pytest.fixture
def run(precog_env: pytest.MonkeyPatch) -> Run:
    """`run("alerts", "show", 12)`; fails on an exception that is no way for a command to end."""

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(
            app, [str(each) for each in arguments], prog_name="precog", catch_exceptions=False, env={"NO_COLOR": "1"}
        )

    return invoke


@pytest.fixture
def routes(precog_env: pytest.MonkeyPatch) -> None:
    """Critical and high go to one mailbox and the file, low to nobody."""
    channels.write_routes(
        Environment.DEMO,
        [
            Route(environment=Environment.DEMO, severity=severity, channel=channel, recipient=recipient)
            for severity in (Severity.CRITICAL, Severity.HIGH)
            for channel, recipient in (("email", "ann@example.com"), ("file", "alerts"))
        ],
    )
