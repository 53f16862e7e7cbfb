"""Measures Precog against its floors: `make bench`, or `python -m benchmarks --help`."""

import argparse
import importlib.util
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import calls, imports, report, workers
from benchmarks.measure import FULL, QUICK, SMOKE, Extent, Row, Timings
from benchmarks.stage import Stage, open_stage

_EXTENTS = {"full": FULL, "quick": QUICK, "smoke": SMOKE}


def cases(stage: Stage, extent: Extent) -> dict[str, Callable[[], list[Row]]]:
    """By name, in the order in which they run."""
    return {
        "ring": lambda: calls.ringing(stage, extent),
        "threads": lambda: calls.throughput(stage, extent),
        "redis": lambda: calls.without_redis(stage, extent),
        "equals": lambda: calls.concurrent_equals(stage),
        "workers": lambda: workers.delivering(stage, extent),
        "end-to-end": lambda: workers.end_to_end(stage, extent),
        "import": lambda: imports.importing(extent),
    }


def measure(extent: Extent, only: set[str]) -> tuple[list[Row], dict[str, Timings], dict[str, str]]:
    with open_stage() as stage:
        on = report.machine(stage)
        _say("calls")
        rows, timings = calls.latencies(stage, extent)
        for name, case in cases(stage, extent).items():
            if not only or name in only:
                _say(name)
                rows += case()
    return sorted(rows, key=_by_line), timings, on


def _by_line(row: Row) -> tuple[int, str]:
    digits = row.target.line.rstrip("abc")
    return int(digits), row.target.line


def _say(name: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {name}", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--extent", choices=_EXTENTS, default="full", help="how long to measure (default: full)")
    parser.add_argument("--only", nargs="*", default=[], help="measure the calls and these cases")
    parser.add_argument("--into", type=Path, help="write result.json and performance.svg to this folder")
    given = parser.parse_args()
    logging.getLogger("precog").setLevel(logging.CRITICAL)  # a Redis that is away is part of the play
    rows, timings, on = measure(_EXTENTS[given.extent], set(given.only))
    report.show(rows, on, report.noise(timings))
    if given.into is not None:
        given.into.mkdir(parents=True, exist_ok=True)
        report.write(given.into / "result.json", rows, on, timings)
        _draw(given.into)
    return 0


def _draw(folder: Path) -> None:
    """With what the folder has of the other benchmarks."""
    if importlib.util.find_spec("matplotlib") is None:
        print("no picture: matplotlib is missing; install it with `pip install -e '.[bench]'`", file=sys.stderr)
        return
    from benchmarks.picture import draw

    draw(folder, folder / "performance.svg")


if __name__ == "__main__":
    sys.exit(main())
