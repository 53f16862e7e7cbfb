"""More users than connections: each waits its turn, and one that waits too long is told so."""

import gc
import os
import resource
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from uuid import uuid4

import pytest

import precog
from precog import journal
from precog.domain.alerts import Environment
from precog.errors import AlertStoreUnavailable, StoreBusy, StoreError
from precog.store import alerts
from precog.store.connection import MOST_PLANNED, Connection, connect
from precog.store.pool import Pool, default_pool
from precog.store.queries import prepared

pytestmark = pytest.mark.integration


@pytest.fixture
def pool(database_url: str) -> Iterator[Pool]:
    made = Pool(database_url, size=5, wait=0.3)
    yield made
    made.close()


def _backend(connection: Connection) -> int:
    return int(connection.info.backend_pid)


def test_a_hundred_threads_share_ten_connections_and_each_gets_its_own_answer(precog_env: pytest.MonkeyPatch) -> None:
    def log(number: int) -> tuple[int, str]:
        alert_id = precog.log_alert("api_failures", "low", f"thread_{number}", f"number {number}")
        return alert_id, f"number {number}"

    with ThreadPoolExecutor(100) as threads:
        logged = dict(threads.map(log, range(300)))
    assert {each["alert_id"]: each["message"] for each in precog.get_unresolved_alerts()} == logged
    with ExitStack() as held:
        backends = {_backend(held.enter_context(default_pool().connection())) for _ in range(10)}
        assert len(backends) == 10


def test_a_hundred_threads_on_a_pool_that_is_used_up_each_get_a_clear_error_in_time(pool: Pool) -> None:
    def ask(_: int) -> str:
        with pytest.raises(StoreError) as caught:
            pool.safely(lambda connection: connection.run("migrations.is_tracked"))
        assert isinstance(caught.value, StoreBusy)
        return str(caught.value)

    with ExitStack() as held:
        for _ in range(5):
            held.enter_context(pool.connection())
        began = time.monotonic()
        with ThreadPoolExecutor(100) as threads:
            said = set(threads.map(ask, range(100)))
        assert time.monotonic() - began < 10
    assert all("all 5 database connections stayed in use" in each for each in said)
    assert pool.safely(lambda connection: connection.run("migrations.is_tracked")) == [{"tracked": True}]


def test_a_place_is_given_back_however_its_use_ends(pool: Pool) -> None:
    for _ in range(20):
        with pytest.raises(ZeroDivisionError), pool.transaction():
            raise ZeroDivisionError
        with pool.connection() as connection:
            connection.close()
    with ExitStack() as held:
        for _ in range(5):
            held.enter_context(pool.connection())


def test_a_call_that_finds_every_connection_in_use_is_in_the_journal_and_then_in_the_database(
    precog_env: pytest.MonkeyPatch,
) -> None:
    with ExitStack() as held:
        for _ in range(10):
            held.enter_context(default_pool().connection())
        with pytest.raises(StoreBusy) as caught:
            precog.log_alert("api_failures", "low", "kalshi_api", "boom")
    assert caught.value.journaled
    precog.log_alert("api_failures", "low", "another", "after")
    assert {each["message"] for each in precog.get_unresolved_alerts()} == {"boom", "after"}
    assert not journal.holds_any(Environment.DEMO)


def test_a_plan_that_an_interrupt_kept_from_being_noted_costs_no_call(pool: Pool) -> None:
    [plan] = prepared("deliveries.status_of").prepares.values()
    pool.safely(lambda connection: connection.command(plan))
    for _ in range(2):
        asked = pool.safely(lambda one: one.run_planned("deliveries.status_of", delivery_id=str(uuid4())))
        assert asked == []


def test_a_statement_without_parameters_is_planned_once_as_well(pool: Pool) -> None:
    for _ in range(2):
        assert len(pool.safely(lambda one: one.run_planned("methods.clock"))) == 1


def test_a_list_is_planned_once_for_each_set_of_filters(precog_env: pytest.MonkeyPatch) -> None:
    for component in ("one", "two", "three") * 3:
        alerts.newest(Environment.DEMO, component=component)
        alerts.newest(Environment.DEMO)
    with default_pool().connection() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT generic_plans, custom_plans FROM pg_prepared_statements ORDER BY generic_plans")
        assert cursor.fetchall() == [(9, 0), (9, 0)]


def test_lists_of_ever_other_lengths_are_answered_without_ever_more_plans(precog_env: pytest.MonkeyPatch) -> None:
    logged = {precog.log_alert("api_failures", "low", f"component_{number}", "boom") for number in range(3)}
    for most in range(MOST_PLANNED + 20):
        found = alerts.newest(Environment.DEMO, most=most)
        assert len(found) == min(most, len(logged))
    with default_pool().connection() as connection:
        assert len(connection.planned) <= MOST_PLANNED


def test_a_process_that_may_open_no_more_files_is_told_so_as_of_any_other_connection(database_url: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = max(int(each.name) for each in Path("/proc/self/fd").iterdir())
    filled = []
    try:
        while (lowest := Path("/dev/null").open()).fileno() < used:  # noqa: SIM115 - no lower number is free then
            filled.append(lowest)
        lowest.close()
        for more in range(6):
            resource.setrlimit(resource.RLIMIT_NOFILE, (used + more, hard))
            try:
                connect(database_url).close()
            except AlertStoreUnavailable:
                continue
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for each in filled:
            each.close()


def test_a_finalizer_that_asks_in_the_middle_of_a_call_is_not_waited_for(database_url: str) -> None:
    asked: list[Pool] = []

    def ask() -> None:
        with suppress(StoreError):  # so little time that a thread of the pool's has to connect
            asked[-1].safely(lambda connection: connection.command("SELECT 1"), within=0.1)

    class Garbage:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            ask()

    child = os.fork()
    if child == 0:  # pragma: no cover - ends without the report of its coverage
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(30)
        for allocations in range(1, 80):
            asked.append(Pool(database_url))
            gc.disable()
            Garbage()
            gc.set_threshold(allocations)
            gc.enable()
            ask()
            gc.disable()
            asked[-1].close()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
