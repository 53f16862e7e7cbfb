"""Export and import: what goes out comes in as it was, and anything else is refused."""

import contextlib
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg2
import pytest

from precog.domain.methods import Method
from precog.errors import MethodInvalid, MethodRefused
from precog.methods import activate_method, export_method, get_method, import_method
from precog.store.pool import close_default_pool

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]
Make = Callable[..., Method]


@pytest.fixture
def elsewhere(
    new_database: Callable[[], contextlib.AbstractContextManager[str]], precog_env: pytest.MonkeyPatch
) -> Iterator[Callable[[], Run]]:
    """Calling it makes another database, with the same strategy and model, the one that Precog uses from then on."""

    def move() -> Run:
        url = opened.enter_context(new_database())
        opened.callback(close_default_pool)
        connection = opened.enter_context(contextlib.closing(psycopg2.connect(url)))
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(
            "INSERT INTO strategies (strategy_id, strategy_name, strategy_version, config)"
            " VALUES (41, 'test_strategy', 'v1.0', '{}');"
            " INSERT INTO probability_models (model_id, model_name, model_version, category, config)"
            " VALUES (42, 'test_model', 'v1.0', 'sports', '{}')"
        )
        precog_env.setenv("DATABASE_URL", url)
        close_default_pool()

        def run(statement: str) -> list[tuple[Any, ...]]:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

        return run

    with contextlib.ExitStack() as opened:
        yield move


def test_012_a_method_comes_into_another_database_as_a_draft_equal_in_everything(
    proven: Make, elsewhere: Callable[[], Run]
) -> None:
    proven(overrides={"risk_config": {"kelly_fraction": Decimal("0.1850")}}, description="d", notes="n", created_by="a")
    first = activate_method("kelly@v1.0").method
    text = export_method("kelly@v1.0")

    run = elsewhere()
    done = import_method(text)

    assert done.created
    assert (done.method.status, done.method.activated_at) == ("draft", None)
    assert (done.method.name, done.method.configs, done.method.config_hash) == (
        first.name, first.configs, first.config_hash,
    )  # fmt: skip
    assert (done.method.description, done.method.notes, done.method.created_by) == ("d", "n", "a")
    assert run("SELECT strategy_id, model_id, paper_trades_count FROM methods") == [(41, 42, 0)]
    assert export_method("kelly@v1.0") == text


def test_012_an_export_is_json_for_people_with_its_schema_version(new_method: Make) -> None:
    new_method(overrides={"risk_config": {"kelly_fraction": Decimal("0.1850")}})
    text = export_method("kelly@v1.0")
    document = json.loads(text)
    assert document["schema_version"] == 1
    assert document["strategy"] == {
        "name": "test_strategy", "version": "v1.0", "config_hash": "99914b932bd37a50b983c5e7c90ae93b",
    }  # fmt: skip
    assert '"kelly_fraction": 0.185' in text
    assert text == export_method(get_method("kelly@v1.0").method_id)


def test_012_importing_it_again_changes_nothing(proven: Make, sql: Run) -> None:
    proven()
    active = activate_method("kelly@v1.0").method
    done = import_method(export_method("kelly@v1.0"))
    assert (done.created, done.method) == (False, active)
    assert sql("SELECT count(*) FROM methods") == [(1,)]


def test_012_the_layout_of_the_document_does_not_matter(new_method: Make, sql: Run) -> None:
    new_method()
    text = export_method("kelly@v1.0")
    sql("DELETE FROM methods")
    loose = json.dumps(json.loads(text), indent=7).replace("0.05", "5.0e-2")
    assert import_method(loose).method.config_hash == json.loads(text)["config_hash"]


def test_012_a_changed_config_does_not_match_its_hash(new_method: Make, sql: Run) -> None:
    new_method()
    text = export_method("kelly@v1.0").replace('"max_position_dollars": 750', '"max_position_dollars": 7500')
    sql("DELETE FROM methods")
    with pytest.raises(MethodInvalid, match=r"config_hash: .* the document was changed since its export"):
        import_method(text)
    assert sql("SELECT count(*) FROM methods") == [(0,)]


def test_012_strategy_and_model_must_be_here(new_method: Make, sql: Run) -> None:
    new_method()
    text = export_method("kelly@v1.0").replace("test_strategy", "test_strategie").replace('"test_model"', '"other"')
    with pytest.raises(MethodInvalid) as refusal:
        import_method(text)
    assert dict(refusal.value.problems) == {
        "strategy": "there is no strategy test_strategie@v1.0; did you mean 'test_strategy@v1.0'?",
        "model": "there is no model other@v1.0",
    }


def test_012_strategy_and_model_must_be_the_same_here(new_method: Make, elsewhere: Callable[[], Run]) -> None:
    new_method()
    text = export_method("kelly@v1.0")
    run = elsewhere()
    run(
        "BEGIN; SET LOCAL session_replication_role = replica;"
        " UPDATE strategies SET config = '{\"edge\": 1}'; UPDATE probability_models SET config = '{\"k\": 1}'; COMMIT"
    )
    with pytest.raises(MethodInvalid) as refusal:
        import_method(text)
    assert {place for place, _ in refusal.value.problems} == {"strategy", "model"}
    assert "has another config here" in str(refusal.value)
    assert run("SELECT count(*) FROM methods") == [(0,)]


def test_012_a_version_that_is_another_here_is_refused(new_method: Make, sql: Run) -> None:
    new_method()
    text = export_method("kelly@v1.0")
    sql("DELETE FROM methods")
    new_method(template="aggressive")
    with pytest.raises(MethodRefused, match=r"kelly@v1\.0 is here already with another configs"):
        import_method(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not the JSON"),
        ("[1]", "must be a JSON object"),
        ("[" * 100_000, "is not the JSON"),
        ('{"schema_version": 1, "schema_version": 1}', "schema_version is there twice"),
        ('{"schema_version": NaN}', "NaN is no number"),
        ("{}", "schema_version: is None, and this program reads 1"),
        ('{"schema_version": 2}', "schema_version: is 2, and this program reads 1"),
    ],
)
def test_012_what_is_no_export_is_refused(precog_env: object, text: str, words: str) -> None:
    with pytest.raises(MethodInvalid, match=words):
        import_method(text)


def test_012_text_that_postgresql_does_not_store_is_refused(new_method: Make) -> None:
    new_method()
    text = export_method("kelly@v1.0").replace('"test_model"', '"test\\u0000model"').replace("null", '"\\ud800"')
    with pytest.raises(MethodInvalid) as refusal:
        import_method(text)
    assert {place for place, _ in refusal.value.problems} == {"model.name", "notes", "description", "created_by"}


def test_012_everything_wrong_with_a_document_is_said_at_once(new_method: Make) -> None:
    new_method()
    document = json.loads(export_method("kelly@v1.0"))
    del document["method_name"]
    document |= {"extra": 1, "notes": 3, "model": {"name": "m"}, "configs": {**document["configs"], "risk_config": []}}
    with pytest.raises(MethodInvalid) as refusal:
        import_method(json.dumps(document))
    assert dict(refusal.value.problems) == {
        "extra": "is not a key of an export",
        "method_name": "is missing",
        "notes": "must be a text or null",
        "model.version": "is missing",
        "model.config_hash": "is missing",
        "configs.risk_config": "must be an object",
    }
