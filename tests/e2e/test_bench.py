"""`make bench` with a handful of calls: each case gives figures. No time is judged here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.targets import TARGETS
from tests.documents import CHECKOUT

pytestmark = [pytest.mark.e2e, pytest.mark.long]


def test_the_benchmark_measures_each_line_of_the_calling_side(tmp_path: Path) -> None:
    cases = ("ring", "threads", "redis", "equals", "import")  # starting workers takes longer than all of these
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--extent", "smoke", "--into", tmp_path, "--only", *cases],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "result.json").read_text())
    lines = {each["line"]: each for each in result["lines"]}
    assert set(lines) == set(TARGETS) - {"9", "10a", "10b"}
    assert all(each["low"] <= each["value"] <= each["high"] and each["figures"] for each in lines.values())
    exact = {line: lines[line]["value"] for line in ("6c", "8a", "8b")}
    assert exact == {"6c": 0, "8a": 0, "8b": 0}
    assert {"machine", "PostgreSQL", "celery"} <= set(result["on"])
