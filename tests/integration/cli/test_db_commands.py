"""`precog db`."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg2
import psycopg2.extensions
import pytest
from typer.testing import Result

from precog.localstack.postgres import as_login

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


LOGIN = "precog_test_login"


@pytest.fixture
def owned(precog_env: pytest.MonkeyPatch, database_url: str) -> Iterator[str]:
    """PRECOG_OWNER_URL is the owner, DATABASE_URL a login that is not there yet; the address of a right login."""
    address = as_login(database_url, LOGIN, "first")
    precog_env.setenv("PRECOG_OWNER_URL", database_url)
    precog_env.setenv("DATABASE_URL", address)
    yield address
    with closing(psycopg2.connect(database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(f"DROP ROLE IF EXISTS {LOGIN}")


def _logs_in_as(address: str) -> tuple[object, ...] | None:
    with closing(psycopg2.connect(address)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_user::text, has_table_privilege('alerts', 'DELETE')")
        found: tuple[object, ...] | None = cursor.fetchone()
        return found


def test_login_makes_a_login_for_programs_that_works_and_owns_nothing(run: Run, owned: str) -> None:
    assert f"{LOGIN} may do what programs do" in run("db", "login").stdout
    assert _logs_in_as(owned) == (LOGIN, False)
    assert run("config", "apply").exit_code == 0
    assert run("db", "login").exit_code == 0, "and again"


def test_login_gives_a_login_that_is_there_its_new_password(
    run: Run, owned: str, database_url: str, precog_env: pytest.MonkeyPatch
) -> None:
    run("db", "login")
    changed = as_login(database_url, LOGIN, "second")
    precog_env.setenv("DATABASE_URL", changed)
    assert run("db", "login").exit_code == 0
    assert _logs_in_as(changed) == (LOGIN, False)


def test_login_does_nothing_where_programs_use_the_owner(
    run: Run, database_url: str, precog_env: pytest.MonkeyPatch
) -> None:
    precog_env.setenv("DATABASE_URL", database_url)
    assert "Nothing was done" in run("db", "login").stdout


def test_login_refuses_the_owner_of_the_schema_under_another_address(
    run: Run, owned: str, database_url: str, precog_env: pytest.MonkeyPatch
) -> None:
    precog_env.setenv("DATABASE_URL", f"{database_url}?application_name=other")
    refused = run("db", "login")
    assert refused.exit_code == 1
    assert "owns the schema; programs need one of their own" in refused.stderr


def test_login_without_a_password_is_refused_with_an_example(
    run: Run, owned: str, precog_env: pytest.MonkeyPatch
) -> None:
    precog_env.setenv("DATABASE_URL", "postgresql://somebody@localhost/precog")
    assert "names no login with a password" in run("db", "login").stderr


def test_a_login_that_may_make_no_login_is_told_what_an_administrator_runs(
    run: Run, owned: str, precog_env: pytest.MonkeyPatch
) -> None:
    run("db", "login")
    precog_env.setenv("PRECOG_OWNER_URL", owned)
    precog_env.setenv("DATABASE_URL", as_login(owned, "precog_test_other", "x"))
    refused = run("db", "login")
    assert refused.exit_code == 1
    assert "CREATE ROLE precog_test_other LOGIN PASSWORD '...' IN ROLE precog_app" in refused.stderr


def test_migrate_as_a_program_says_whose_work_it_is(
    run: Run, precog_env: pytest.MonkeyPatch, empty_database_url: str, as_program: Callable[[str], str]
) -> None:
    precog_env.setenv("DATABASE_URL", as_program(empty_database_url))
    refused = run("db", "migrate")
    assert refused.exit_code == 1
    assert "PRECOG_OWNER_URL must name the login that owns the schema" in refused.stderr


def test_migrate_as_a_program_is_content_where_nothing_is_to_be_done(run: Run) -> None:
    assert run("db", "migrate").stdout == "The schema is up to date.\n"
