"""`precog methods`."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import psycopg2.extensions
import pytest
from typer.testing import Result

from tests.documents import CHECKOUT, blocks

Run = Callable[..., Result]

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("clean_test_data")]

KELLY = (
    "methods", "create", "kelly@v1.0", "--template", "moderate",
    "--strategy", "test_strategy@v1.0", "--model", "test_model@v1.0",
)  # fmt: skip


@pytest.fixture
def paper_trades(db_cursor: psycopg2.extensions.cursor) -> Callable[[str, int], None]:
    """`paper_trades("kelly", 10)`: so many paper trades that won."""
    for statement in (
        "INSERT INTO market_keys VALUES ('M')",
        "INSERT INTO platforms (platform_id, platform_type, display_name) VALUES ('kalshi', 'trading', 'Kalshi')",
        "INSERT INTO settlements (market_id, platform_id, outcome, payout) VALUES ('M', 'kalshi', 'yes', 10)",
    ):
        db_cursor.execute(statement)

    def make(version: str, count: int) -> None:
        db_cursor.execute(
            "INSERT INTO trades (market_id, platform_id, method_id, side, price, quantity, is_paper)"
            " SELECT 'M', 'kalshi', method_id, 'buy', 0.4, 10, true FROM methods, generate_series(1, %s)"
            " WHERE method_version = %s",
            (count, version),
        )

    return make


def test_a_method_goes_from_its_template_to_use(run: Run, paper_trades: Callable[[str, int], None]) -> None:
    created = run(*KELLY, "--set", "risk_config.kelly_fraction=0.18", "--by", "ann", "--notes", "first try")
    assert "created kelly@v1.0, a draft with the configs " in created.stdout
    assert "next: `precog methods test kelly@v1.0`" in created.stdout
    assert run("methods", "test", "kelly@v1.0").stdout == "kelly@v1.0 is testing; it may move to active, deprecated\n"

    early = run("methods", "activate", "kelly@v1.0")
    assert early.exit_code == 1
    assert "it has 0 of 10 paper trades" in early.stderr
    paper_trades("v1.0", 10)
    assert "kelly@v1.0 is active" in run("methods", "activate", "kelly@v1.0").stdout

    shown = run("methods", "show", "kelly@v1.0").stdout
    for line in ("kelly_fraction", "0.18", "trailing_stop.distance", "by ann", "first try", "150.00 %"):
        assert line in shown
    assert "is inactive" in run("methods", "deactivate", "kelly@v1.0").stdout
    assert run("methods", "deprecate", "kelly@v1.0").stdout == "kelly@v1.0 is deprecated\n"


def test_a_new_version_takes_the_place_of_the_old_one(run: Run, paper_trades: Callable[[str, int], None]) -> None:
    for version in ("v1.0", "v1.1"):
        run(*[f"kelly@{version}" if each == "kelly@v1.0" else each for each in KELLY])
        run("methods", "test", f"kelly@{version}")
        paper_trades(version, 10)
    run("methods", "activate", "kelly@v1.0")
    assert "deprecated kelly" not in run("methods", "activate", "kelly@v1.1", "--keep-older").stdout
    run("methods", "deactivate", "kelly@v1.1")
    assert "deprecated kelly@v1.0" in run("methods", "activate", "kelly@v1.1").stdout

    assert "kelly@v1.0" not in run("methods", "list").stdout
    assert "10 trades, ROI 150.00 %" in run("methods", "list").stdout
    every = json.loads(run("methods", "list", "--all", "--json").stdout)
    assert [(each["name"], each["status"], each["paper"]["roi"]) for each in every] == [
        ("kelly@v1.1", "active", "1.5000"), ("kelly@v1.0", "deprecated", "1.5000"),
    ]  # fmt: skip
    assert [each["name"] for each in json.loads(run("methods", "list", "--status", "active", "--json").stdout)] == [
        "kelly@v1.1"
    ]


def test_versions_are_compared_side_by_side(run: Run, paper_trades: Callable[[str, int], None]) -> None:
    run(*KELLY)
    run(*["kelly@v1.1" if each == "kelly@v1.0" else each for each in KELLY])
    for version in ("v1.0", "v1.1"):
        paper_trades(version, 3)
    pair = ("methods", "compare", "kelly@v1.0", "kelly@v1.1", "--paper", "--since", "2026-01-01")
    shown = run(*pair).stdout
    assert "Paper bets opened from 2026-01-01 00:00:00 UTC" in shown
    assert "100.00 % (20.65 % to 100.00 %)" in shown
    document = json.loads(run(*pair, "--json").stdout)
    assert [(each["method"], each["trades"], each["decided"]) for each in document["versions"]] == [
        ("kelly@v1.0", 3, 1), ("kelly@v1.1", 3, 1),
    ]  # fmt: skip


def test_a_method_with_the_same_configs_is_pointed_out(run: Run) -> None:
    run(*KELLY)
    twin = run(*["other@v1.0" if each == "kelly@v1.0" else each for each in KELLY])
    assert "kelly@v1.0 has the same strategy, model and configs" in twin.stdout


def test_everything_that_is_wrong_is_said_at_once(run: Run) -> None:
    ended = run(
        "methods", "create", "kelly", "--template", "wild", "--strategy", "a@v1.0", "--model", "test_model@v1.0",
        "--set", "risk_config.kelly_fraction=2",
    )  # fmt: skip
    assert ended.exit_code == 2
    for place in ("name:", "version:", "template: there is no 'wild'", "strategy: there is no strategy a@v1.0"):
        assert place in ended.stderr
    ended = run(*KELLY, "--set", "risk_config.kelly_fraction=2", "--set", "sport_config.minimum_volume.mlb=9")
    assert "risk_config.kelly_fraction: should be less than or equal to 1, not 2" in ended.stderr
    assert "sport_config.minimum_volume.mlb: the template has no such key" in ended.stderr
    assert run(*KELLY, "--set", "sport_config.minimum_volume.mlb=9", "--new-keys").exit_code == 0


def test_a_setting_that_cannot_be_read_is_said_with_how_it_is_written(run: Run) -> None:
    ended = run(
        *KELLY, "--set", "kelly=1", "--set", "risk_config.x=abc", "--set", "risk_config=1",
        "--set", "risk_config.a=1", "--set", "risk_config.a.b=1",
    )  # fmt: skip
    assert ended.exit_code == 2
    assert ended.stderr.count("is not written like risk_config.kelly_fraction=0.18") == 2
    assert """'abc' is no JSON; a text stands in double quotes: risk_config.x='"text"'""" in ended.stderr
    assert "risk_config.a.b: a is set to a value of its own" in ended.stderr


def test_export_and_import_through_a_file_and_through_a_pipe(
    run: Run, tmp_path: Path, db_cursor: psycopg2.extensions.cursor
) -> None:
    run(*KELLY)
    file = tmp_path / "kelly.json"
    assert run("methods", "export", "kelly@v1.0", "--to", file).stdout == f"written to {file}\n"
    assert run("methods", "export", "kelly@v1.0").stdout == file.read_text()
    assert run("methods", "import", file).stdout == "kelly@v1.0 is here already\n"
    db_cursor.execute("DELETE FROM methods")
    assert run("methods", "import", file).stdout == "imported kelly@v1.0 as a draft\n"
    file.write_bytes(b"\xff")
    assert "is no UTF-8 text" in run("methods", "import", file).stderr


def test_nothing_there_is_said_in_words_and_is_an_empty_list_in_json(run: Run) -> None:
    assert run("methods", "list").stdout == "No methods; --all shows deprecated ones.\n"
    assert run("methods", "list", "--json").stdout == "[]\n"


@pytest.mark.parametrize("command", ["show", "test", "activate", "deactivate", "deprecate", "export"])
def test_a_method_that_is_not_there_is_one_line_and_status_4(run: Run, command: str) -> None:
    ended = run("methods", command, "nothing@v1.0")
    assert (ended.exit_code, ended.stdout) == (4, "")
    assert ended.stderr.count("\n") == 1


def test_show_gives_everything_as_json(run: Run) -> None:
    run(*KELLY)
    document = json.loads(run("methods", "show", "kelly@v1.0", "--json").stdout)
    assert document["configs"]["risk_config"] == {"kelly_fraction": "0.2", "max_position_dollars": 750}
    assert (document["strategy"], document["live"]["trades"]) == ("test_strategy@v1.0", 0)


def test_the_guide_works_as_it_is_written(
    run: Run,
    paper_trades: Callable[[str, int], None],
    db_cursor: psycopg2.extensions.cursor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """docs/TRADING_METHODS.md, block by block, with paper trades between the first and the second."""
    monkeypatch.chdir(tmp_path)
    db_cursor.execute(
        "INSERT INTO strategies (strategy_name, strategy_version, config) VALUES ('momentum', 'v1.0', '{}');"
        " INSERT INTO probability_models (model_name, model_version, category, config)"
        " VALUES ('elo_nfl', 'v2.1', 'sports', '{}')"
    )
    written = [block.text.replace("\\\n", " ") for block in blocks(CHECKOUT / "docs/TRADING_METHODS.md")]
    assert len(written) == 3
    for number, block in enumerate(written):
        if number == 1:
            for version in ("v1.0", "v1.1"):
                paper_trades(version, 10)
        for line in block.splitlines():
            ended = run(*shlex.split(line)[1:])
            assert ended.exit_code == 0, f"{line}: {ended.stderr}"
    assert {each["name"]: each["status"] for each in json.loads(run("methods", "list", "--all", "--json").stdout)} == {
        "kelly_nfl@v1.0": "active",
        "kelly_nfl@v1.1": "deprecated",
    }
