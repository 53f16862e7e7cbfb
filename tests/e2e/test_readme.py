"""What the documents tell people to type works, in the order in which they read it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from precog.domain.alerts import Environment
from precog.store import alerts
from tests.documents import CHECKOUT, GENERATED, RUNNABLE, Block, blocks, documents, name_of

pytestmark = [pytest.mark.e2e, pytest.mark.long]

PROGRAMS = {"sh": ("sh", "-euc"), "python": (sys.executable, "-c")}
assert PROGRAMS.keys() == RUNNABLE


def _to_run(document: Path) -> list[Block]:
    return [each for each in blocks(document) if each.language in RUNNABLE and not (each.not_run or each.run_by)]


README = CHECKOUT / "README.md"
OTHERS = [each for each in documents() if each != README and name_of(each) not in GENERATED and _to_run(each)]


@pytest.fixture
def desk(
    configured: None,
    program_url: str,
    database_url: str,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Where a person sits: a checkout with its environment, both servers up, every channel and the routes set up."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    shutil.copy(CHECKOUT / ".env.example", tmp_path)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / ".precog").mkdir()
    (tmp_path / ".precog/env").write_text(f"export DATABASE_URL='{program_url}'\nexport REDIS_URL='{redis_url}'\n")
    _run(PROGRAMS["sh"], f"PRECOG_OWNER_URL='{database_url}' precog config apply", tmp_path)
    return tmp_path


def _run(program: tuple[str, ...], text: str, place: Path) -> str:
    done = subprocess.run([*program, text], cwd=place, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{text}\nended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("document", OTHERS, ids=name_of)
def test_every_block_runs_in_the_order_in_which_it_is_read(document: Path, desk: Path) -> None:
    for block in _to_run(document):
        _run(PROGRAMS[block.language], block.text, desk)


def test_the_readme_leads_from_the_first_alert_to_its_end(desk: Path) -> None:
    every = _to_run(README)
    [program] = [block for block in every if block.language == "python"]
    commands = [block for block in every if block.language == "sh"]
    assert _run(PROGRAMS["python"], program.text, desk) == "stored as alert 1\n"
    assert _run(PROGRAMS["python"], program.text, desk) == "stored as alert 2\n"
    for block in commands:
        _run(PROGRAMS[block.language], block.text, desk)
    first, second = (alerts.get(alert_id, Environment.DEMO) for alert_id in (1, 2))
    assert (first["details"]["loss"], first["notify"]) == ("212.50", True)
    assert (second["duplicate_of"], second["notify"]) == (1, False), "run twice, it tells nobody twice"
    assert (first["acknowledged_notes"], first["resolution_action"]) == ("looking at it", "fixed")
