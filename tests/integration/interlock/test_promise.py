"""Orders asked for after the alert's commit are blocked; and when nobody can say, they are blocked as well."""

import contextlib
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest

import precog
from precog import interlock, journal
from precog.domain.alerts import Environment
from precog.errors import AlertStoreUnavailable, StoreError
from precog.interlock import is_blocked
from precog.localstack.server import Server
from precog.store import alerts, calls
from precog.store import interlock as store
from precog.store.pool import default_pool
from tests.integration.interlock.questions import known
from tests.proxy import Proxy
from tests.waiting import eventually

pytestmark = pytest.mark.integration

DEMO = Environment.DEMO
Raise = Callable[..., int]
Connection = psycopg2.extensions.connection
ROOM = 0.5
"""What a busy machine may add to 50 ms."""


def _unknown(scope: str = "platform:kalshi") -> str:
    """Why nobody can say; fails where the answer takes longer than it may."""
    began = time.monotonic()
    verdict = is_blocked(scope)
    assert time.monotonic() - began < interlock.ANSWER_SECONDS + ROOM
    assert (verdict.blocked, verdict.blocks) == (True, ())
    return verdict.unknown or ""


def _says(words: str, scope: str = "platform:kalshi") -> bool:
    """Whether that is why nobody can say, once the machine is not just too busy."""
    return eventually(lambda: words in _unknown(scope))


# After the commit ---------------------------------------------------------------------------------------------------


def test_of_many_at_once_each_alert_blocks_from_the_moment_its_call_returns(loss: Raise) -> None:
    def raise_and_ask(number: int) -> bool:
        assert not known(f"platform:p{number}")
        alert_id = loss(250, f"p{number}")
        return [each.alert_id for each in known(f"platform:p{number}").blocks] == [alert_id]

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(raise_and_ask, range(100)))


def test_another_process_sees_it_as_soon(loss: Raise, precog_env: pytest.MonkeyPatch) -> None:
    """The alert is raised here, the order is asked for there, as the pipes say."""
    here, there = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os._exit(_ask_whenever_told(here[0], there[1]))
    for number in range(20):
        alert_id = loss(250, f"p{number}")
        os.write(here[1], f"{number}\n".encode())
        assert os.read(there[0], 100) == f"{alert_id}\n".encode()
    os.write(here[1], b"end\n")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _ask_whenever_told(questions: int, answers: int) -> int:
    with contextlib.suppress(BaseException):
        interlock.ready()
        while (number := os.read(questions, 100).decode().strip()) != "end":
            [block] = known(f"platform:p{number}").blocks
            os.write(answers, f"{block.alert_id}\n".encode())
        return 0
    return 1


def test_an_alert_of_the_callers_own_transaction_blocks_from_its_commit_on(
    loss: Raise, other_session: Connection
) -> None:
    alert_id = loss(250, connection=other_session)
    assert not known("platform:kalshi"), "it is not committed"
    other_session.commit()
    assert [each.alert_id for each in known("platform:kalshi").blocks] == [alert_id], "nobody has planned it yet"


def test_an_alert_that_is_rolled_back_blocked_nothing(loss: Raise, other_session: Connection) -> None:
    loss(250, connection=other_session)
    other_session.rollback()
    assert not known("platform:kalshi")


def test_planning_an_alert_changes_nothing_about_what_it_blocks(loss: Raise, other_session: Connection) -> None:
    first = loss(250)
    again = loss(250, connection=other_session)
    other_session.commit()
    [waiting] = calls.unplanned(DEMO, most=10)
    calls.plan(waiting, DEMO, window_minutes=60)
    assert alerts.get(again, DEMO)["duplicate_of"] == first
    assert [each.alert_id for each in known("platform:kalshi").blocks] == [first, again]
    assert interlock.release(again, actor="ann", reason="seen").standing == ()
    assert not known("platform:kalshi")


def test_an_alert_written_by_hand_blocks_as_any_other(rules: None, other_session: Connection) -> None:
    with other_session, other_session.cursor() as cursor:
        cursor.execute(
            "INSERT INTO alerts (alert_uuid, alert_type, severity, component, message, details, fingerprint,"
            " incident_id, environment, request_hash, planned)"
            " VALUES (gen_random_uuid(), 'rapid_loss', 'critical', 'psql', 'by hand',"
            " '{\"platform_id\": \"kalshi\"}', md5('x'), 1, 'demo', repeat('0', 64), true)"
        )
    assert known("platform:kalshi")


def test_an_old_snapshot_of_the_askers_own_transaction_does_not_hide_it(loss: Raise, other_session: Connection) -> None:
    other_session.set_session(isolation_level="REPEATABLE READ")
    with other_session.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM interlock_blocks")
        loss(250)
        cursor.execute("SELECT count(*) FROM interlock_blocks")
        assert cursor.fetchone() == (0,)
        assert known("platform:kalshi")


@pytest.mark.parametrize("level", [r"repeatable\ read", "serializable"])
def test_a_session_that_is_stricter_by_default_sees_it_too(
    loss: Raise, precog_env: pytest.MonkeyPatch, database_url: str, level: str
) -> None:
    precog_env.setenv(
        "DATABASE_URL", psycopg2.extensions.make_dsn(database_url, options=f"-c default_transaction_isolation={level}")
    )
    store.close_pool()
    interlock.ready()
    assert not known("platform:kalshi")
    loss(250)
    assert known("platform:kalshi")


# When nobody can say ------------------------------------------------------------------------------------------------


def test_a_server_that_refuses_blocks(door: Proxy) -> None:
    interlock.ready()
    assert not known("platform:kalshi")
    door.go_away()
    assert _says("nobody can say")
    with pytest.raises(StoreError):
        interlock.ready()


def test_a_server_that_is_back_is_asked_again(door: Proxy) -> None:
    interlock.ready()
    door.go_away()
    _unknown()
    door.refuses.clear()
    interlock.ready()
    assert not known("platform:kalshi")


def test_a_server_that_answers_nothing_blocks_in_time(door: Proxy) -> None:
    interlock.ready()
    door.swallows.set()
    _unknown()
    assert door.swallowed.is_set()
    assert _says("being made"), "now connecting hangs, too"


def test_connecting_takes_nobody_longer_and_serves_the_next(door: Proxy) -> None:
    door.swallows.set()
    _unknown()
    door.swallows.clear()
    interlock.ready()
    assert not known("platform:kalshi")


def test_a_process_that_never_got_ready_has_an_answer_soon(rules: None) -> None:
    """The first may come too late for its own order; the connection is there for the next."""
    store.close_pool()
    assert not known("platform:kalshi")


def test_a_server_that_is_stopped_blocks_in_time(
    precog_env: pytest.MonkeyPatch, rules: None, own_postgres: Server
) -> None:
    precog_env.setenv("DATABASE_URL", own_postgres.url)
    store.close_pool()
    interlock.ready()
    own_postgres.pause()
    assert _unknown()
    assert _unknown()


def test_a_table_that_somebody_locks_blocks_in_time(rules: None, other_session: Connection) -> None:
    with other_session.cursor() as cursor:
        cursor.execute("LOCK TABLE interlock_blocks")
        assert _unknown()
        other_session.rollback()
    assert not known("platform:kalshi")


def test_a_slow_server_ends_the_question_by_itself_before_its_connection_is_given_up(rules: None) -> None:
    with store._own_pool().connection() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'")
        [milliseconds] = cursor.fetchone() or ()
    assert milliseconds / 1000 < interlock.ANSWER_SECONDS


def test_when_every_connection_is_in_use_it_is_blocked(rules: None) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(4):
            held.enter_context(store._own_pool().connection())
        assert _says("stayed in use")
    assert not known("platform:kalshi")


def test_a_storm_of_alerts_keeps_no_order_waiting(rules: None) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(10):
            held.enter_context(default_pool().connection())
        assert not known("platform:kalshi")


def test_a_connection_that_broke_meanwhile_is_replaced_at_once(
    rules: None, db_cursor: psycopg2.extensions.cursor
) -> None:
    db_cursor.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    is_blocked("platform:kalshi")
    interlock.ready()
    assert not known("platform:kalshi")


def test_an_environment_without_rules_is_blocked(precog_env: pytest.MonkeyPatch) -> None:
    interlock.ready()
    assert _says("precog config apply")


def test_a_schema_without_the_interlock_is_blocked(precog_env: pytest.MonkeyPatch, empty_database_url: str) -> None:
    precog_env.setenv("DATABASE_URL", empty_database_url)
    with pytest.raises(StoreError):
        interlock.ready()
    assert _says("precog db migrate")


def test_without_an_address_it_is_blocked(precog_env: pytest.MonkeyPatch) -> None:
    precog_env.delenv("DATABASE_URL")
    assert "DATABASE_URL" in _unknown()


def test_a_replica_says_nothing_and_so_it_is_blocked(
    precog_env: pytest.MonkeyPatch, rules: None, own_postgres: Server
) -> None:
    with contextlib.closing(psycopg2.connect(own_postgres.url)) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        [data] = cursor.fetchone() or ()
    own_postgres.stop()
    signal = Path(data) / "standby.signal"
    signal.touch()
    os.chown(signal, Path(data).stat().st_uid, Path(data).stat().st_gid)
    own_postgres.start()
    precog_env.setenv("DATABASE_URL", own_postgres.url)
    store.close_pool()
    interlock.ready()
    assert _says("replica")


# The journal --------------------------------------------------------------------------------------------------------


@pytest.fixture
def journaled(door: Proxy) -> Callable[[str, str], None]:
    """`journaled("rapid_loss", "critical")`: an alert that PostgreSQL did not take, which is back afterwards."""

    def keep(alert_type: str, severity: str) -> None:
        door.go_away()
        with pytest.raises(AlertStoreUnavailable):
            precog.log_alert(alert_type, severity, "risk", "lost", {"platform_id": "kalshi"})
        door.refuses.clear()
        interlock.ready()

    return keep


def test_a_critical_alert_in_this_machines_journal_blocks_everything(journaled: Callable[[str, str], None]) -> None:
    journaled("rapid_loss", "critical")
    assert _says("precog journal replay", "platform:polymarket")


def test_once_it_is_stored_it_blocks_as_any_other(journaled: Callable[[str, str], None]) -> None:
    journaled("rapid_loss", "critical")
    assert precog.intake.replay_journal(DEMO).stored == 1
    assert known("platform:kalshi").blocks
    assert not known("platform:polymarket")


def test_what_is_less_than_critical_in_the_journal_blocks_nothing(journaled: Callable[[str, str], None]) -> None:
    journaled("critical_looking", "high")
    assert not known("platform:kalshi")


def test_the_journal_of_another_environment_is_none_of_ours(
    journaled: Callable[[str, str], None], precog_env: pytest.MonkeyPatch
) -> None:
    precog_env.setenv("PRECOG_ENVIRONMENT", "prod")
    journaled("rapid_loss", "critical")
    assert not known("platform:kalshi", environment="demo")


def test_a_journal_that_cannot_be_read_blocks(rules: None) -> None:
    file = journal.journal_file(DEMO)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.symlink_to("/dev/null")
    file.unlink()
    file.mkdir()
    assert "journal" in _unknown()


def test_threads_that_ask_at_once_share_what_connects(rules: None) -> None:
    store.close_pool()
    together = threading.Barrier(8)

    def ask(_: int) -> bool:
        together.wait(timeout=30)
        return known("platform:kalshi").blocks == ()

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(8)))
