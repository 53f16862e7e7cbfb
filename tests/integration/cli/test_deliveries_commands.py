"""`precog deliveries`."""

import json
from collections.abc import Callable
from typing import Any

import psycopg2.extensions
import pytest
from typer.testing import Result

from precog import log_alert
from precog.alert_manager import resolve_alert
from precog.store import deliveries

Run = Callable[..., Result]
Fail = Callable[..., tuple[int, str]]

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("routes")]


@pytest.fixture
def failed(db_cursor: psycopg2.extensions.cursor) -> Fail:
    """`failed("email")`: a fresh alert whose mail was refused, and that delivery's id."""
    numbers = iter(range(1000))

    def make(channel: str = "email", *, hours_ago: int = 0) -> tuple[int, str]:
        alert_id = log_alert(f"trouble_{next(numbers)}", "high", "feed", "no data")
        [delivery] = [each["delivery_id"] for each in deliveries.of_alert(alert_id) if each["channel"] == channel]
        db_cursor.execute(
            "UPDATE alert_deliveries SET status = 'failed', error_code = '550', last_error = '550 no such mailbox',"
            " finished_at = now() - make_interval(hours => %s) WHERE delivery_id = %s",
            [hours_ago, delivery],
        )
        return alert_id, delivery

    return make


def _listed(run: Run, *options: object) -> list[str]:
    return [each["delivery_id"] for each in json.loads(run("deliveries", "list", "--json", *options).stdout)]


def test_the_list_shows_what_failed_and_why(run: Run, failed: Fail) -> None:
    alert_id, delivery = failed()
    shown = run("deliveries", "list").stdout
    assert delivery[:8] in shown
    assert f"#{alert_id}" in shown
    assert "550: 550 no such mailbox" in shown
    assert _listed(run) == [delivery]


def test_each_filter_lets_only_its_own_through(run: Run, failed: Fail, db_cursor: psycopg2.extensions.cursor) -> None:
    alert_id, mail = failed("email")
    [file] = [each["delivery_id"] for each in deliveries.of_alert(alert_id) if each["channel"] == "file"]
    assert _listed(run, "--status", "pending") == [file]
    assert set(_listed(run, "--status", "PENDING", "--status", "failed")) == {mail, file}
    assert set(_listed(run, "--all")) == {mail, file}
    assert _listed(run, "--all", "--channel", "file") == [file]
    assert _listed(run, "--receipt", "undelivered") == []
    db_cursor.execute("UPDATE alert_deliveries SET receipt = 'undelivered' WHERE delivery_id = %s", [file])
    assert _listed(run, "--receipt", "undelivered") == [file]


def test_nothing_is_said_in_words_and_is_an_empty_list_in_json(run: Run) -> None:
    assert run("deliveries", "list").stdout == "No failed deliveries.\n"
    assert run("deliveries", "list", "--status", "unknown").stdout == "No such deliveries.\n"
    assert _listed(run) == []


def test_the_list_says_when_there_is_more(run: Run, failed: Fail) -> None:
    failed()
    _, latest = failed()
    assert "The latest 1; --limit shows more." in run("deliveries", "list", "--limit", 1).stdout
    assert _listed(run, "--limit", 1) == [latest]


def test_show_tells_all_of_one_delivery_by_the_beginning_of_its_id(run: Run, failed: Fail) -> None:
    alert_id, delivery = failed()
    shown = run("deliveries", "show", delivery[:8]).stdout
    assert f"{delivery[:8]}  failed  [DEMO] email to ann@example.com" in shown
    assert f"#{alert_id} high feed trouble_0, open" in shown
    assert "550 no such mailbox" in shown
    document: dict[str, Any] = json.loads(run("deliveries", "show", delivery, "--json").stdout)
    assert list(document) == ["delivery", "attempts", "alert"]
    assert document["delivery"]["delivery_id"] == delivery


def test_one_delivery_is_due_again_and_its_alert_says_who_asked(run: Run, failed: Fail) -> None:
    alert_id, delivery = failed()
    done = run("deliveries", "requeue", delivery[:8], "--by", "carol")
    assert (done.exit_code, done.stdout) == (0, f"delivery {delivery} is due again; recovery sees to it.\n")
    assert _listed(run, "--status", "failed") == []
    assert "email to ann@example.com: asked for again by carol" in run("alerts", "show", alert_id).stdout
    again = run("deliveries", "requeue", delivery)
    assert again.exit_code == 1
    assert "it is pending, and only what failed is sent again" in again.stderr


def test_what_belongs_to_a_resolved_alert_stays_as_it_is(run: Run, failed: Fail) -> None:
    alert_id, delivery = failed()
    resolve_alert(alert_id, "ann", "fixed")
    refused = run("deliveries", "requeue", delivery)
    assert refused.exit_code == 1
    assert f"its alert {alert_id} is resolved" in refused.stderr
    assert "0 deliveries" in run("deliveries", "requeue", "--all-failed").stdout


def test_all_of_a_channel_or_of_every_one_but_not_what_failed_long_ago(run: Run, failed: Fail) -> None:
    _, mail = failed("email")
    _, file = failed("file")
    _, old = failed("email", hours_ago=30)
    assert run("deliveries", "requeue", "--channel", "file").stdout.startswith("1 delivery of the last 24 h requeued")
    assert set(_listed(run)) == {mail, old}
    assert file not in _listed(run)
    assert run("deliveries", "requeue", "--all-failed").stdout.startswith("1 delivery of")
    assert _listed(run) == [old]
    assert run("deliveries", "requeue", "--all-failed", "--hours", 48).stdout.startswith("1 delivery of the last 48 h")


@pytest.mark.parametrize("arguments", [(), ("abc", "--all-failed"), ("--channel", "email", "--all-failed")])
def test_what_is_meant_must_be_said_in_one_way(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("deliveries", "requeue", *arguments).exit_code == 2


def test_a_channel_that_does_not_exist_is_a_mistake_in_the_command(run: Run) -> None:
    for command in ("list", "requeue"):
        ended = run("deliveries", command, "--channel", "emial")
        assert ended.exit_code == 2
        assert "did you mean 'email'?" in " ".join(ended.stderr.replace("│", " ").split())


@pytest.mark.parametrize("command", ["show", "requeue"])
def test_an_unknown_id_is_one_line_and_status_4(run: Run, command: str) -> None:
    ended = run("deliveries", command, "0123abcd")
    assert (ended.exit_code, ended.stdout) == (4, "")
    assert "there is no delivery '0123abcd' in environment demo" in ended.stderr
