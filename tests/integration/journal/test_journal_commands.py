"""`precog journal`, and what `precog doctor` says of it."""

import json
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

import precog
from precog import journal
from precog.cli.app import app
from precog.domain.alerts import Environment
from precog.errors import AlertStoreUnavailable
from tests.integration.journal.telling import fails
from tests.proxy import Proxy

pytestmark = pytest.mark.integration

Run = Callable[..., Result]


@pytest.fixture
def run(door: Proxy) -> Run:
    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, prog_name="precog", catch_exceptions=False, env={"NO_COLOR": "1"})

    return invoke


@pytest.fixture
def one_waits(door: Proxy) -> str:
    """Its uuid."""
    door.go_away()
    with pytest.raises(AlertStoreUnavailable) as caught:
        precog.log_alert("api_failures", "high", "kalshi_api", "boom\x1b[2J", {"platform_id": "kalshi"})
    door.refuses.clear()
    return str(caught.value.alert_uuid)


def _doctor(run: Run, words: str) -> list[tuple[str, str]]:
    found = json.loads(run("doctor", "--json").stdout)
    return [(each["grade"], each["mend"]) for each in found if words in each["what"]]


def test_an_empty_journal_is_said_with_its_place(run: Run) -> None:
    shown = run("journal", "show")
    assert shown.exit_code == 0
    assert shown.stdout == f"No alert waits in {journal.journal_file(Environment.DEMO)}.\n"
    assert json.loads(run("journal", "show", "--json").stdout) == []


def test_what_waits_is_shown_without_its_escapes(run: Run, one_waits: str) -> None:
    shown = run("journal", "show").stdout
    assert "api_failures" in shown
    assert "boom" in shown
    assert "\x1b" not in shown
    [facts] = json.loads(run("journal", "show", "--json").stdout)
    assert facts["alert_uuid"] == one_waits
    assert facts["details"] == {"platform_id": "kalshi"}


def test_a_replay_stores_and_counts(run: Run, one_waits: str) -> None:
    replayed = run("journal", "replay")
    assert (replayed.exit_code, replayed.stdout) == (0, "1 stored, 0 left\n")
    assert json.loads(run("journal", "replay", "--json").stdout) == {
        "stored": 0,
        "refused": 0,
        "left": 0,
        "problem": None,
    }


def test_a_replay_while_postgres_is_away_says_so_and_keeps_all(run: Run, one_waits: str, door: Proxy) -> None:
    door.go_away()
    replayed = run("journal", "replay")
    assert (replayed.exit_code, replayed.stdout) == (3, "0 stored, 1 left\n")
    assert "PostgreSQL did not answer" in replayed.stderr


def test_what_can_never_be_stored_is_named_with_its_file(run: Run, one_waits: str) -> None:
    file = journal.journal_file(Environment.DEMO)
    file.write_bytes(file.read_bytes() + b"{torn\n")
    replayed = run("journal", "replay")
    refused = str(journal.refused_file(Environment.DEMO))
    assert (replayed.exit_code, replayed.stdout) == (1, "1 stored, 0 left\n")
    assert refused in replayed.stderr
    assert _doctor(run, refused) == [("warning", f"raise anew by hand what matters, then rm {refused}")]


def test_the_doctor_sees_what_waits(run: Run, one_waits: str) -> None:
    assert _doctor(run, "are not stored yet: 1") == [("warning", "precog journal replay, once PostgreSQL answers")]
    run("journal", "replay")
    assert _doctor(run, "no alert waits on this machine") == [("ok", "")]


def test_the_doctor_sees_a_journal_that_nobody_can_use(run: Run, one_waits: str) -> None:
    file = journal.journal_file(Environment.DEMO)
    file.rename(file.with_suffix(".aside"))
    file.symlink_to(file.with_suffix(".aside"))
    [(grade, _)] = _doctor(run, f"the journal {file} cannot be used")
    assert grade == "problem"


def test_show_says_over_which_channels_people_were_told_meanwhile(run: Run, away: Proxy) -> None:
    fails()
    fails("an equal one")
    assert [each["sent"] for each in json.loads(run("journal", "show", "--json").stdout)] == [
        ["email", "slack", "sms", "webhook"],
        [],
    ]
    assert "email, slack, sms, webhook" in run("journal", "show").stdout
