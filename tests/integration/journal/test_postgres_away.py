"""What `log_alert()` cannot store is stored later, once, as it was."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions
import pytest

import precog
from precog import intake, journal
from precog.domain.alerts import Environment
from precog.errors import AlertStoreUnavailable, AlertValueError, IdempotencyConflict, SchemaMismatch, StoreError
from precog.localstack.server import Server
from precog.store import alerts, deliveries
from precog.store.migrate import migrate
from precog.store.pool import close_default_pool
from tests.proxy import Proxy

pytestmark = pytest.mark.integration

DEMO = Environment.DEMO


def _alert(message: str = "boom", **more: Any) -> int:
    return precog.log_alert("api_failures", "high", "kalshi_api", message, {"platform_id": message}, **more)


def _fails(message: str = "boom", **more: Any) -> StoreError:
    with pytest.raises(StoreError) as caught:
        _alert(message, **more)
    return caught.value


def _stored(cursor: psycopg2.extensions.cursor) -> list[tuple[str, str]]:
    """uuid and message of every alert, as they came."""
    cursor.execute("SELECT alert_uuid::text, message FROM alerts ORDER BY alert_id")
    return cursor.fetchall()


def _messages(cursor: psycopg2.extensions.cursor) -> list[str]:
    return [message for _, message in _stored(cursor)]


@pytest.fixture
def own(precog_env: pytest.MonkeyPatch, own_postgres: Server) -> Iterator[Server]:
    precog_env.setenv("DATABASE_URL", own_postgres.url)
    close_default_pool()
    yield own_postgres
    close_default_pool()


def test_the_error_says_that_the_alert_is_safe_and_under_which_uuid(door: Proxy) -> None:
    door.go_away()
    error = _fails()
    assert isinstance(error, AlertStoreUnavailable)
    assert error.journaled
    [kept] = journal.waiting(DEMO)
    assert error.alert_uuid == str(kept.alert_uuid)
    assert f"alert {kept.alert_uuid} is in the journal" in str(error)


def test_the_next_call_stores_what_waited_and_sees_to_its_delivery(
    door: Proxy, db_cursor: psycopg2.extensions.cursor
) -> None:
    _alert("before")
    door.go_away()
    began = datetime.now(UTC)
    error = _fails("meanwhile")
    door.refuses.clear()
    _alert("after")
    assert _messages(db_cursor) == ["before", "after", "meanwhile"]
    db_cursor.execute(
        "SELECT alert_id, occurred_at, triggered_at FROM alerts WHERE alert_uuid = %s", (error.alert_uuid,)
    )
    [(alert_id, occurred_at, triggered_at)] = db_cursor.fetchall()
    assert began <= occurred_at < triggered_at
    assert [each["channel"] for each in deliveries.of_alert(alert_id)] == ["email"]
    assert not journal.holds_any(DEMO)


def test_an_alert_that_names_its_time_keeps_it(door: Proxy, db_cursor: psycopg2.extensions.cursor) -> None:
    moment = datetime(2026, 11, 23, 3, 3, tzinfo=UTC)
    door.go_away()
    _fails(occurred_at=moment)
    door.refuses.clear()
    intake.replay_journal(DEMO)
    db_cursor.execute("SELECT occurred_at FROM alerts")
    assert db_cursor.fetchall() == [(moment,)]


def test_a_commit_whose_answer_was_lost_is_one_alert(door: Proxy, db_cursor: psycopg2.extensions.cursor) -> None:
    _alert("before")
    door.swallows.set()
    error = _fails()
    assert error.journaled
    assert door.swallowed.is_set()
    assert _messages(db_cursor) == ["before", "boom"], "it was committed, and nobody could know"
    door.swallows.clear()
    report = intake.replay_journal(DEMO)
    assert (report.stored, report.left) == (1, 0)
    assert _stored(db_cursor)[1:] == [(error.alert_uuid, "boom")]


def test_a_call_that_is_repeated_with_its_key_is_one_alert(door: Proxy, db_cursor: psycopg2.extensions.cursor) -> None:
    door.go_away()
    first, second = _fails(idempotency_key="order-77"), _fails(idempotency_key="order-77")
    assert first.alert_uuid == second.alert_uuid
    door.refuses.clear()
    alert_id = _alert(idempotency_key="order-77")
    assert _alert(idempotency_key="order-77") == alert_id
    assert _stored(db_cursor) == [(first.alert_uuid, "boom")]
    assert not journal.refused_file(DEMO).exists()


def test_another_content_under_a_key_is_set_aside_and_the_first_stands(
    door: Proxy, db_cursor: psycopg2.extensions.cursor
) -> None:
    door.go_away()
    _fails("first", idempotency_key="order-77")
    _fails("second", idempotency_key="order-77")
    door.refuses.clear()
    report = intake.replay_journal(DEMO)
    assert (report.stored, report.refused, report.left) == (1, 1, 0)
    assert _messages(db_cursor) == ["first"]
    with pytest.raises(IdempotencyConflict):
        _alert("second", idempotency_key="order-77")


def test_a_long_outage_is_caught_up_with_a_few_alerts_a_call(
    door: Proxy, db_cursor: psycopg2.extensions.cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "CATCH_UP", 2)
    monkeypatch.setattr(intake, "CATCH_UP_SECONDS", 10)
    door.go_away()
    for number in range(5):
        _fails(str(number))
    door.refuses.clear()
    _alert("after")
    assert _messages(db_cursor) == ["after", "0", "1"]
    _alert("after")
    _alert("after")
    assert _messages(db_cursor)[3:] == ["after", "2", "3", "after", "4"]


def test_a_replay_while_postgres_is_away_keeps_all(door: Proxy) -> None:
    door.go_away()
    _fails("one")
    _fails("two")
    report = intake.replay_journal(DEMO)
    assert (report.stored, report.refused, report.left) == (0, 0, 2)
    assert [each.message for each in journal.waiting(DEMO)] == ["one", "two"]


def test_a_second_replay_finds_nothing(door: Proxy, db_cursor: psycopg2.extensions.cursor) -> None:
    door.go_away()
    _fails()
    door.refuses.clear()
    assert intake.replay_journal(DEMO).stored == 1
    assert intake.replay_journal(DEMO).stored == 0
    assert _messages(db_cursor) == ["boom"]


def test_a_replay_that_died_before_it_struck_out_stores_nothing_twice(
    door: Proxy, db_cursor: psycopg2.extensions.cursor
) -> None:
    door.go_away()
    _fails()
    as_it_was = journal.journal_file(DEMO).read_bytes()
    door.refuses.clear()
    intake.replay_journal(DEMO)
    journal.journal_file(DEMO).write_bytes(as_it_was)
    assert intake.replay_journal(DEMO).stored == 1
    assert _messages(db_cursor) == ["boom"]


def test_a_mistake_in_the_call_is_not_journaled(door: Proxy) -> None:
    door.go_away()
    with pytest.raises(AlertValueError):
        _alert(" ")
    assert not journal.holds_any(DEMO)


def test_an_alert_in_a_callers_transaction_is_never_journaled(door: Proxy, database_url: str) -> None:
    with closing(psycopg2.connect(database_url)) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            [(pid,)] = cursor.fetchall()
        run_sql(database_url, "SELECT pg_terminate_backend(%s)", pid)
        with pytest.raises(psycopg2.Error):
            _alert(connection=connection)
    assert not journal.holds_any(DEMO)


def run_sql(database_url: str, statement: str, *values: object) -> None:
    with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_alerts_raised_before_the_schema_is_there_are_stored_after_it(
    precog_env: pytest.MonkeyPatch, empty_database_url: str
) -> None:
    precog_env.setenv("DATABASE_URL", empty_database_url)
    close_default_pool()
    error = _fails()
    assert isinstance(error, SchemaMismatch)
    assert error.journaled
    assert "precog db migrate" in str(error)
    migrate(empty_database_url)
    assert intake.replay_journal(DEMO).stored == 1
    assert len(alerts.unresolved(Environment.DEMO, most=10)) == 1
    close_default_pool()


def test_where_the_journal_fails_too_the_error_and_the_log_say_so(
    door: Proxy, precog_env: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a file").write_text("")
    precog_env.setenv("PRECOG_JOURNAL_DIR", str(tmp_path / "a file" / "journal"))
    door.go_away()
    error = _fails("it broke, password=hunter2")
    assert isinstance(error, AlertStoreUnavailable)
    assert not error.journaled
    assert f"alert {error.alert_uuid} may be lost" in str(error)
    [said] = [each for each in caplog.records if each.levelname == "CRITICAL"]
    assert "neither stored nor journaled" in said.getMessage()
    assert "it broke" in said.getMessage()
    assert "hunter2" not in caplog.text


def test_a_journal_that_cannot_be_read_costs_the_next_call_nothing(
    door: Proxy, db_cursor: psycopg2.extensions.cursor, caplog: pytest.LogCaptureFixture
) -> None:
    door.go_away()
    _fails()
    file = journal.journal_file(DEMO)
    file.unlink()
    file.mkdir()
    door.refuses.clear()
    assert _alert("after") > 0
    assert "the journal cannot be replayed" in caplog.text


def _raise_ten(letter: str) -> None:
    close_default_pool()
    for number in range(10):
        assert _fails(f"{letter}{number}").journaled


def test_processes_that_journal_at_once_lose_nothing(door: Proxy, db_cursor: psycopg2.extensions.cursor) -> None:
    door.go_away()
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_raise_ten, args=(letter,)) for letter in "ab"]
    for each in writers:
        each.start()
    for each in writers:
        each.join(60)
    assert [each.exitcode for each in writers] == [0, 0]
    door.refuses.clear()
    assert intake.replay_journal(DEMO).stored == 20
    assert sorted(_messages(db_cursor)) == sorted(f"{letter}{number}" for letter in "ab" for number in range(10))


def test_a_server_that_stops_hangs_and_comes_back_loses_nothing(own: Server) -> None:
    _alert("before")
    own.stop()
    assert _fails("stopped").journaled
    own.start()
    own.pause()
    began = time.monotonic()
    assert _fails("paused").journaled
    assert time.monotonic() - began < 4
    own.resume()
    intake.replay_journal(DEMO)
    stored = alerts.unresolved(Environment.DEMO, most=10)
    assert sorted(each["message"] for each in stored) == ["before", "paused", "stopped"]
