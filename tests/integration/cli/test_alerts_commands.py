"""`precog alerts`."""

import json
from collections.abc import Callable

import pytest
from typer.testing import Result

from precog import log_alert
from precog.alert_manager import acknowledge_alert, resolve_alert

Run = Callable[..., Result]

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("routes")]


def _ids(text: str) -> list[int]:
    return [alert["alert_id"] for alert in json.loads(text)]


def test_the_list_shows_open_alerts_and_with_all_the_resolved_ones(run: Run) -> None:
    ended = log_alert("api_failures", "high", "kalshi_api", "5 failures")
    resolve_alert(ended, "ann", "fixed")
    still = log_alert("data_stale", "high", "feed", "no data")
    assert _ids(run("alerts", "list", "--json").stdout) == [still]
    assert _ids(run("alerts", "list", "--all", "--json").stdout) == [still, ended]
    assert "fixed by ann" in run("alerts", "list", "--all").stdout


@pytest.mark.parametrize("option", [("--severity", "CRITICAL"), ("--component", "wanted"), ("--type", "wanted")])
def test_each_filter_lets_only_its_own_through(run: Run, option: tuple[str, str]) -> None:
    log_alert("other", "high", "other", "not this one")
    wanted = log_alert("wanted", "critical", "wanted", "this one")
    assert _ids(run("alerts", "list", *option, "--json").stdout) == [wanted]


def test_duplicates_are_counted_and_listed_when_asked_for(run: Run) -> None:
    first = log_alert("data_stale", "high", "feed", "no data")
    second = log_alert("data_stale", "high", "feed", "no data")
    assert _ids(run("alerts", "list", "--json").stdout) == [first]
    assert "open +1" in run("alerts", "list").stdout
    assert _ids(run("alerts", "list", "--duplicates", "--json").stdout) == [second, first]


def test_the_list_says_when_there_is_more(run: Run) -> None:
    log_alert("a", "high", "feed", "one")
    newest = log_alert("b", "high", "feed", "two")
    shown = run("alerts", "list", "--limit", 1)
    assert "The newest 1; --limit shows more." in shown.stdout
    assert _ids(run("alerts", "list", "--limit", 1, "--json").stdout) == [newest]


def test_nothing_open_is_said_in_words_and_is_an_empty_list_in_json(run: Run) -> None:
    assert run("alerts", "list").stdout == "No open alerts.\n"
    assert run("alerts", "list", "--json").stdout == "[]\n"


def test_alerts_of_production_are_listed_only_when_asked_for(run: Run) -> None:
    prod = log_alert("data_stale", "high", "feed", "no data", environment="prod")
    assert _ids(run("alerts", "list", "--json").stdout) == []
    assert _ids(run("alerts", "list", "--environment", "prod", "--json").stdout) == [prod]
    assert run("alerts", "show", prod).exit_code == 4
    assert run("alerts", "show", prod, "--environment", "prod").exit_code == 0


def test_text_of_an_alert_is_neither_markup_nor_a_command_to_the_terminal(run: Run) -> None:
    alert_id = log_alert("t", "high", "c", "[red]not red[/red] \x1b[2J :warning: x")
    for shown in (run("alerts", "list").stdout, run("alerts", "show", alert_id).stdout):
        assert r"[red]not red[/red]" in shown
        assert ":warning:" in shown
        assert "\x1b" not in shown


def test_show_tells_who_is_told_and_gives_everything_as_json(run: Run) -> None:
    alert_id = log_alert("api_failures", "critical", "kalshi_api", "5 failures", {"platform": {"name": "kalshi"}})
    shown = run("alerts", "show", alert_id).stdout
    assert f"#{alert_id}  critical  [DEMO] kalshi_api api_failures" in shown
    assert "platform.name  kalshi" in shown
    assert "ann@example.com  pending  0" in shown
    document = json.loads(run("alerts", "show", alert_id, "--json").stdout)
    assert list(document) == ["alert", "deliveries", "attempts", "blocks"]
    assert document["alert"]["details"] == {"platform": {"name": "kalshi"}}
    assert {each["channel"] for each in document["deliveries"]} == {"email", "file"}


def test_show_says_why_nobody_was_told(run: Run) -> None:
    first = log_alert("data_stale", "high", "feed", "no data")
    duplicate = log_alert("data_stale", "high", "feed", "no data")
    unrouted = log_alert("data_stale", "low", "elsewhere", "no data")
    elsewhere = log_alert("data_stale", "high", "feed", "no data", environment="prod")
    assert f"it equals alert {first}" in run("alerts", "show", duplicate).stdout
    assert "no route led from low to anybody" in run("alerts", "show", unrouted).stdout
    assert "`precog config apply`" in run("alerts", "show", elsewhere, "--environment", "prod").stdout


def test_the_first_to_acknowledge_stands(run: Run) -> None:
    alert_id = log_alert("data_stale", "high", "feed", "no data")
    assert run("alerts", "ack", alert_id, "--by", "ann").stdout == f"alert {alert_id}: acknowledged by ann\n"
    assert run("alerts", "ack", alert_id, "--by", "bob").stdout.startswith(
        f"alert {alert_id}: acknowledged by ann, already since 20"
    )


def test_who_acknowledges_is_who_is_logged_in(run: Run, precog_env: pytest.MonkeyPatch) -> None:
    precog_env.setenv("LOGNAME", "carol")
    alert_id = log_alert("data_stale", "high", "feed", "no data")
    assert "acknowledged by carol" in run("alerts", "ack", alert_id).stdout


def test_resolve_ends_the_alert_and_keeps_the_note(run: Run) -> None:
    alert_id = log_alert("data_stale", "high", "feed", "no data")
    acknowledge_alert(alert_id, "ann")
    ended = run("alerts", "resolve", alert_id, "--action", "false_positive", "--by", "bob", "--notes", "a test")
    assert ended.stdout == f"alert {alert_id}: false_positive by bob\n"
    shown = run("alerts", "show", alert_id).stdout
    assert "resolved as false_positive by bob: a test" in shown
    assert "cancelled" in shown


def test_resolve_must_say_how_it_ended(run: Run) -> None:
    alert_id = log_alert("data_stale", "high", "feed", "no data")
    assert run("alerts", "resolve", alert_id).exit_code == 2
    assert run("alerts", "resolve", alert_id, "--action", "forgotten").exit_code == 2


@pytest.mark.parametrize("command", [("show",), ("ack",), ("resolve", "--action", "fixed")])
def test_an_unknown_id_is_one_line_and_status_4(run: Run, command: tuple[str, ...]) -> None:
    ended = run("alerts", *command, 999)
    assert (ended.exit_code, ended.stdout) == (4, "")
    assert ended.stderr.count("\n") == 1
    assert "there is no alert 999 in environment demo" in ended.stderr
