"""T5: workers whose clocks are an hour ahead, an hour behind and a day ahead deliver as everybody else does."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.chaos import invariants
from tests.chaos.facts import gather
from tests.chaos.invariants import Finding
from tests.chaos.rig import rig
from tests.chaos.waiting import drain
from tests.e2e.world import worker_command
from tests.waiting import eventually

CLOCKS = {"ahead": "+1h", "behind": "-1h", "tomorrow": "+1d"}
_PRELOADED = "faketime/libfaketime.so.1"


def clocks(seed: int, *, alerts: int = 150) -> list[Finding]:
    del seed
    library = next((each for each in Path("/usr/lib").rglob(_PRELOADED)), None)
    if library is None:
        why = "not run: no libfaketime here (Debian and Ubuntu: apt-get install faketime)"
        return [Finding(invariant="clocks", figure=why, holds=None)]
    with rig() as world:
        began = datetime.now(UTC)
        for name, shift in CLOCKS.items():
            # Only what a clock on the wall says: the monotonic one, by which timeouts run, cannot be set wrong.
            fake = {"LD_PRELOAD": str(library), "FAKETIME": shift, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
            world.start(name, *worker_command(name), **fake)
        for name in CLOCKS:
            world.wait_until_it_says(name, "ready.")
        caller = world.start("caller", *world.producer("caller", 30, alerts))
        eventually(lambda: caller.exit_status is not None, 120)
        drain(world)
        facts = gather(world)
        ended = datetime.now(UTC) + timedelta(seconds=1)
        moments = [moment for each in facts.attempts for moment in (each.started_at, each.finished_at) if moment]
        strange = [each for each in moments if not began <= each <= ended]
        senders = {worker for (worker,) in world.sql("SELECT DISTINCT worker FROM alert_delivery_attempts")}
        return [
            *invariants.always(facts),
            invariants.bounded(facts, most=0),
            Finding(
                invariant="clocks",
                figure=f"{len(strange)} of {len(moments)} times are not the database's, from {len(senders)} processes",
                holds=not strange,
            ),
        ]
