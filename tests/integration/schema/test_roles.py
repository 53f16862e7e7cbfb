"""What each role may do, table by table: a table that nobody has decided about fails here."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.errors as pg
import psycopg2.extensions
import pytest

from precog.localstack.postgres import as_login
from precog.resources import resource
from precog.store.migrate import migrate

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]

WRITTEN = frozenset({"SELECT", "INSERT", "UPDATE"})
"""Rows are added and moved on by programs, and go only through the retention of the owner."""
REPLACED = WRITTEN | {"DELETE"}
"""`precog config apply` takes away the routes that the configuration no longer has."""
READ = frozenset({"SELECT"})

OF_PROGRAMS = {
    "account_balance": WRITTEN,
    "alert_deliveries": WRITTEN,
    "alert_counts": WRITTEN,
    "alert_delivery_attempts": WRITTEN,
    "alert_holds": WRITTEN,
    "alert_routes": REPLACED,
    "alerts": WRITTEN,
    "api_failures": WRITTEN,
    "channel_pauses": WRITTEN,
    "circuit_breaker_events": WRITTEN,
    "config_overrides": WRITTEN,
    "edge_keys": WRITTEN,
    "edges": WRITTEN,
    "events": WRITTEN,
    "exit_attempts": WRITTEN,
    "game_states": WRITTEN,
    "interlock_blocks": READ,
    "interlock_releasers": READ,
    "interlock_releases": WRITTEN,
    "interlock_rules": READ,
    "market_keys": WRITTEN,
    "markets": WRITTEN,
    "method_templates": WRITTEN,
    "methods": WRITTEN,
    "platforms": WRITTEN,
    "position_exits": WRITTEN,
    "position_keys": WRITTEN,
    "positions": WRITTEN,
    "probability_matrices": WRITTEN,
    "probability_models": WRITTEN,
    "recovery_beats": WRITTEN,
    "schema_migrations": READ,
    "series": WRITTEN,
    "settlements": WRITTEN,
    "strategies": WRITTEN,
    "system_health": WRITTEN,
    "trades": WRITTEN,
}

HELD = """
SELECT c.relname::text, array_agg(DISTINCT p.privilege_type::text) FILTER (WHERE p.privilege_type IS NOT NULL)
FROM pg_class AS c
LEFT JOIN LATERAL aclexplode(c.relacl) AS p ON p.grantee IN (0, %s::regrole)
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = ANY (%s)
GROUP BY c.oid, c.relname
"""


def _held(run: Run, role: str, *kinds: str) -> dict[str, frozenset[str]]:
    """What a role, or everybody, was granted on each relation of these kinds."""
    return {name: frozenset(granted or ()) for name, granted in run(HELD, role, list(kinds))}


def test_programs_have_on_each_table_what_was_decided_and_no_table_is_undecided(run: Run) -> None:
    assert _held(run, "precog_app", "r", "p") == OF_PROGRAMS


def test_dashboards_read_every_table_and_write_none(run: Run) -> None:
    assert set(_held(run, "precog_readonly", "r", "p").values()) == {READ}


@pytest.mark.parametrize("role", ["precog_app", "precog_readonly"])
def test_a_view_can_be_read_and_nothing_is_written_through_it(run: Run, role: str) -> None:
    assert set(_held(run, role, "v", "m").values()) == {READ}


def test_programs_draw_numbers_and_set_none(run: Run) -> None:
    assert set(_held(run, "precog_app", "S").values()) == {frozenset({"USAGE"})}
    assert set(_held(run, "precog_readonly", "S").values()) == {frozenset()}


@pytest.mark.parametrize("role", ["precog_app", "precog_readonly"])
def test_a_role_calls_every_function_but_the_one_that_gives_rights(run: Run, role: str) -> None:
    refused = run(
        "SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " AND NOT has_function_privilege(%s, oid, 'EXECUTE')",
        role,
    )
    assert refused == [("grant_roles",)]


@pytest.mark.parametrize("role", ["precog_app", "precog_readonly"])
def test_a_role_is_a_group_that_nobody_logs_in_as_and_that_commands_nobody(run: Run, role: str) -> None:
    [mighty] = run(
        "SELECT rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
        " FROM pg_roles WHERE rolname = %s",
        role,
    )
    assert mighty == (False,)
    assert run("SELECT 1 FROM pg_auth_members WHERE member = %s::regrole", role) == []


@pytest.fixture
def as_somebody(database_url: str, program_url: str, run: Run) -> Iterator[Callable[[str], Run]]:
    """A session of a program, or of the owner as a role; each statement a transaction of its own."""
    with contextlib.ExitStack() as open_ones:

        def session(role: str) -> Run:
            url = program_url if role == "precog_app" else database_url
            connection = open_ones.enter_context(contextlib.closing(psycopg2.connect(url)))
            connection.autocommit = True
            cursor = connection.cursor()
            if role != "precog_app":
                cursor.execute(f"SET ROLE {role}")

            def execute(statement: str, *parameters: object) -> list[tuple[Any, ...]]:
                cursor.execute(statement, parameters or None)
                return cursor.fetchall() if cursor.description else []

            return execute

        yield session


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM alerts",
        "DELETE FROM alert_deliveries",
        "DELETE FROM alert_delivery_attempts",
        "DELETE FROM trades",
        "TRUNCATE alert_routes",
        "DROP TABLE alerts",
        "ALTER TABLE alerts DISABLE TRIGGER ALL",
        "ALTER TABLE alerts ADD COLUMN mine text",
        "CREATE TABLE mine (id int)",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION rows_stay() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE ROLE mine",
        "SELECT grant_roles()",
        "UPDATE schema_migrations SET checksum = NULL",
        "COPY alerts TO PROGRAM 'cat'",
        "SELECT pg_read_file('/etc/passwd')",
    ],
)
def test_a_program_is_refused_what_no_program_does(as_somebody: Callable[[str], Run], statement: str) -> None:
    with pytest.raises(pg.InsufficientPrivilege):
        as_somebody("precog_app")(statement)


def test_the_word_that_opens_retention_opens_nothing_for_a_program(as_somebody: Callable[[str], Run]) -> None:
    program = as_somebody("precog_app")
    program("SET precog.retention = 'on'")
    with pytest.raises(pg.InsufficientPrivilege):
        program("DELETE FROM alerts")


@pytest.mark.parametrize("statement", ["INSERT INTO alert_routes DEFAULT VALUES", "UPDATE alerts SET message = 'x'"])
def test_a_dashboard_writes_nothing(as_somebody: Callable[[str], Run], statement: str) -> None:
    reader = as_somebody("precog_readonly")
    assert reader("SELECT count(*) FROM alert_records") == [(0,)]
    with pytest.raises(pg.InsufficientPrivilege):
        reader(statement)


def test_a_table_of_a_later_migration_has_its_rights_after_the_next_migrate(database_url: str, run: Run) -> None:
    run("CREATE TABLE later (id bigint GENERATED BY DEFAULT AS IDENTITY)")
    run("CREATE VIEW later_seen AS SELECT id FROM later")
    assert _held(run, "precog_app", "r")["later"] == frozenset()
    migrate(database_url)
    assert _held(run, "precog_app", "r")["later"] == WRITTEN
    assert _held(run, "precog_app", "v")["later_seen"] == READ
    assert _held(run, "precog_app", "S")["later_id_seq"] == {"USAGE"}


def test_a_right_that_somebody_added_is_gone_after_the_next_migrate(database_url: str, run: Run) -> None:
    run("GRANT DELETE, TRUNCATE ON alerts TO precog_app")
    migrate(database_url)
    assert _held(run, "precog_app", "r")["alerts"] == WRITTEN


def test_what_is_somebody_elses_is_not_handed_out(database_url: str, run: Run) -> None:
    run("CREATE TABLE theirs (id int)")
    run("ALTER TABLE theirs OWNER TO pg_monitor")
    migrate(database_url)
    assert _held(run, "precog_app", "r")["theirs"] == frozenset()


@pytest.fixture
def plain_owner(empty_database_url: str) -> Iterator[str]:
    """The address of an empty database by a login that owns it and may create no role."""
    owner = "precog_test_plain_owner"
    name = psycopg2.extensions.parse_dsn(empty_database_url)["dbname"]
    with contextlib.closing(psycopg2.connect(empty_database_url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f"CREATE ROLE {owner} LOGIN PASSWORD 'plain'")
        cursor.execute(f"ALTER DATABASE {name} OWNER TO {owner}")
        yield as_login(empty_database_url, owner, "plain")
        cursor.execute(f"REASSIGN OWNED BY {owner} TO CURRENT_USER")
        cursor.execute(f"DROP OWNED BY {owner}; DROP ROLE {owner}")


def test_an_owner_who_may_create_no_role_uses_those_that_are_there(plain_owner: str) -> None:
    assert migrate(plain_owner)[-1]
    with contextlib.closing(psycopg2.connect(plain_owner)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege('precog_app', 'alerts', 'INSERT')")
        assert cursor.fetchone() == (True,)


def test_where_roles_are_missing_and_may_not_be_made_the_schema_is_whole_and_the_next_step_is_said(
    plain_owner: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Under a name that this server does not know, since the other databases of the session have the real ones."""
    for file in resource("database/migrations").glob("*.sql"):
        (tmp_path / file.name).write_text(file.read_text().replace("'precog_app'", "'precog_absent'"))
    assert "007_add_roles" in migrate(plain_owner, directory=tmp_path)
    assert "may not create the roles precog_absent" in caplog.text
    assert "CREATE ROLE" in caplog.text
    assert migrate(plain_owner, directory=tmp_path) == []
