"""T7: a program that forked after use, with threads; equals at once; and callers' transactions in opposite order."""

import json
import sys

from tests.chaos import invariants
from tests.chaos.facts import gather
from tests.chaos.invariants import Finding
from tests.chaos.rig import Rig, rig
from tests.chaos.waiting import drain, measured_machine
from tests.waiting import eventually

WORKERS = ("one",)
ROUTES = {"critical": ["webhook"], "high": ["webhook"], "medium": ["webhook"], "low": []}
"""What the forks log goes to nobody: it is the storing that is tried."""


def forks(seed: int, *, children: int = 20, each: int = 50, rounds: int = 8) -> list[Finding]:
    del seed
    with rig(routes=ROUTES) as world, measured_machine() as lateness:
        world.keep_workers(*WORKERS)
        _run(world, "fork", children, each)
        _run(world, "equal", rounds)
        drain(world)
        facts = gather(world)
        equals = world.sql(
            "SELECT count(*) FILTER (WHERE notify), count(*) FROM alerts"
            " WHERE component LIKE 'equal-%' GROUP BY component"
        )
        forked = [call for call in facts.calls if call.component.startswith("fork")]
        return [
            *invariants.always(facts),
            invariants.bounded(facts, most=0),
            invariants.clear(facts),
            Finding(
                invariant="whole",
                figure=f"{len(forked)} calls from {children} forks and 40 threads, of {children * each + 40 * each}",
                holds=len(forked) == children * each + 40 * each and all(call.alert_id for call in forked),
            ),
            Finding(
                invariant="dedup",
                figure=f"{sum(row[0] for row in equals)} of {sum(row[1] for row in equals):,} alerts notified,"
                f" {rounds} times 200 equals at once",
                holds=equals == [(1, 200)] * rounds,
                examples=tuple(map(str, equals)),
            ),
            invariants.quick(forked, seconds=3.0, machine=lateness.of_a_call),
        ]


def callers(seed: int, *, pairs: int = 10) -> list[Finding]:
    """Two transactions log two alerts in opposite order before either commits: neither waits for the other."""
    del seed
    with rig() as world:
        world.keep_workers(*WORKERS)
        _run(world, "callers", pairs)
        drain(world)
        told = [json.loads(line) for line in (world.folder / "callers.jsonl").read_text().splitlines()]
        wrong = [each["error"] for each in told if each["error"]]
        rows = world.sql("SELECT component, count(*) FILTER (WHERE notify), count(*) FROM alerts GROUP BY component")
        unequal = [row for row in rows if row[1:] != (1, 2)]
        return [
            Finding(
                invariant="callers",
                figure=f"{len(wrong)} of {len(told)} transactions waited for another or were ended by it",
                holds=not wrong and len(told) == 2 * pairs,
                examples=tuple(wrong[:5]),
            ),
            Finding(
                invariant="dedup",
                figure=f"{len(unequal)} of {2 * pairs} pairs of equals not stored twice and notified once",
                holds=not unequal and len(rows) == 2 * pairs,
                examples=tuple(map(str, unequal[:5])),
            ),
        ]


def _run(world: Rig, what: str, *numbers: int) -> None:
    argv = (sys.executable, "-m", "tests.chaos.forker", what, str(world.folder), *map(str, numbers))
    process = world.start(what, *argv)
    eventually(lambda: process.exit_status is not None, 120)
