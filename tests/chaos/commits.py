"""T4: the connection ends just before, or just after, the commit of a call, and the caller cannot tell which."""

import random

from tests.chaos import invariants
from tests.chaos.facts import gather
from tests.chaos.invariants import Finding
from tests.chaos.rig import rig
from tests.proxy import Cut, Moment
from tests.waiting import eventually

_FIRST = b"EXECUTE precog_alerts_lock"
"""What each try begins with, and no look at what stands already."""


def commits(seed: int, *, calls: int = 300) -> list[Finding]:
    """Every call is cut off once and tries again by itself: one row, one id, no error."""
    dice = random.Random(seed)
    with rig() as world:
        for _ in range(calls):
            moment = dice.choice((Moment.BEFORE, Moment.AFTER))
            world.postgres_door.cuts += [
                Cut(words=_FIRST, moment=moment),
                Cut(words=_FIRST, moment=Moment.NEVER),  # its second try
            ]
        caller = world.start("caller", *world.producer("caller", 60, calls))
        eventually(lambda: caller.exit_status is not None, 120)
        facts = gather(world)
        returned = sum(call.alert_id is not None for call in facts.calls)
        return [
            invariants.once(facts),
            invariants.stored(facts),
            invariants.clear(facts),
            Finding(
                invariant="certain",
                figure=f"{returned} of {calls} calls cut off once returned an id",
                holds=returned == calls and not world.postgres_door.cuts,
            ),
        ]
