"""The files of database/migrations, and the reading of them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.errors import MigrationFailed
from precog.store.migration_files import Migration, Statement, read_migrations, statements

pytestmark = pytest.mark.unit

shipped = pytest.mark.parametrize("migration", read_migrations(), ids=lambda each: each.path.stem)


def test_the_numbers_run_from_001_without_a_gap() -> None:
    versions = [each.version for each in read_migrations()]

    assert versions == [f"{number:03d}" for number in range(1, len(versions) + 1)]
    assert versions


@shipped
def test_a_file_is_one_transaction(migration: Migration) -> None:
    assert migration.body()


@shipped
def test_a_file_records_itself_under_its_own_name(migration: Migration) -> None:
    records = [each.text for each in migration.body() if "schema_migrations (version, name)" in each.text]

    assert [record.partition("VALUES ")[2] for record in records] == [f"('{migration.version}', '{migration.name}');"]


@shipped
def test_a_file_holds_nothing_that_only_psql_understands(migration: Migration) -> None:
    lines = [line for each in migration.body() for line in each.text.splitlines()]

    assert not [line for line in lines if line.startswith("\\")]
    assert "BEGIN ATOMIC" not in migration.text


def test_the_checksum_is_the_same_in_a_checkout_with_other_line_ends(tmp_path: Path) -> None:
    unix, windows = tmp_path / "unix", tmp_path / "windows"
    for directory, text in ((unix, b"BEGIN;\nCOMMIT;\n"), (windows, b"BEGIN;\r\nCOMMIT;\r\n")):
        directory.mkdir()
        (directory / "001_a.sql").write_bytes(text)

    assert read_migrations(unix)[0].checksum == read_migrations(windows)[0].checksum


@pytest.mark.parametrize("name", ["1_a.sql", "001.sql", "001-a.sql", "001_A.sql", "a_001.sql"])
def test_a_file_with_another_kind_of_name_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()

    with pytest.raises(MigrationFailed, match=r"a migration is named like 004_add_methods\.sql"):
        read_migrations(tmp_path)


def test_a_number_used_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "001_a.sql").touch()
    (tmp_path / "001_b.sql").touch()

    with pytest.raises(MigrationFailed, match=r"001_b\.sql: the number is taken by 001_a\.sql"):
        read_migrations(tmp_path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the first statement must be BEGIN"),
        ("SELECT 1;", "the first statement must be BEGIN"),
        ("BEGIN; SELECT 1;", "the last COMMIT"),
        ("BEGIN; SELECT 1; COMMIT; SELECT 2;", "the last COMMIT"),
        ("BEGIN;\nSELECT 1;\n\nCOMMIT;\nBEGIN;\nCOMMIT;", ":4: one file is one transaction"),
        ("BEGIN;\nrollback to x;\nCOMMIT;", ":2: one file is one transaction"),
    ],
)
def test_a_file_that_is_not_one_transaction_is_refused(text: str, problem: str) -> None:
    with pytest.raises(MigrationFailed, match=problem):
        Migration(version="001", name="a", path=Path("001_a.sql"), text=text).body()


def test_a_statement_knows_the_line_of_its_first_word() -> None:
    text = "-- opening; words\nBEGIN;\n\n/* two\nlines; */ SELECT 1\n;\nCOMMIT; -- done;\n"

    assert list(statements(text)) == [
        Statement(text="BEGIN;", line=2),
        Statement(text="SELECT 1\n;", line=5),
        Statement(text="COMMIT;", line=7),
    ]


_HIDING = st.sampled_from(
    [
        "SELECT ';'",
        "SELECT 'it''s; so'",
        r"SELECT E'a\';b'",
        'SELECT 1 AS ";"',
        "SELECT $$ ; $$",
        "SELECT $a$ ; $$ ; $a$",
        "SELECT /* ; ' */ 1",
        "SELECT -- ; '\n 1",
        "SELECT 1",
    ]
)
_BETWEEN = st.text(alphabet=" \n", max_size=3)


@given(st.lists(st.tuples(_BETWEEN, _HIDING)))
def test_a_semicolon_that_is_hidden_ends_nothing(parts: list[tuple[str, str]]) -> None:
    found = list(statements("".join(f"{blank}{text};" for blank, text in parts)))

    assert [each.text for each in found] == [f"{text};" for _, text in parts]


@given(st.lists(st.tuples(_BETWEEN, _HIDING)))
def test_the_line_is_where_an_editor_finds_it(parts: list[tuple[str, str]]) -> None:
    whole = "".join(f"{blank}{text};" for blank, text in parts)

    for each in statements(whole):
        assert "\n".join(whole.split("\n")[each.line - 1 :]).find(each.text) >= 0
