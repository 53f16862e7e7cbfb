"""T9: workers that are asked to stop, and killed, in the middle of sends; and one that wakes up after its lease."""

import os
import random
import signal
import time
from contextlib import suppress

from psycopg2.extensions import make_dsn, parse_dsn

from tests.chaos import invariants
from tests.chaos.facts import gather
from tests.chaos.family import family, senders
from tests.chaos.invariants import Finding
from tests.chaos.receiver import Manner
from tests.chaos.rig import Rig, rig
from tests.chaos.waiting import drain
from tests.e2e.world import worker_command
from tests.proxy import proxy
from tests.waiting import eventually

ROUTES = {severity: ["webhook"] for severity in ("critical", "high", "medium", "low")}
_RUDE_AFTER_SECONDS = 0.5
"""Less than a send takes here."""


def shutdown(seed: int, *, polite: int = 12, rude: int = 6) -> list[Finding]:
    """`polite` times SIGTERM, `rude` times SIGTERM and soon SIGKILL, always in the middle of sends of a second."""
    dice = random.Random(seed)
    names = ("one", "two", "three")
    with rig(routes=ROUTES) as world:
        world.manners(webhook=Manner.SLOW)
        world.keep_workers(*names, of=["webhook"])
        caller = world.start("caller", *world.producer("caller", 5))
        for _ in range(polite):
            _stop(world, dice.choice(names))
        caller.stop()
        drain(world)
        before = gather(world).duplicates
        caller = world.start("second-caller", *world.producer("second-caller", 5))
        for _ in range(rude):
            _stop(world, dice.choice(names), kill_after=_RUDE_AFTER_SECONDS)
        caller.stop()
        world.manners()
        drain(world)
        facts = gather(world)
        return [
            *invariants.always(facts),
            Finding(
                invariant="polite",
                figure=f"{before} duplicates after {polite} SIGTERM in the middle of sends",
                holds=before == 0,
            ),
            invariants.bounded(facts, most=3 * rude),
        ]


def _stop(world: Rig, name: str, *, kill_after: float | None = None) -> None:
    """When it is in the middle of a send. The restart loop starts it again."""
    process = eventually(lambda: _busy(world, name), 60)
    os.kill(process, signal.SIGTERM)
    if kill_after is not None:
        time.sleep(kill_after)
        for pid in family(process):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    eventually(lambda: world.running[name].pid != process, 60)


def _busy(world: Rig, name: str) -> int:
    """The worker's process id, if one of its children is sending; 0 if none is."""
    pid = world.running[name].pid
    return pid if _sending(world, senders(pid)) else 0


def _sending(world: Rig, pids: list[int]) -> bool:
    rows = world.sql("SELECT leased_by FROM alert_deliveries WHERE status = 'sending'")
    return bool({int(leased.rpartition(":")[2]) for (leased,) in rows} & set(pids))


def frozen(seed: int) -> list[Finding]:
    """A worker is stopped between an acceptance and its being written down, and wakes up in another's try.

    What it then says about its own try is written down there and moves nothing else.
    """
    del seed
    with rig(routes=ROUTES) as world, proxy("127.0.0.1", int(parse_dsn(world.postgres.url)["port"])) as door:
        sleeper = world.start(
            "sleeper", *worker_command("sleeper"), DATABASE_URL=make_dsn(world.postgres.url, port=door.port)
        )
        world.wait_until_it_says("sleeper", "ready.")
        world.manners(webhook=Manner.GATED)
        caller = world.start("caller", *world.producer("caller", 1, 1))
        eventually(lambda: caller.exit_status is not None)
        eventually((world.folder / "taken").exists)
        door.flows.clear()
        (world.folder / "gate.1").write_text("200")
        eventually((world.folder / "accepted.jsonl").exists)
        asleep = family(sleeper.pid)
        _signal(asleep, signal.SIGSTOP)
        world.keep_workers("awake")
        eventually(lambda: (world.folder / "taken").read_text() == "2", 60)
        world.manners()
        door.flows.set()
        _signal(senders(sleeper.pid), signal.SIGCONT)  # its main process would end it at once: it is over its limit
        late = _says_it_was_late(world)
        (world.folder / "gate.2").write_text("503")
        _signal(asleep, signal.SIGCONT)
        drain(world)
        facts = gather(world)
        return [
            *invariants.always(facts),
            invariants.bounded(facts, most=1),
            Finding(
                invariant="late",
                figure=f"the sleeper {'said' if late else 'never said'} that its try was late",
                holds=late,
            ),
        ]


def _says_it_was_late(world: Rig) -> bool:
    """Within what the second try waits for its answer."""
    log, until = world.folder / "sleeper.log", time.monotonic() + 1.7
    while time.monotonic() < until:
        if "attempt finished" in log.read_text(errors="replace"):
            break
        time.sleep(0.02)
    return "attempt finished after its lease" in log.read_text(errors="replace")


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
