"""Measuring two things beside each other: in turns, so that whatever the machine does meanwhile hits both."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.targets import TARGETS, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How big the runs are: `rounds` of `calls` each, and `deliveries` for a worker."""

    rounds: int
    calls: int
    deliveries: int


FULL = Extent(rounds=40, calls=100, deliveries=3000)
QUICK = Extent(rounds=12, calls=50, deliveries=600)
SMOKE = Extent(rounds=2, calls=5, deliveries=20)


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds, round by round."""

    rounds: tuple[tuple[float, ...], ...]

    @property
    def all(self) -> list[float]:
        return sorted(each for one in self.rounds for each in one)

    @property
    def medians(self) -> list[float]:
        return [statistics.median(one) for one in self.rounds]

    @property
    def p50(self) -> float:
        """The median of the rounds' medians."""
        return statistics.median(self.medians)

    def percentile(self, share: float) -> float:
        every = self.all
        return every[min(len(every) - 1, int(share * len(every)))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the result."""

    target: Target
    value: float
    low: float
    high: float
    """The least and the greatest of the rounds; the value itself where there is one round."""
    figures: str
    """What was measured, in units, ours before the floor's."""

    @property
    def verdict(self) -> str:
        if self.target.meets(self.value, self.target.aim):
            return "aim"
        return "must" if self.target.meets(self.value, self.target.must) else "missed"


def row(line: str, values: Sequence[float], figures: str) -> Row:
    """The median of what the rounds gave."""
    middle = statistics.median(values)
    return Row(target=TARGETS[line], value=middle, low=min(values), high=max(values), figures=figures)


def interleaved(calls: Mapping[str, Callable[[], object]], extent: Extent) -> dict[str, Timings]:
    """Each of `calls` in turns, a round of each before the next round of any."""
    rounds: dict[str, list[tuple[float, ...]]] = {name: [] for name in calls}
    for call in calls.values():
        _timed(call, extent.calls // 2)
    for _ in range(extent.rounds):
        for name, call in calls.items():
            rounds[name].append(_timed(call, extent.calls))
    return {name: Timings(tuple(each)) for name, each in rounds.items()}


def _timed(call: Callable[[], object], times: int) -> tuple[float, ...]:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return tuple(taken)


def quotients(ours: Timings, floor: Timings) -> list[float]:
    """Of the medians, round by round."""
    return [a / b for a, b in zip(ours.medians, floor.medians, strict=True)]


def microseconds(*seconds: float) -> str:
    return " / ".join(f"{each * 1e6:,.0f}" for each in seconds) + " us"
