"""T1: trading programs log alerts while everything around them dies, stops, forgets and lies, once a second."""

import random
import time
from collections import Counter

from precog.store.calls import LOG_SECONDS
from precog.store.deliveries import UNRING_SECONDS
from tests.chaos import invariants
from tests.chaos.facts import gather
from tests.chaos.faults import Storm
from tests.chaos.invariants import Finding
from tests.chaos.leaks import growth, leaks, memory
from tests.chaos.receiver import Manner
from tests.chaos.rig import Rig, rig
from tests.chaos.waiting import drain, measured_machine, undone
from tests.waiting import eventually

WORKERS = ("one", "two")
PRODUCERS = ("a", "b", "c", "d")
_AFTERWARDS_SECONDS = UNRING_SECONDS
"""Behind PostgreSQL's time: a line in the journal, or the note that a ring failed."""
_SHARE = 0.4
"""Of what the machine can do. Workers that are started again cost it more than what they deliver."""


def calm(seed: int, *, alerts: int = 2_500, rate: float = 45) -> list[Finding]:
    """No fault at all: nothing comes twice, and the call is quick."""
    del seed
    with rig() as world, measured_machine() as lateness:
        world.keep_workers(*WORKERS)
        _log(world, "warm", alerts // 5, rate)
        warm = memory(world, WORKERS)
        began = time.monotonic()
        _log(world, "calm", alerts - alerts // 5, rate)
        seconds = time.monotonic() - began
        facts = gather(world)
        return [
            *invariants.always(facts),
            invariants.bounded(facts, most=0),
            invariants.quick(facts.calls, seconds=0.05, machine=lateness.of_a_call),
            leaks(world, WORKERS),
            growth(warm, memory(world, WORKERS)),
            Finding(
                invariant="pace",
                figure=f"{len(facts.deliveries) * 0.8 / seconds:.0f} deliveries a second of {len(facts.deliveries):,}",
                holds=True,
            ),
        ]


def _log(world: Rig, name: str, alerts: int, rate: float) -> None:
    """From four programs, until all of it is delivered."""
    each = alerts // len(PRODUCERS)
    running = [
        world.start(f"{name}-{letter}", *world.producer(f"{name}-{letter}", rate / len(PRODUCERS), each))
        for letter in PRODUCERS
    ]
    eventually(lambda: all(process.exit_status is not None for process in running), alerts / rate + 120)
    drain(world)


def patience(seed: int, *, alerts: int = 40) -> list[Finding]:
    """The outside takes a second for each message: nobody takes a send over that is still going on."""
    del seed
    with rig() as world:
        world.manners(email=Manner.SLOW, slack=Manner.SLOW, webhook=Manner.SLOW)
        world.keep_workers(*WORKERS)
        caller = world.start("caller", *world.producer("caller", 10, alerts))
        eventually(lambda: caller.exit_status is not None, 60)
        drain(world)
        facts = gather(world)
        return [*invariants.always(facts), invariants.bounded(facts, most=0)]


def storm(seed: int, *, seconds: float = 130) -> list[Finding]:
    """As many alerts as leave this machine room for what the faults cost it: 45 a second where it can."""
    with rig() as world, measured_machine() as lateness:
        world.keep_workers(*WORKERS)
        rate = min(45.0, _SHARE * _pace(world))
        programs = world.keep({name: world.producer(name, rate / len(PRODUCERS)) for name in PRODUCERS})
        eventually(lambda: undone(world) > 0)
        blown = Storm(rig=world, dice=random.Random(seed), workers=WORKERS, producers=PRODUCERS)
        blown.blow(seconds)
        programs.close()
        calmed = time.monotonic()
        before = _acceptances(world)
        eventually(lambda: _acceptances(world) > before or undone(world) == 0, 60)
        first = time.monotonic() - calmed
        drained = drain(world)
        facts = gather(world)
        unanswered = sum(not each.answered for each in facts.acceptances)
        return [
            *invariants.always(facts),
            invariants.bounded(facts, most=blown.may_repeat + unanswered),
            invariants.quick(facts.calls, seconds=LOG_SECONDS + _AFTERWARDS_SECONDS, machine=lateness.of_a_call),
            invariants.clear(facts),
            leaks(world, WORKERS),
            Finding(
                invariant="recovery",
                figure=f"first send {first:.1f} s after the last fault, all done {drained:.0f} s after",
                holds=first <= 10 + lateness.of_a_call and undone(world) == 0,
            ),
            Finding(
                invariant="pace", figure=f"{rate:.1f} alerts a second, {len(facts.deliveries):,} deliveries", holds=True
            ),
            Finding(invariant="faults", figure=_told(blown.happened), holds=True),
        ]


def _pace(world: Rig, alerts: int = 240) -> float:
    """Alerts a second that are stored and delivered here when nothing is wrong, once all workers are at work."""
    _log(world, "warm", 40, 1000)
    began = time.monotonic()
    _log(world, "pace", alerts, 1000)
    return alerts / (time.monotonic() - began)


def _acceptances(world: Rig) -> int:
    file = world.folder / "accepted.jsonl"
    return file.read_bytes().count(b"\n") if file.exists() else 0


def _told(happened: list[str]) -> str:
    return f"{len(happened)}: " + ", ".join(f"{count} {name}" for name, count in Counter(happened).most_common())
