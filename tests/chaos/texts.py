"""T3: far more SMS than the limits allow, while Redis forgets its counters twice a second and workers die."""

import os
import random
import signal
import time
from contextlib import suppress

import redis

from tests.chaos import invariants
from tests.chaos.facts import Facts, gather
from tests.chaos.family import family
from tests.chaos.invariants import Finding
from tests.chaos.receiver import Manner
from tests.chaos.rig import NUMBERS, Rig, rig
from tests.chaos.waiting import drain

ROUTES = {"critical": ["sms"], "high": ["sms"], "medium": ["webhook"], "low": ["webhook"]}


def sms(
    seed: int, *, alerts: int = 170, workers: int = 4, seconds: float = 20, only_slow: bool = False
) -> list[Finding]:
    """The limits as they are in production: five in an hour, twenty in a day, all numbers together.

    `only_slow`: the provider loses no answer. Five that are lost at the beginning would block the hour.
    """
    dice = random.Random(seed)
    manners = [*[Manner.SLOW] * 4, *([] if only_slow else [*[Manner.FORGETFUL] * 3, Manner.BROKEN])]
    names = [f"texter{number}" for number in range(workers)]
    with rig(routes=ROUTES) as world:
        world.manners(sms=Manner.SLOW)
        world.keep_workers(*names, of=["sms", "webhook", "slack", "email"])
        high = world.start("high", *world.producer("high", alerts / 5, alerts), PRODUCER_MIX="high=95,critical=5")
        began = time.monotonic()
        next_kill = began + 3
        while time.monotonic() - began < seconds:
            _flush(world)
            world.manners(sms=dice.choice(manners))
            if time.monotonic() > next_kill:
                next_kill += 4
                _kill(world.running[dice.choice(names)].pid)
            time.sleep(0.4)
        high.wait(60)
        world.manners()
        facts = _at_rest(world)
        return [
            invariants.sms(facts),
            *[each for each in invariants.always(facts) if each.invariant != "sms"],
            _stands_in(facts),
            Finding(
                invariant="held",
                figure=f"{_held(facts)} of {sum(each.channel == 'sms' for each in facts.deliveries)} SMS to"
                f" {len(NUMBERS)} numbers held",
                holds=_held(facts) > 0,
            ),
        ]


def _at_rest(world: Rig) -> Facts:
    """A look between two rounds: what is held while a try runs asks every few seconds anew whether it may go."""
    for _ in range(10):
        drain(world)
        facts = gather(world)
        if invariants.lost(facts).holds:
            break
    return facts


def _held(facts: Facts) -> int:
    return sum(each.status == "held" for each in facts.deliveries)


def _stands_in(facts: Facts) -> Finding:
    """A critical alert whose SMS is held reached its person over another channel."""
    critical = {alert.alert_id for alert in facts.alerts if alert.severity == "critical" and alert.notify}
    held = {
        each.alert_id for each in facts.deliveries if each.alert_id in critical and each.status in {"held", "failed"}
    }
    reached = {
        each.alert_id for each in facts.deliveries if each.channel != "sms" and facts.receipts.get(each.identity, 0)
    }
    silent = held - reached
    return Finding(
        invariant="stand-in",
        figure=f"{len(silent)} of {len(held)} critical alerts with a held SMS told nobody",
        holds=not silent,
        examples=tuple(str(each) for each in sorted(silent)[:5]),
    )


def _flush(world: Rig) -> None:
    with suppress(redis.RedisError), redis.Redis.from_url(world.redis.url, socket_timeout=1) as client:
        client.flushall()


def _kill(pid: int) -> None:
    for each in family(pid):
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
