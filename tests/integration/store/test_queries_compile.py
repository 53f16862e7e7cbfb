"""Every named statement, compiled by PostgreSQL against the migrated schema."""

import psycopg2
import psycopg2.extensions
import pytest

from precog.store.queries import all_statements, numbered, sql

pytestmark = pytest.mark.integration


def test_every_statement_fits_the_schema(db_cursor: psycopg2.extensions.cursor) -> None:
    refused = {}
    for name in all_statements():
        text, _ = numbered(sql(name))
        try:
            db_cursor.execute(f"PREPARE checked AS {text}; DEALLOCATE checked")
        except psycopg2.Error as error:
            refused[name] = str(error)
    assert refused == {}


def test_a_statement_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(LookupError, match=r"'alerts.nothing'.*alerts.log"):
        sql("alerts.nothing")


def test_no_statement_is_left_unused() -> None:
    from precog.resources import resource

    code = "\n".join(path.read_text() for path in resource("config").parent.glob("precog/**/*.py"))
    assert [name for name in all_statements() if f'"{name}"' not in code] == []


def test_every_statement_binds_its_values() -> None:
    """By name, so that none can be given in the wrong order."""
    assert [name for name, text in all_statements().items() if "%s" in text] == []
