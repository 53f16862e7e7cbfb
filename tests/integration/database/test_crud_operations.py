"""The user's names over single rows of alerts, and the pool under them."""

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psycopg2.extensions
import pytest

import database
import precog
from database import crud_operations as crud
from precog.errors import AlertValueError, StoreBusy, UnknownAlert
from precog.store.pool import Pool

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _environment(precog_env: pytest.MonkeyPatch) -> None:
    """Every test here has a database."""


def _create(severity: str = "high") -> int:
    return crud.create_alert("api_failures", severity, "kalshi_api", "5 failures", {"platform_id": "kalshi"})


def test_a_created_alert_can_be_read_and_tells_nobody() -> None:
    row = crud.get_alert(_create())
    assert row is not None
    assert (row["severity"], row["notify"], row["details"]) == ("high", False, {"platform_id": "kalshi"})
    assert crud.get_alert(row["alert_id"] + 1) is None


def test_lifecycle_notification_and_tags_can_be_updated() -> None:
    alert_id, when = _create(), datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
    row = crud.update_alert(alert_id, acknowledged_by="ann", acknowledged_at=when, tags={"desk": "nfl"})
    assert (row["acknowledged_by"], row["acknowledged_at"], row["tags"]) == ("ann", when, {"desk": "nfl"})
    assert crud.update_alert(alert_id, acknowledged_notes="on it")["acknowledged_by"] == "ann"


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"message": "nothing happened"}, "message: cannot be updated; these can: acknowledged_at"),
        ({"tag": {}}, "tag: cannot be updated.*did you mean 'tags'"),
        ({"acknowledged_by": "ann"}, "acknowledged_by: .*alerts_acknowledged_check"),
        ({"resolution_action": "done"}, "alerts_resol"),
    ],
)
def test_what_may_not_be_updated_is_refused_with_what_may(columns: dict[str, object], says: str) -> None:
    alert_id = _create()
    with pytest.raises(AlertValueError, match=says):
        crud.update_alert(alert_id, **columns)  # type: ignore[arg-type]


def test_an_unknown_alert_cannot_be_updated() -> None:
    with pytest.raises(UnknownAlert):
        crud.update_alert(41, tags={"a": 1})


def test_alerts_are_listed_by_severity_newest_first() -> None:
    first, _, second = _create("critical"), _create("low"), _create("critical")
    assert [row["alert_id"] for row in crud.get_alerts_by_severity("critical")] == [second, first]
    assert [row["alert_id"] for row in crud.get_alerts_by_severity("critical", limit=1)] == [second]


def test_only_open_critical_and_high_alerts_wait_for_somebody() -> None:
    critical, high, low, taken, ended = (_create(each) for each in ("critical", "high", "low", "high", "critical"))
    crud.acknowledge_alert_db(taken, "ann")
    crud.resolve_alert_db(ended, "ann", "fixed")
    assert [row["alert_id"] for row in crud.get_unacknowledged_alerts()] == [high, critical]
    assert [row["alert_id"] for row in crud.get_unacknowledged_alerts("critical")] == [critical]
    assert low not in {row["alert_id"] for row in crud.get_unacknowledged_alerts()}


def test_a_transaction_is_committed_at_its_end_and_rolled_back_on_an_error() -> None:
    with database.transaction() as connection:
        kept = precog.log_alert("kept", "low", "a", "m", connection=connection)
    with pytest.raises(ZeroDivisionError), database.transaction() as connection:  # noqa: PT012
        lost = precog.log_alert("lost", "low", "a", "m", connection=connection)
        raise ZeroDivisionError
    assert crud.get_alert(kept) is not None
    assert crud.get_alert(lost) is None


def test_the_next_user_waits_for_a_connection_and_then_gets_a_clear_error(database_url: str) -> None:
    pool = Pool(database_url, size=2, wait=0.05)
    with pool.connection(), pool.connection(), pytest.raises(StoreBusy, match="all 2 database connections"):
        with pool.connection():
            pass
    pool.close()


def test_a_connection_that_comes_back_serves_the_one_who_waits(database_url: str) -> None:
    pool, taken, served = Pool(database_url, size=1, wait=10), threading.Event(), threading.Event()

    def waiter() -> None:
        taken.wait()
        with pool.connection():
            served.set()

    thread = threading.Thread(target=waiter)
    thread.start()
    with pool.connection():
        taken.set()
        assert not served.is_set()
    assert served.wait(10)
    thread.join()
    pool.close()


def test_forty_threads_share_ten_connections() -> None:
    with ThreadPoolExecutor(40) as threads:
        ids = list(threads.map(lambda _: _create(), range(200)))
    assert len(set(ids)) == 200


def test_a_dead_connection_is_not_seen_by_its_next_user(db_cursor: psycopg2.extensions.cursor) -> None:
    _create()
    db_cursor.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'precog' AND datname = current_database()"
    )
    assert crud.get_alert(_create()) is not None


def _log_in_child(number: int) -> None:
    for each in range(20):
        precog.log_alert(f"fork_{number}_{each}", "low", "child", "m")


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_children_forked_after_use_open_connections_of_their_own() -> None:
    mine = _create()
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=_log_in_child, args=(number,)) for number in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * 4
    stored = {row["alert_type"] for row in crud.get_alerts_by_severity("low") if row["component"] == "child"}
    assert stored == {f"fork_{number}_{each}" for number in range(4) for each in range(20)}
    assert crud.get_alert(mine) is not None, "the parent's connection is untouched"
