"""What must hold of every table, whoever adds it."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from precog.store.migration_files import read_migrations

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]


def test_every_table_view_and_column_has_a_comment(run: Run) -> None:
    bare_relations = run(
        "SELECT c.relname FROM pg_class c"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')"
        " AND obj_description(c.oid, 'pg_class') IS NULL"
    )
    bare_columns = run(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT a.attisdropped"
        " AND col_description(c.oid, a.attnum) IS NULL"
    )

    assert (bare_relations, bare_columns) == ([], [])


def test_every_constraint_index_and_trigger_has_a_name_of_ours(run: Run) -> None:
    names = run(
        "SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'"
        " UNION SELECT indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE c.relnamespace = 'public'::regnamespace"
        " UNION SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE c.relnamespace = 'public'::regnamespace AND NOT tgisinternal"
    )
    written = set(re.findall(r"\w+", "\n".join(each.text for each in read_migrations())))

    assert names
    assert {name for (name,) in names} - written == set()


def test_times_carry_their_zone_and_numbers_are_exact(run: Run) -> None:
    loose = run(
        "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c"
        " JOIN information_schema.tables t USING (table_schema, table_name)"
        " WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.data_type IN"
        " ('timestamp without time zone', 'real', 'double precision', 'money', 'json', 'character varying')"
    )

    assert loose == []


def test_money_prices_and_probabilities_have_four_decimals(run: Run) -> None:
    other = run(
        "SELECT table_name, column_name, numeric_precision, numeric_scale FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type = 'numeric' AND (numeric_precision, numeric_scale) <> (10, 4)"
        " AND column_name !~ 'quantity|volume|open_interest' AND column_name <> 'unrealized_pnl_pct'"
    )

    assert other == []


def test_every_number_that_may_be_broken_refuses_nan(run: Run) -> None:
    unguarded = run(
        "SELECT c.table_name, c.column_name FROM information_schema.columns c"
        " JOIN information_schema.tables t USING (table_schema, table_name)"
        " WHERE c.table_schema = 'public' AND c.data_type = 'numeric' AND t.table_type = 'BASE TABLE' AND NOT EXISTS ("
        "   SELECT FROM pg_constraint k WHERE k.contype = 'c' AND k.conrelid = quote_ident(c.table_name)::regclass"
        r"   AND pg_get_constraintdef(k.oid) ~ ('\m' || c.column_name || '\M.* <=? '))"
    )

    assert unguarded == []


def test_identities_accept_explicit_ids(run: Run) -> None:
    always = run(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND identity_generation = 'ALWAYS'"
    )

    assert always == []


def test_every_foreign_key_to_a_growing_table_can_be_followed_backwards(run: Run) -> None:
    """Retention deletes from these, and PostgreSQL then looks for rows that still point at them."""
    unindexed = run(
        "SELECT k.conname FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace"
        " AND k.confrelid::regclass::text IN"
        " ('alerts', 'alert_deliveries', 'position_keys', 'edge_keys', 'market_keys', 'events')"
        " AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indkey[0] = k.conkey[1])"
    )

    assert unindexed == []
