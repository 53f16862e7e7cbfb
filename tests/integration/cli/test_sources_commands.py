"""`precog breakers` and `precog watch --once`."""

import json
from collections.abc import Callable

import pytest
from typer.testing import Result

from precog.domain.trading import Platform
from precog.sources import check_breakers
from precog.store import trading

Run = Callable[..., Result]

pytestmark = pytest.mark.integration


@pytest.fixture
def tripped(precog_env: pytest.MonkeyPatch) -> int:
    """The event of a breaker that is open."""
    trading.put_platform(Platform(platform_id="kalshi", display_name="Kalshi"))
    for _ in range(5):
        trading.add_api_failure("kalshi", "GET /markets", "HTTP 503")
    [event_id] = check_breakers()
    return event_id


def test_an_open_breaker_is_listed_and_resolved(run: Run, tripped: int) -> None:
    listed = run("breakers", "list").stdout
    for words in (f"{tripped} ", "api_failures", "platform_id kalshi", "open"):
        assert words in listed
    [event] = json.loads(run("breakers", "list", "--json").stdout)
    assert (event["event_id"], event["measured"]["failures"], event["scope"]) == (tripped, 5, {"platform_id": "kalshi"})

    done = run("breakers", "resolve", tripped, "fixed", "--by", "ann", "--notes", "restarted")
    assert done.stdout == "api_failures of platform_id kalshi is resolved: fixed\n"

    assert run("breakers", "list").stdout == "No circuit breaker is open.\n"
    assert "fixed" in run("breakers", "list", "--all").stdout
    again = json.loads(run("breakers", "resolve", tripped, "ignored", "--json").stdout)
    assert (again["resolution_action"], again["notes"]) == ("fixed", "restarted")


def test_an_unknown_event_is_said_with_the_way_to_those_there_are(run: Run) -> None:
    done = run("breakers", "resolve", 4711, "fixed")
    assert (done.exit_code, done.stderr) == (
        4,
        "there is no breaker event 4711; `precog breakers list --all` shows those there are\n",
    )


def test_a_look_says_what_each_source_did(run: Run, tripped: int) -> None:
    rows = (line.rstrip().split("  ") for line in run("watch", "--once").stdout.splitlines())
    lines = {row[0]: row[-1].strip() for row in rows}
    assert lines["breakers"] == "nothing"
    assert lines["health"] == "database: nothing, redis: nothing"
    assert set(lines) == {"SOURCE", "breakers", "gains and losses", "positions", "health", "models"}


def test_a_watch_without_its_servers_says_what_is_missing(run: Run, precog_env: pytest.MonkeyPatch) -> None:
    precog_env.delenv("DATABASE_URL")
    done = run("watch", "--once")
    assert done.exit_code == 1
    assert "DATABASE_URL: is not set" in done.stderr
