"""What `import precog` costs a program that has psycopg2 and Celery anyway: line 13."""

import statistics
import subprocess
import sys

from benchmarks.measure import Extent, Row, row

_OURS, _THEIRS = "import precog", "import psycopg2, celery"
_FIRST_USE, _FIRST_USE_OF_THEIRS = "from precog import log_alert", "import psycopg2, redis; from celery import Celery"


def importing(extent: Extent) -> list[Row]:
    """Interpreters of their own, in turns. The first use of `log_alert` is told beside it: it loads what it needs."""
    taken: dict[str, list[float]] = {each: [] for each in (_OURS, _THEIRS, _FIRST_USE, _FIRST_USE_OF_THEIRS)}
    for _ in range(max(2, extent.rounds // 4)):
        for program, times in taken.items():
            times.append(_seconds(program))
    ours, theirs, first, first_of_theirs = (statistics.median(each) * 1000 for each in taken.values())
    figures = f"{ours:.0f} / {theirs:.0f} ms; with log_alert {first:.0f}, with Celery and redis {first_of_theirs:.0f}"
    return [row("13", [a / b for a, b in zip(taken[_OURS], taken[_THEIRS], strict=True)], figures)]


def _seconds(imports: str) -> float:
    """Without the interpreter's own start."""
    timed = f"import time; began = time.perf_counter(); {imports}; print(time.perf_counter() - began)"
    done = subprocess.run([sys.executable, "-c", timed], check=True, capture_output=True, text=True)
    return float(done.stdout)
