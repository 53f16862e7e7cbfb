"""`precog interlock`."""

import json
from collections.abc import Callable

import pytest
from typer.testing import Result

import precog
from precog import arguments, interlock, journal
from precog.domain.alerts import Environment
from precog.store import calls
from precog.store.pool import default_pool
from tests.waiting import eventually

Run = Callable[..., Result]

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def owner(precog_env: pytest.MonkeyPatch, database_url: str) -> None:
    """Whoever applies the configuration knows the owner of the tables."""
    precog_env.setenv("PRECOG_OWNER_URL", database_url)


@pytest.fixture
def loss(run: Run, precog_env: pytest.MonkeyPatch) -> int:
    """An alert that blocks kalshi by the shipped rules."""
    run("config", "apply")
    details = {"platform_id": "kalshi", "loss": 250}
    return precog.log_alert("rapid_loss", "critical", "risk", "lost 250\n\x1b[31min minutes", details)


def test_apply_writes_what_blocks_and_says_so_once(run: Run) -> None:
    assert "Interlock in demo: 12 types block, public may release." in run("config", "apply").stdout
    assert "Interlock" not in run("config", "apply").stdout


def test_a_program_cannot_say_who_may_release(run: Run, precog_env: pytest.MonkeyPatch) -> None:
    precog_env.delenv("PRECOG_OWNER_URL")
    applied = run("config", "apply")
    assert applied.exit_code == 1
    assert "PRECOG_OWNER_URL must name the login that owns the tables" in " ".join(applied.stderr.split())


def test_status_shows_what_blocks_and_the_command_that_releases_it(run: Run, loss: int) -> None:
    precog.acknowledge_alert(loss, "ann")
    shown = run("interlock", "status")
    assert shown.exit_code == 0
    assert shown.stdout.splitlines()[0].split() == ["ID", "SCOPE", "TYPE", "BLOCKED", "ALERT", "IS", "MESSAGE"]
    for words in (f"{loss} ", "platform:kalshi", "rapid_loss", "acknowledged by ann", r"lost 250 \x1b[31min minutes"):
        assert words in shown.stdout.splitlines()[1]
    assert shown.stdout.splitlines()[2] == f"when it is safe: precog interlock release {loss} --reason TEXT"


def test_whoever_ends_an_alert_is_told_that_it_still_blocks(run: Run, loss: int) -> None:
    command = f"precog interlock release {loss} --reason TEXT"
    still = f"it still blocks orders that raise risk (platform:kalshi) until it is released: {command}"
    assert still in run("alerts", "ack", loss).stdout
    assert still in run("alerts", "resolve", loss, "--action", "fixed").stdout
    run("interlock", "release", loss, "--reason", "checked")
    assert "blocks" not in run("alerts", "resolve", loss, "--action", "fixed").stdout


def test_an_alert_says_what_it_blocks_until_it_is_released(run: Run, loss: int) -> None:
    shown = " ".join(run("alerts", "show", str(loss)).stdout.split())
    assert f"(platform:kalshi) until it is released: precog interlock release {loss} --reason TEXT" in shown
    assert json.loads(run("alerts", "show", str(loss), "--json").stdout)["blocks"] == ["platform:kalshi"]
    run("interlock", "release", str(loss), "--reason", "positions checked")
    assert "until it is released" not in run("alerts", "show", str(loss)).stdout


def test_status_says_that_nothing_blocks(run: Run) -> None:
    run("config", "apply")
    assert run("interlock", "status").stdout == "No alert blocks orders in demo.\n"


def test_status_without_rules_says_that_every_order_is_blocked(run: Run) -> None:
    assert "every order is blocked; run `precog config apply`" in run("interlock", "status").stderr
    assert json.loads(run("interlock", "status", "--json").stdout)["configured"] is False


def test_status_as_json_is_for_programs(run: Run, loss: int) -> None:
    interlock.release(loss, actor="ann", reason="checked")
    shown = json.loads(run("interlock", "status", "--released", "--json").stdout)
    assert (shown["environment"], shown["blocks"], shown["journaled"]) == ("demo", [], None)
    [release] = shown["releases"]
    assert (release["scope"], release["actor"], release["reason"]) == ("platform:kalshi", "ann", "checked")
    precog.resolve_alert(loss, "ann", "fixed")
    again = precog.log_alert("rapid_loss", "critical", "risk", "lost", {"platform_id": "kalshi"})
    [block] = json.loads(run("interlock", "status", "--json").stdout)["blocks"]
    assert (block["scope"], block["alert_id"], block["resolved_by"]) == ("platform:kalshi", again, None)


def test_status_says_what_the_journal_holds(run: Run, loss: int, precog_env: pytest.MonkeyPatch) -> None:
    alert = arguments.new_alert(
        alert_type="daily_loss_limit", severity="critical", component="risk", message="stop", details=None, notify=True
    )
    journal.keep(alert)
    shown = run("interlock", "status")
    assert "journal holds a critical alert daily_loss_limit" in shown.stderr
    assert json.loads(run("interlock", "status", "--json").stdout)["journaled"] == str(alert.alert_uuid)


def test_check_answers_with_its_exit_status(run: Run, loss: int) -> None:
    blocked = run("interlock", "check", "market:kc", "platform:kalshi")
    assert blocked.exit_code == 1
    assert blocked.stdout.startswith("market:kc, platform:kalshi: blocked\n")
    assert eventually(lambda: f"release {loss} --reason" in run("interlock", "check", "platform:kalshi").stdout)
    assert eventually(lambda: run("interlock", "check", "market:kc").exit_code == 0)
    assert eventually(lambda: json.loads(run("interlock", "check", "all", "--json").stdout)["blocks"])


def test_check_of_a_scope_that_does_not_exist_is_a_mistake(run: Run) -> None:
    shown = run("interlock", "check", "platfrom:kalshi")
    assert shown.exit_code == 2
    assert "did you mean 'platform'?" in shown.stderr


def test_check_without_a_database_is_blocked(run: Run, precog_env: pytest.MonkeyPatch) -> None:
    precog_env.setenv("DATABASE_URL", "postgresql://precog@127.0.0.1:1/nothing")
    shown = run("interlock", "check", "platform:kalshi")
    assert shown.exit_code == 1
    assert "nobody can say" in shown.stdout


def test_release_lets_orders_go_on_and_the_second_says_who_was_first(run: Run, loss: int) -> None:
    released = run("interlock", "release", loss, "--reason", "limit raised", "--by", "ann")
    assert released.exit_code == 0
    assert released.stdout.startswith(f"released platform:kalshi, which alert {loss} blocked; by ann as ")
    again = run("interlock", "release", loss, "--reason", "me too", "--by", "bob")
    assert again.exit_code == 0
    assert "platform:kalshi was released at" in again.stdout
    assert "by ann as" in again.stdout
    table = run("interlock", "status", "--released").stdout
    assert "limit raised" in table
    assert "me too" not in table


def test_release_says_what_came_later_and_still_blocks(run: Run, loss: int) -> None:
    precog.acknowledge_alert(loss, "ann")
    with default_pool().connection() as theirs:
        later = precog.log_alert("rapid_loss", "critical", "risk", "x", {"platform_id": "kalshi"}, connection=theirs)
    [waiting] = calls.unplanned(Environment.DEMO, most=10)
    calls.plan(waiting, Environment.DEMO, window_minutes=60)
    shown = run("interlock", "release", loss, "--reason", "seen")
    assert f"which alert {loss} blocked" in shown.stdout
    assert f"still blocked, later in the same incident: alert {later} rapid_loss" in shown.stdout


@pytest.mark.parametrize(("alert_id", "status"), [(4711, 4), (0, 4)])
def test_release_of_what_is_not_there_fails(run: Run, alert_id: int, status: int) -> None:
    assert run("interlock", "release", alert_id, "--reason", "seen").exit_code == status


def test_release_of_what_never_blocked_says_where_to_look(run: Run) -> None:
    harmless = precog.log_alert("gain_alert", "low", "risk", "nice")
    shown = run("interlock", "release", harmless, "--reason", "seen")
    assert shown.exit_code == 4
    assert "precog interlock status" in shown.stderr


def test_a_release_needs_a_reason(run: Run, loss: int) -> None:
    assert run("interlock", "release", loss).exit_code == 2
    assert run("interlock", "release", loss, "--reason", " ").exit_code == 2
