"""`precog.health.health()` and `precog health`: what the database says of the whole way of an alert."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from uuid import UUID

import psycopg2.extensions
import pytest
from typer.testing import CliRunner, Result

import precog
from precog.cli.app import app
from precog.courier import Courier
from precog.delivery import deliver
from precog.domain.alerts import Environment
from precog.domain.verdict import Figures, Verdict
from precog.errors import AlertStoreUnavailable
from precog.health import Health, health
from precog.pacing import SmsLimits
from precog.recovery.process import Recovery
from precog.store import channels, deliveries, upkeep
from precog.store.pool import close_default_pool

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor
DEMO = Environment.DEMO


@pytest.fixture
def run(precog_env: pytest.MonkeyPatch) -> Callable[..., Result]:
    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, prog_name="precog", catch_exceptions=False, env={"NO_COLOR": "1"})

    return invoke


Run = Callable[..., Result]


def _figures(found: Health) -> Figures:
    assert found.figures is not None
    return found.figures


def _all_due_are_delivered(courier: Courier) -> None:
    for bell in upkeep.due(DEMO, not_channels=[], again_after_seconds=0, most=100):
        deliver(courier, bell.channel, UUID(bell.delivery_id))


def test_a_system_that_delivers_is_well_and_its_figures_say_so(courier: Courier) -> None:
    recovery = Recovery(courier)
    recovery.beat()
    recovery.close()
    precog.log_alert("api_failures", "critical", "kalshi_api", "boom")
    before = _figures(health())
    assert (before.due, before.last_claim_at, before.sms_left_this_hour) == (6, None, 5)
    _all_due_are_delivered(courier)
    found = health()
    assert (found.verdict, found.reasons, found.journaled) == (Verdict.OK, (), 0)
    figures = _figures(found)
    assert figures.due == 0
    assert (figures.sms_left_this_hour, figures.sms_left_this_day) == (4, 19)
    assert figures.last_claim_at is not None
    assert figures.last_beat_at is not None
    assert figures.last_claim_at <= figures.now


def test_the_limits_are_those_that_are_given(courier: Courier) -> None:
    figures = _figures(health(sms_limits=SmsLimits(per_hour=2, per_day=3)))
    assert (figures.sms_left_this_hour, figures.sms_left_this_day) == (2, 3)


def test_deliveries_that_nobody_takes_are_the_end_of_it(courier: Courier, db_cursor: Cursor) -> None:
    precog.log_alert("api_failures", "critical", "kalshi_api", "boom")
    db_cursor.execute("UPDATE alert_deliveries SET next_attempt_at = clock_timestamp() - interval '2 minutes'")
    found = health()
    assert found.verdict is Verdict.DOWN
    assert "6 deliveries are due, the oldest for 2 min: nobody takes them" in found.reasons[0].what
    assert _figures(found).oldest_due_seconds >= 120


def test_an_alert_that_nobody_decides_about_is_the_end_of_it_too(
    precog_env: pytest.MonkeyPatch, db_cursor: Cursor
) -> None:
    precog.log_alert("api_failures", "critical", "kalshi_api", "boom")
    assert _figures(health()).unplanned == 1
    assert health().verdict is Verdict.DEGRADED, "it may yet be decided: no recovery has run"
    db_cursor.execute("ALTER TABLE alerts DISABLE TRIGGER USER")
    db_cursor.execute("UPDATE alerts SET triggered_at = clock_timestamp() - interval '2 minutes'")
    assert health().verdict is Verdict.DOWN


def test_a_paused_channel_and_a_failed_delivery_are_named(courier: Courier, db_cursor: Cursor) -> None:
    channels.pause(DEMO, "sms", error_code="20003", reason="Twilio refused the account")
    alert_id = precog.log_alert("api_failures", "high", "kalshi_api", "boom")
    failed = next(each["delivery_id"] for each in deliveries.of_alert(alert_id) if each["channel"] == "slack")
    db_cursor.execute(
        "UPDATE alert_deliveries SET status = 'failed', error_code = '404', finished_at = clock_timestamp()"
        " WHERE delivery_id = %s",
        [failed],
    )
    found = health()
    assert found.verdict is Verdict.DEGRADED
    said = [each.what for each in found.reasons]
    assert any("Twilio refused the account" in each for each in said)
    assert any("failed in the last day: 1" in each for each in said)
    db_cursor.execute(
        "UPDATE alert_deliveries SET finished_at = finished_at - interval '25 hours' WHERE status = 'failed'"
    )
    assert _figures(health()).failed_in_a_day == 0


def test_what_is_another_environments_is_not_counted(courier: Courier) -> None:
    precog.log_alert("api_failures", "critical", "kalshi_api", "boom")
    assert _figures(health(Environment.PROD)).due == 0


def test_without_postgres_it_is_down_and_counts_what_waits_here(precog_env: pytest.MonkeyPatch) -> None:
    precog_env.setenv("DATABASE_URL", "postgresql://precog:geheim@127.0.0.1:1/precog")
    close_default_pool()
    with pytest.raises(AlertStoreUnavailable):
        precog.log_alert("api_failures", "low", "kalshi_api", "boom")
    found = health()
    assert (found.verdict, found.figures, found.journaled) == (Verdict.DOWN, None, 1)
    assert "PostgreSQL did not answer" in found.reasons[0].what
    assert "geheim" not in repr(found)


def test_a_schema_that_is_not_there_is_down(precog_env: pytest.MonkeyPatch, empty_database_url: str) -> None:
    precog_env.setenv("DATABASE_URL", empty_database_url)
    close_default_pool()
    found = health()
    assert found.verdict is Verdict.DOWN
    assert "precog db migrate" in found.reasons[0].what
    close_default_pool()


def test_a_monitor_that_cannot_ask_does_not_take_it_for_degraded(run: Run, precog_env: pytest.MonkeyPatch) -> None:
    precog_env.delenv("DATABASE_URL")
    ended = run("health")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "DATABASE_URL: is not set" in ended.stderr


def test_the_command_ends_as_monitors_expect(run: Run, courier: Courier, db_cursor: Cursor) -> None:
    assert run("health").exit_code == 1, "no recovery has run"
    recovery = Recovery(courier)
    recovery.beat()
    recovery.close()
    well = run("health")
    assert (well.exit_code, well.stdout.splitlines()[0]) == (0, "ok")
    precog.log_alert("api_failures", "critical", "kalshi_api", "boom")
    db_cursor.execute("UPDATE alert_deliveries SET next_attempt_at = clock_timestamp() - interval '2 minutes'")
    down = run("health")
    assert (down.exit_code, down.stdout.splitlines()[0]) == (2, "down")
    assert "→ start a worker" in down.stdout
    document = json.loads(run("health", "--json").stdout)
    assert document["verdict"] == "down"
    assert document["figures"].keys() == {each.name for each in fields(Figures)}


def test_it_is_asked_without_loading_a_channel() -> None:
    program = (
        "import sys, precog.health; "
        "print(sorted({'celery', 'requests', 'twilio', 'jinja2', 'precog.channels.registry'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
