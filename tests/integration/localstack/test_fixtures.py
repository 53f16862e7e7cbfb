"""What every other test leans on."""

import os

import psycopg2.extensions
import pytest
import redis

from precog.localstack.server import Server

pytestmark = pytest.mark.integration


def test_the_test_strategy_and_the_test_model_have_id_1(
    clean_test_data: None, db_cursor: psycopg2.extensions.cursor
) -> None:
    db_cursor.execute("SELECT (SELECT strategy_id FROM strategies), (SELECT model_id FROM probability_models)")
    assert db_cursor.fetchone() == (1, 1)


def test_each_test_has_a_database_of_its_own(db_cursor: psycopg2.extensions.cursor) -> None:
    db_cursor.execute("SELECT count(*) FROM strategies")
    assert db_cursor.fetchone() == (0,)


@pytest.mark.parametrize("turn", [1, 2])
def test_no_key_of_another_test_is_left(redis_url: str, redis_prefix: str, turn: int) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.set(f"{redis_prefix}:demo:mark", turn, nx=True)


def test_a_test_knows_of_no_channel_that_the_machine_has_configured(precog_env: pytest.MonkeyPatch) -> None:
    assert "SMTP_HOST" not in os.environ
    assert os.environ["PRECOG_ENVIRONMENT"] == "demo"


def test_a_server_of_ones_own_may_be_killed(own_redis: Server) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.set("kept", "yes")
        own_redis.kill()
        own_redis.start()
        assert client.get("kept") == b"yes"
