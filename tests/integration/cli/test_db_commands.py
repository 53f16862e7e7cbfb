"""`precog db`."""

import json
from collections.abc import Callable

import psycopg2.extensions
import pytest
from typer.testing import Result

Run = Callable[..., Result]

pytestmark = pytest.mark.integration


def test_migrate_brings_an_empty_database_up_to_date_once(
    run: Run, precog_env: pytest.MonkeyPatch, empty_database_url: str
) -> None:
    precog_env.setenv("DATABASE_URL", empty_database_url)
    assert "applied 001_trading_tables" in run("db", "migrate").stdout
    assert run("db", "migrate").stdout == "The schema is up to date.\n"


def test_status_fails_until_everything_is_applied(
    run: Run, precog_env: pytest.MonkeyPatch, empty_database_url: str
) -> None:
    precog_env.setenv("DATABASE_URL", empty_database_url)
    behind = run("db", "status")
    assert behind.exit_code == 1
    assert "001_trading_tables  " in behind.stdout
    assert "pending" in behind.stdout
    run("db", "migrate")
    assert run("db", "status").exit_code == 0


def test_status_as_json_has_a_time_for_each_migration(run: Run) -> None:
    first, *_ = json.loads(run("db", "status", "--json").stdout)
    assert (first["version"], first["name"], first["state"]) == ("001", "trading_tables", "applied")
    assert first["applied_at"].endswith("+00:00")


def test_a_changed_migration_is_shown_and_fails(run: Run, db_cursor: psycopg2.extensions.cursor) -> None:
    db_cursor.execute("UPDATE schema_migrations SET checksum = repeat('0', 64) WHERE version = '001'")
    assert run("db", "status").exit_code == 1
    refused = run("db", "migrate")
    assert refused.exit_code == 3
    assert "a released migration is never edited" in refused.stderr
