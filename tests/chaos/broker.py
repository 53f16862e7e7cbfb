"""T2: Redis was never there, then hangs, then works: calls stay quick and everything is delivered."""

import time
from contextlib import suppress

import redis

from precog import queue
from precog.domain.alerts import Environment
from precog.recovery.duties import BATCH
from precog.recovery.process import FULL_QUEUE
from tests.chaos import invariants
from tests.chaos.facts import Call, gather
from tests.chaos.invariants import Finding
from tests.chaos.rig import Rig, rig
from tests.chaos.waiting import drain, measured_machine
from tests.e2e.world import worker_command
from tests.waiting import eventually

WORKERS = ("one", "two")


def without_redis(seed: int, *, alerts: int = 1_000, rate: float = 25) -> list[Finding]:
    """Half of the alerts while nothing listens, a quarter while it hangs, a quarter once it works."""
    del seed
    half, quarter = alerts // 2, alerts // 4
    with rig(redis_runs=False) as world, measured_machine() as lateness:
        world.keep({name: worker_command(name) for name in WORKERS})
        _log(world, "refused", half, rate)
        away = drain(world)
        world.redis.start()
        world.redis.pause()
        _log(world, "hung", quarter, rate)
        world.redis.resume()
        _log(world, "back", quarter, rate)
        longest = _longest_queue(world)
        back = drain(world)
        facts = gather(world)
        phases = {name: [call for call in facts.calls if call.component.startswith(name)] for name in _PHASES}
        return [
            *invariants.always(facts),
            invariants.bounded(facts, most=0),
            invariants.clear(facts),
            *[_quick(name, calls, lateness.of_a_call) for name, calls in phases.items()],
            Finding(
                invariant="backlog",
                figure=f"at most {longest} messages in a queue; done {away:.0f} s without and {back:.0f} s with Redis",
                holds=longest <= FULL_QUEUE + len(WORKERS) * BATCH,
            ),
        ]


_PHASES = {"refused": 0.25, "hung": 0.25, "back": 0.25}
"""What a call may take in each, in seconds."""


def _log(world: Rig, phase: str, count: int, rate: float) -> None:
    process = world.start(phase, *world.producer(phase, rate, count))
    eventually(lambda: process.exit_status is not None, count / rate + 120)


def _quick(name: str, calls: list[Call], machine: float) -> Finding:
    """Without each program's first call, which also reads the rules and connects."""
    return invariants.quick(calls[1:], seconds=_PHASES[name], machine=machine, invariant=f"quick, Redis {name}")


def _longest_queue(world: Rig, seconds: float = 5.0) -> int:
    """As long as the longest queue got in a while."""
    names = [queue.key_prefix(Environment.DEMO) + queue.queue_name(channel) for channel in queue.CHANNELS]
    longest, until = 0, time.monotonic() + seconds
    with redis.Redis.from_url(world.redis.url, socket_timeout=2) as client:
        while time.monotonic() < until:
            with suppress(redis.RedisError):
                longest = max(longest, *(int(client.llen(name)) for name in names))
            time.sleep(0.2)
    return longest
