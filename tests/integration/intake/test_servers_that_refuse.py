"""Servers that are there and take nothing: the caller hears of it in time, and what was raised is not lost."""

from collections.abc import Callable
from contextlib import closing

import psycopg2
import psycopg2.extensions
import pytest
import redis

import precog
from precog import queue
from precog.domain.alerts import Environment, Severity
from precog.domain.routes import Route
from precog.errors import AlertStoreUnavailable
from precog.localstack.server import Server
from precog.store import alerts, channels, deliveries
from precog.store.pool import close_default_pool

pytestmark = pytest.mark.integration

DEMO = Environment.DEMO


@pytest.fixture
def routes(precog_env: pytest.MonkeyPatch) -> None:
    channels.write_routes(
        DEMO, [Route(environment=DEMO, severity=Severity.LOW, channel="email", recipient="a@b.example")]
    )
    queue.reset()


def _raise(component: str = "kalshi_api", message: str = "boom") -> int:
    return precog.log_alert("api_failures", "low", component, message)


def test_a_message_of_ten_million_characters_is_stored_cut_with_its_size(routes: None) -> None:
    stored = alerts.get(_raise(message="é" * 10_000_000), DEMO)["message"]
    assert len(stored.encode()) <= 20_000
    assert stored.endswith("[cut from 10000000 characters]")


@pytest.mark.parametrize(
    ("setting", "value"), [("maxmemory", "1"), ("min-replicas-to-write", "1")], ids=["full", "refuses writes"]
)
def test_a_redis_that_takes_no_write_costs_no_alert_and_is_used_again_when_it_does(
    routes: None, precog_env: pytest.MonkeyPatch, own_redis: Server, setting: str, value: str
) -> None:
    """A full disk under the append-only file looks the same from here: every write is answered with an error."""
    precog_env.setenv("REDIS_URL", own_redis.url)
    with redis.Redis.from_url(own_redis.url) as owner:
        before = owner.config_get(setting)[setting]
        owner.config_set(setting, value)
        [waits] = deliveries.of_alert(_raise())
        assert waits["status"] == "pending"
        assert not queue.may_ring(), "left alone for a while"
        owner.config_set(setting, before)
    queue.reset()
    _raise("another")
    assert (queue.waiting() or {})["email"] == 1


def test_a_redis_that_hangs_costs_no_alert(routes: None, precog_env: pytest.MonkeyPatch, own_redis: Server) -> None:
    precog_env.setenv("REDIS_URL", own_redis.url)
    own_redis.pause()
    [waits] = deliveries.of_alert(_raise())
    own_redis.resume()
    assert waits["status"] == "pending"
    assert not queue.may_ring()


def test_a_table_that_somebody_keeps_locked_is_a_clear_error_in_time(routes: None, database_url: str) -> None:
    with closing(psycopg2.connect(database_url)) as somebody:
        somebody.cursor().execute("LOCK TABLE alerts")
        with pytest.raises(AlertStoreUnavailable) as raised:
            _raise()
        assert raised.value.journaled
        somebody.rollback()
    _raise("another")
    assert {each["component"] for each in alerts.newest(DEMO)} == {"kalshi_api", "another"}, "what waited is there"


DISK_FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON alerts EXECUTE FUNCTION full_disk();
"""


@pytest.mark.parametrize(
    ("breaks", "mends", "code"),
    [
        (DISK_FULL, "DROP TRIGGER full_disk ON alerts", "53100"),
        (
            "ALTER DATABASE {} SET default_transaction_read_only = on",
            "SET default_transaction_read_only = off; ALTER DATABASE {} RESET default_transaction_read_only",
            "25006",
        ),
    ],
    ids=["its disk is full", "it is read-only"],
)
def test_a_postgres_that_takes_no_write_is_a_clear_error_and_is_used_again_without_a_restart(
    routes: None, db_cursor: psycopg2.extensions.cursor, breaks: str, mends: str, code: str
) -> None:
    run: Callable[[str], None] = lambda statement: db_cursor.execute(statement.format(_name(db_cursor)))  # noqa: E731
    run(breaks)
    close_default_pool()  # what the database's settings say holds for new sessions
    with pytest.raises(AlertStoreUnavailable, match=code) as raised:
        _raise()
    assert raised.value.journaled
    run(mends)
    close_default_pool()
    _raise("another")
    assert {each["component"] for each in alerts.newest(DEMO)} == {"kalshi_api", "another"}


def _name(cursor: psycopg2.extensions.cursor) -> str:
    return str(cursor.connection.info.dbname)
