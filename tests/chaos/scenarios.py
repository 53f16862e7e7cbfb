"""Every test of the suite by its name, as RELIABILITY has them, and the lane it runs in."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tests.chaos import broker, canaries, clocks, commits, disks, forks, shutdown, storm, texts
from tests.chaos.invariants import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    title: str
    run: Callable[..., list[Finding]]
    """Of the seed; further arguments say how much of it."""


SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        "storm": Scenario(title="T1 storm", run=storm.storm),
        "calm": Scenario(title="T1 without a fault", run=storm.calm),
        "patience": Scenario(title="T1 a slow outside", run=storm.patience),
        "broker": Scenario(title="T2 no Redis", run=broker.without_redis),
        "sms": Scenario(title="T3 SMS limits", run=texts.sms),
        "commits": Scenario(title="T4 lost commits", run=commits.commits),
        "clocks": Scenario(title="T5 wrong clocks", run=clocks.clocks),
        "disks": Scenario(title="T6 full disks", run=disks.disks),
        "forks": Scenario(title="T7 forks and threads", run=forks.forks),
        "callers": Scenario(title="T7 callers' transactions", run=forks.callers),
        "canaries": Scenario(title="T8 secrets", run=canaries.canaries),
        "shutdown": Scenario(title="T9 stopped in a send", run=shutdown.shutdown),
        "frozen": Scenario(title="T9 awake after the lease", run=shutdown.frozen),
    }
)


def findings(name: str, seed: int, **size: Any) -> list[Finding]:
    """What one test found. One that breaks off has found that it does not hold."""
    try:
        return SCENARIOS[name].run(seed, **size)
    except Exception as error:  # noqa: BLE001 - the other tests still have something to say
        said = f"{type(error).__name__}: {str(error)[:600]}"
        return [Finding(invariant="runs to its end", figure=said, holds=False)]


def timed(name: str, seed: int) -> tuple[list[Finding], float]:
    """The same, and the seconds it took."""
    began = time.monotonic()
    return findings(name, seed), time.monotonic() - began
