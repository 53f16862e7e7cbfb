"""The login of programs and workers: one that may do what precog_app may, and cannot change the schema."""

from contextlib import closing

import psycopg2
from psycopg2 import errors as pg
from psycopg2 import sql
from psycopg2.extensions import encrypt_password, parse_dsn

from precog.errors import AlertStoreUnavailable, ConfigError, MigrationFailed, Problem, SchemaMismatch
from precog.store.connection import Connection, Row, connect
from precog.store.failures import first_line, translated


def provide_login(owner: str, program: str) -> str:
    """Give the login that `program` names its password and its membership, and make it where it is missing.

    One that works already is left alone. `owner`: the address of a login that owns the schema and may create roles.
    Returns the login's name. Raises ConfigError, SchemaMismatch, MigrationFailed, and AlertStoreUnavailable.
    """
    name, password = _named_in(program)
    with closing(connect(owner, application="precog migrate")) as connection, translated():
        standing = _looked_at(connection, name)
        if standing["is_member"] and _works(program):
            return name
        # A verifier, so that no log of the server ever holds the password itself.
        verifier = encrypt_password(password, name, scope=connection, algorithm="scram-sha-256")
        statement = sql.SQL("{verb} ROLE {name} LOGIN PASSWORD {verifier}; GRANT precog_app TO {name}").format(
            verb=sql.SQL("ALTER" if standing["is_there"] else "CREATE"),
            name=sql.Identifier(name),
            verifier=sql.Literal(verifier),
        )
        try:
            connection.command(statement.as_string(connection))
        except pg.InsufficientPrivilege as error:
            raise MigrationFailed(
                f"the login {name} was not made: {first_line(error)}; let an administrator run"
                f" CREATE ROLE {name} LOGIN PASSWORD '...' IN ROLE precog_app"
            ) from error
    return name


def _named_in(program: str) -> tuple[str, str]:
    try:
        given = parse_dsn(program)
    except psycopg2.ProgrammingError:
        given = {}
    if not given.get("user") or not given.get("password"):
        text = "names no login with a password; for example postgresql://precog_programs:PASSWORD@localhost/precog"
        raise ConfigError([Problem("DATABASE_URL", text)])
    return given["user"], given["password"]


def _looked_at(connection: Connection, name: str) -> Row:
    """What it is by now. Raises ConfigError where it is too mighty for programs."""
    [standing] = connection.run("logins.standing", name=name)
    if standing["owns_the_schema"]:
        text = f"its login {name} owns the schema; programs need one of their own, such as precog_programs"
        raise ConfigError([Problem("DATABASE_URL", text)])
    if not standing["app_is_there"]:
        raise SchemaMismatch("the role precog_app is missing; run `precog db migrate`")
    return standing


def _works(program: str) -> bool:
    try:
        connect(program, application="precog migrate").close()
    except AlertStoreUnavailable:
        return False
    return True
