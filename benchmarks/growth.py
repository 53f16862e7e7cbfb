"""What things cost as they grow: `make bench-growth`. Callers, workers, a backlog, recipients, a storm, and memory."""

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import callers, churn, curve, deliverers, report
from benchmarks.curve import Curve
from benchmarks.measure import Row, row
from benchmarks.stage import Stage, open_stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    seconds: float
    """Of each run with some threads."""
    rounds: int
    deliveries: int
    backlog: tuple[int, ...]
    mails: int
    storm: int
    memory: int
    """Deliveries of one child."""
    churn: int
    """Deliveries of which is looked what they leave in the tables."""


_SIZES = {
    "long": Size(
        seconds=4,
        rounds=3,
        deliveries=4000,
        backlog=(100, 1000, 10_000, 100_000),
        mails=1000,
        storm=100_000,
        memory=100_000,
        churn=200_000,
    ),
    "full": Size(
        seconds=3,
        rounds=2,
        deliveries=2000,
        backlog=(100, 1000, 10_000, 100_000),
        mails=1000,
        storm=100_000,
        memory=20_000,
        churn=10_000,
    ),
    "smoke": Size(seconds=0.1, rounds=1, deliveries=40, backlog=(100, 200), mails=10, storm=600, memory=40, churn=1000),
}


def measure(size: Size, only: set[str]) -> tuple[dict[str, Curve], list[Row], dict[str, str]]:
    found: dict[str, Curve] = {}
    rows: list[Row] = []
    with open_stage() as stage:
        on = report.machine(stage)
        for name, case in _cases(stage, size, rows).items():
            if not only or name in only:
                print(f"{time.strftime('%H:%M:%S')} {name}", file=sys.stderr, flush=True)
                found[name] = case()
                print("\n".join(curve.lines(name, found[name])), flush=True)
    return found, rows, on


def _cases(stage: Stage, size: Size, rows: list[Row]) -> dict[str, Callable[[], Curve]]:
    def memory() -> Curve:
        held, ratio = deliverers.memory(stage, size.memory)
        points = held.series["its child"]
        rows.append(row("12", [ratio], f"{points[-1][1]:.1f} / {points[0][1]:.1f} MB, {points[-1][0]:,.0f} deliveries"))
        return held

    return {
        "threads": lambda: callers.threads(stage, size.seconds, size.rounds),
        "storm": lambda: callers.storm(stage, size.storm),
        "workers": lambda: deliverers.workers(stage, size.deliveries),
        "recipients": lambda: deliverers.recipients(stage, size.mails),
        "memory": memory,
        "churn": lambda: churn.flow(stage, size.churn),
        "backlog": lambda: deliverers.due(stage, size.backlog),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--extent", choices=_SIZES, default="full", help="how much of each (default: full)")
    parser.add_argument("--only", nargs="*", default=[], help="measure these cases")
    parser.add_argument("--into", type=Path, help="write growth.json to this folder, beside what it has of other cases")
    given = parser.parse_args()
    logging.getLogger("precog").setLevel(logging.CRITICAL)
    found, rows, on = measure(_SIZES[given.extent], set(given.only))
    if rows:
        report.show(rows, on, "not told: no case here has a floor that it is divided by")
    if given.into is not None:
        _write(given.into, found, rows, on)
    return 0


def _write(folder: Path, found: Mapping[str, Curve], rows: Sequence[Row], on: Mapping[str, str]) -> None:
    """Beside what is there of other cases: the whole may be measured in parts."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "growth.json"
    before = json.loads(path.read_text()) if path.exists() else {"lines": [], "curves": {}}
    said = {
        "on": dict(on),
        "lines": [report.line(each) for each in rows] or before["lines"],
        "curves": before["curves"] | {name: each.as_json() for name, each in found.items()},
    }
    path.write_text(json.dumps(said, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
