"""What a worker says and does where it cannot simply start."""

from dataclasses import replace

import psycopg2.extensions
import pytest

from precog.channels.registry import KINDS
from precog.domain.alerts import Environment
from precog.settings.load import load_settings
from precog.store import interlock
from tests.e2e.world import RECOVERY, World, worker_command

pytestmark = pytest.mark.e2e


def test_a_worker_with_a_broken_configuration_says_all_of_it_and_does_not_start(world: World) -> None:
    worker = world.start(
        "worker", *worker_command("worker"), TWILIO_ACCOUNT_SID="wrong", CRITICAL_ALERT_PHONE_NUMBERS="555"
    )
    assert worker.process.wait(30)
    assert worker.process.exit_status == 1
    assert "2 problems in the configuration" in worker.output
    assert "account_sid" in worker.output
    assert "recipients.critical" in worker.output
    assert "Traceback" not in worker.output
    assert not worker.alive()


def test_a_worker_on_a_database_without_a_schema_names_the_command_and_does_not_start(
    world: World, empty_database_url: str
) -> None:
    worker = world.start("worker", *worker_command("worker"), DATABASE_URL=empty_database_url)
    assert worker.process.wait(30)
    assert worker.process.exit_status == 1
    assert "precog db migrate" in worker.output
    assert "Traceback" not in worker.output
    assert not worker.alive()


@pytest.mark.parametrize("program", [worker_command("worker"), RECOVERY], ids=["worker", "recovery"])
def test_what_was_told_of_no_database_says_so_and_does_not_start(world: World, program: tuple[str, ...]) -> None:
    started = world.start("program", *program, DATABASE_URL="")
    assert started.process.wait(30)
    assert started.process.exit_status == 1
    assert "DATABASE_URL: is not set" in started.output
    assert "Traceback" not in started.output


def test_a_worker_that_cannot_begin_does_not_work_without_its_recovery(
    world: World, db_cursor: psycopg2.extensions.cursor
) -> None:
    db_cursor.execute("ALTER TABLE alert_routes ADD CONSTRAINT never CHECK (false)")
    worker = world.start("worker", *worker_command("worker"))
    assert worker.process.wait(30)
    assert worker.process.exit_status == 1
    assert "never" in worker.output


def test_a_worker_whose_database_is_away_starts_and_waits_for_it(world: World) -> None:
    worker = world.worker(DATABASE_URL="postgresql://precog@127.0.0.1:1/precog")
    assert worker.said("PostgreSQL is away; the worker starts and waits for it")
    worker.wait_until_it_says("recovery waits for PostgreSQL")


def test_a_worker_that_knows_other_routes_leaves_those_of_the_database_and_says_so(world: World) -> None:
    first = world.worker("first")
    assert [line["routes"] for line in first.said("routes written")] == [15]
    second = world.worker("second", SLACK_WEBHOOK_URL="")
    assert [line["only_in_database"] for line in second.said("the routes in the database are not this worker's")] == [2]


def test_a_worker_says_when_nothing_or_something_else_blocks_orders(world: World, database_url: str) -> None:
    assert world.worker("first").said("the interlock has no rules, and every order is blocked")
    rules = load_settings(channels={name: kind.settings for name, kind in KINDS.items()}).trading.interlock.rules()
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("PRECOG_OWNER_URL", database_url)
        interlock.write_rules(Environment.DEMO, replace(rules, releasers=frozenset({"desk"})))
    assert world.worker("second").said("the interlock in the database is not this worker's")
