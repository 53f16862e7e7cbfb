"""Servers of the benchmark's own, as durable as in production, and the environment of a program that uses them."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from precog import queue
from precog.localstack.postgres import create_database, postgres_server
from precog.localstack.redis import redis_server
from precog.store.migrate import migrate
from precog.store.pool import close_default_pool

CHANNELS = ("email", "slack", "sms", "webhook")
_ROUTES = [("critical", channel) for channel in CHANNELS] + [("high", "webhook")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    database_url: str
    redis_url: str
    folder: Path


@contextmanager
def open_stage() -> Iterator[Stage]:
    """Servers, a database with routes, and the addresses of both in this process's environment."""
    with (
        tempfile.TemporaryDirectory(prefix="precog-bench-", ignore_cleanup_errors=True) as name,
        ExitStack() as running,
    ):
        folder = Path(name)
        postgres, redis = postgres_server(folder), redis_server(folder)
        for server in (postgres, redis):
            running.callback(server.stop)
            server.start()
        database_url = create_database(postgres.url, "bench")
        migrate(database_url)
        write_routes(database_url)
        os.environ |= {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis.url,
            "PRECOG_ENVIRONMENT": "demo",
            "PRECOG_JOURNAL_DIR": str(folder / "journal"),
        }
        queue.reset()
        running.callback(close_default_pool)
        yield Stage(database_url=database_url, redis_url=redis.url, folder=folder)


def write_routes(database_url: str) -> None:
    """A critical alert goes to four channels, a high one to the webhook alone."""
    with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO alert_routes (environment, severity, channel, recipient) VALUES ('demo', %s, %s, %s)",
            [(severity, channel, channel) for severity, channel in _ROUTES],
        )
