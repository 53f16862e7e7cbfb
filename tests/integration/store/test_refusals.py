"""A PostgreSQL that is there and cannot do it: a clear error, an alert in the journal, and nothing to restart after."""

import time
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import psycopg2.extensions
import pytest

import precog
from precog import intake, journal
from precog.domain.alerts import Environment
from precog.errors import AlertStoreUnavailable
from precog.store.calls import LOG_SECONDS

pytestmark = pytest.mark.integration

DEMO = Environment.DEMO


@pytest.fixture
def another(database_url: str) -> Iterator[psycopg2.extensions.cursor]:
    """Somebody else's session."""
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        yield cursor


def _fails(component: str = "kalshi_api") -> AlertStoreUnavailable:
    with pytest.raises(AlertStoreUnavailable) as caught:
        precog.log_alert("api_failures", "low", component, "boom")
    assert caught.value.journaled
    return caught.value


def test_a_table_that_is_locked_is_waited_for_in_bounds_and_holds_up_no_later_call(
    precog_env: pytest.MonkeyPatch, another: psycopg2.extensions.cursor
) -> None:
    another.execute("LOCK TABLE alerts IN ACCESS EXCLUSIVE MODE")
    began = time.monotonic()
    assert "lock timeout" in str(_fails())
    assert time.monotonic() - began < LOG_SECONDS + 0.5
    another.connection.rollback()
    assert precog.log_alert("api_failures", "low", "another", "the server gave its word: nobody is spared") > 0
    assert not journal.holds_any(DEMO), "the call took along what waited"


def test_a_database_that_may_only_be_read_is_named_and_works_again_without_a_restart(
    precog_env: pytest.MonkeyPatch, db_cursor: psycopg2.extensions.cursor
) -> None:
    precog.log_alert("api_failures", "low", "before", "before")
    db_cursor.execute("SELECT current_database()")
    [(name,)] = db_cursor.fetchall()
    db_cursor.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    db_cursor.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert "25006" in str(_fails())
    db_cursor.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    db_cursor.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert intake.replay_journal(DEMO).stored == 1
    assert {each["message"] for each in precog.get_unresolved_alerts()} == {"before", "boom"}


def test_a_disk_that_is_full_is_named_and_the_next_call_works_once_it_is_not(
    precog_env: pytest.MonkeyPatch, db_cursor: psycopg2.extensions.cursor
) -> None:
    db_cursor.execute(
        "CREATE FUNCTION pg_temp_full() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE disk_full USING MESSAGE = 'could not extend file: No space left on device'; END $$"
    )
    db_cursor.execute("CREATE TRIGGER full_trg BEFORE INSERT ON alerts FOR EACH ROW EXECUTE FUNCTION pg_temp_full()")
    error = _fails()
    assert "No space left on device" in str(error)
    assert "53100" in str(error)
    db_cursor.execute("DROP TRIGGER full_trg ON alerts")
    precog.log_alert("api_failures", "low", "another", "after")
    assert {each["message"] for each in precog.get_unresolved_alerts()} == {"boom", "after"}
