"""`make bench` with a handful of calls: each case gives figures. No time is judged here."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.targets import TARGETS
from tests.documents import CHECKOUT

pytestmark = [pytest.mark.e2e, pytest.mark.long]


def test_the_benchmark_measures_each_line_of_the_calling_side(tmp_path: Path) -> None:
    cases = ("ring", "threads", "redis", "equals", "import")  # starting workers takes longer than all of these
    result = _measured("benchmarks", "--extent", "smoke", "--only", *cases, file=tmp_path / "result.json")

    lines = {each["line"]: each for each in result["lines"]}
    assert set(lines) == set(TARGETS) - {"9", "10a", "10b", "12"} - {line for line in TARGETS if line.startswith("11")}
    assert all(each["low"] <= each["value"] <= each["high"] and each["figures"] for each in lines.values())
    exact = {line: lines[line]["value"] for line in ("6c", "8a", "8b")}
    assert exact == {"6c": 0, "8a": 0, "8b": 0}
    assert {"machine", "PostgreSQL", "celery"} <= set(result["on"])


def test_growth_is_measured_as_curves_and_a_storm_tells_each_trouble_once(tmp_path: Path) -> None:
    cases = ("threads", "storm", "recipients", "memory", "churn", "backlog")  # not workers: ten of them take a minute
    result = _measured("benchmarks.growth", "--extent", "smoke", "--only", *cases, file=tmp_path / "growth.json")

    assert set(result["curves"]) == set(cases)
    for each in result["curves"].values():
        assert all(len(points) > 1 and all(y >= 0 for _, y in points) for points in each["series"].values()), each
    assert result["curves"]["storm"]["seen"]["stored and told"] == ["600", "500"]
    assert [each["line"] for each in result["lines"]] == ["12"]


def test_each_question_is_asked_at_each_table_size(tmp_path: Path) -> None:
    result = _measured(
        "benchmarks.table_size", "--rows", "2000", "4000", "--rounds", "1", file=tmp_path / "table-size.json"
    )

    assert {each["line"] for each in result["lines"]} == {line for line in TARGETS if line.startswith("11")}
    for points in result["curves"].values():
        assert [each["rows"] for each in points] == [2000, 4000]
        assert all(0 < each["p50_ms"] <= each["p99_ms"] for each in points)


def test_a_picture_is_drawn_of_what_was_measured(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    curve = {"x": "callers", "y": "alerts a second", "series": {"log_alert": [[1, 900.0], [8, 1200.0]]}}
    on = {"machine": "2 cores", "PostgreSQL": "18.6", "when": "2026-11-27T14:00:00+00:00"}
    (tmp_path / "growth.json").write_text(json.dumps({"on": on, "lines": [], "curves": {"threads": curve}}))
    subprocess.run([sys.executable, "-m", "benchmarks.picture", tmp_path, tmp_path / "p.svg"], cwd=CHECKOUT, check=True)

    assert "alerts a second" in (tmp_path / "p.svg").read_text()


def _measured(program: str, *arguments: str, file: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", program, *arguments, "--into", file.parent],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(file.read_text())
    return found
