"""`python -m tests.chaos [--seed N] [--only NAME,...]`: the fault suite, `make chaos`.

Two lanes side by side, each in a process of its own: the storm in one, everything else in the other. Ends with 1 and
the names of what was broken if an invariant did not hold.
"""

import argparse
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.chaos import lanes
from tests.chaos.invariants import Finding
from tests.chaos.scenarios import SCENARIOS
from tests.chaos.table import broken, show

_IN_ORDER = (
    "storm", "broker", "sms", "commits", "clocks", "disks", "forks", "callers", "canaries", "frozen", "shutdown",
    "patience", "calm",
)  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    options.add_argument("--only", default=",".join(_IN_ORDER), help="names with commas between")
    given = options.parse_args()
    names = [name for name in _IN_ORDER if name in given.only.split(",")]
    if unknown := set(given.only.split(",")) - SCENARIOS.keys():
        options.error(f"there is no test {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
    print(f"seed {given.seed}", flush=True)
    began = time.monotonic()
    found, seconds = run(names, given.seed)
    show(found, seconds)
    wrong = broken(found)
    said = f"BROKEN: {'; '.join(wrong)}" if wrong else "every invariant held"
    print(f"seed {given.seed}, {time.monotonic() - began:.0f} s: {said}")
    sys.exit(1 if wrong else 0)


def run(names: Sequence[str], seed: int) -> tuple[dict[str, list[Finding]], dict[str, float]]:
    """What each test found and how long it took, two at a time."""
    found: dict[str, list[Finding]] = {}
    seconds: dict[str, float] = {}
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, spawned, initializer=lanes.end_with, initargs=(os.getpid(),)) as both:
        begun = {both.submit(lanes.run, name, seed): name for name in names}
        for done in as_completed(begun):
            name = begun[done]
            found[name], seconds[name] = done.result()
            wrong = [each.invariant for each in found[name] if each.holds is False]
            print(f"  {SCENARIOS[name].title}: {'BROKEN: ' + ', '.join(wrong) if wrong else 'held'}", flush=True)
    return {name: found[name] for name in names}, seconds


if __name__ == "__main__":
    main()
