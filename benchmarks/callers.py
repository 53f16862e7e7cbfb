"""The calling side as it grows: more threads, and a storm."""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import psycopg2

from benchmarks import alert, floors, processor, waits
from benchmarks.alert import DETAILS, MESSAGE
from benchmarks.curve import Curve
from benchmarks.stage import Stage
from precog import log_alert
from precog.domain.alerts import Environment
from precog.store import alerts

THREADS = (1, 2, 4, 8)
FINGERPRINTS = 500
_STORMING = 4
"""Threads that raise the storm."""
_SLICES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    per_second: float
    client_us: float
    """Processor time of this process, a call."""
    server_us: float
    waits: str


def threads(stage: Stage, seconds: float, rounds: int) -> Curve:
    """Alerts for four channels from one to eight threads, and the bare statement that holds the same rows."""
    floors.make_tables(stage.database_url)
    bare = [floors.bare_cte(stage.database_url) for _ in range(max(THREADS))]
    ours: dict[int, list[_Run]] = {count: [] for count in THREADS}
    floor: dict[int, list[_Run]] = {count: [] for count in THREADS}
    for _ in range(rounds):
        for count in THREADS:
            ours[count].append(_together(stage, [alert.log] * count, seconds))
            floor[count].append(_together(stage, bare[:count], seconds))
    return Curve(
        title="log_alert with four channels from several threads",
        x="threads",
        y="alerts a second",
        series={"log_alert": _rates(ours), "the bare rows": _rates(floor)},
        seen={
            "processor us a call, client + server": [_costs(runs[-1]) for runs in ours.values()],
            "the same of the bare rows": [_costs(runs[-1]) for runs in floor.values()],
            "waited for": [runs[-1].waits for runs in ours.values()],
        },
    )


def _rates(runs: dict[int, list[_Run]]) -> list[tuple[float, float]]:
    return [(count, median(each.per_second for each in some)) for count, some in runs.items()]


def _costs(run: _Run) -> str:
    return f"{run.client_us:,.0f} + {run.server_us:,.0f}"


def _together(stage: Stage, calls: Sequence[Callable[[], object]], seconds: float) -> _Run:
    """Each again and again in a thread of its own."""
    begin, until = threading.Barrier(len(calls) + 1), [0.0]

    def again(call: Callable[[], object]) -> int:
        call()
        begin.wait()  # all have their connections
        begin.wait()
        done = 0
        while time.perf_counter() < until[0]:
            call()
            done += 1
        return done

    with ThreadPoolExecutor(len(calls)) as pool, waits.watched(stage.database_url) as waited:
        running = [pool.submit(again, call) for call in calls]
        begin.wait()
        server = [processor.postgres(stage.database_url)]
        used, client, began = processor.seconds_of(server), time.process_time(), time.perf_counter()
        until[0] = began + seconds
        begin.wait()
        done = sum(each.result() for each in running)
        taken, client = time.perf_counter() - began, time.process_time() - client
        used = processor.seconds_of(server) - used
    return _Run(per_second=done / taken, client_us=client / done * 1e6, server_us=used / done * 1e6, waits=str(waited))


def storm(stage: Stage, calls: int) -> Curve:
    """So many alerts of five hundred fingerprints as fast as four threads can. Raises unless each is told once."""
    numbers, lock = iter(range(calls)), threading.Lock()
    moments: dict[int, float] = {}
    memory: list[tuple[float, float]] = []

    def raise_some() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            log_alert("rapid_loss", "high", "storm", MESSAGE, DETAILS, key_details={"trouble": number % FINGERPRINTS})
            if number in marks:
                moments[number] = time.perf_counter()
                memory.append((number, processor.resident_mb(os.getpid())))

    marks = {calls // 100, *range(0, calls, calls // _SLICES), calls - 1}
    with ThreadPoolExecutor(_STORMING) as pool:
        for each in [pool.submit(raise_some) for _ in range(_STORMING)]:
            each.result()
    stored, told = _counted(stage)
    expected = min(calls, FINGERPRINTS)
    if (stored, told) != (calls, expected):
        raise RuntimeError(f"of {calls} calls {stored} are stored and {told} told, in place of {expected}")
    return Curve(
        title=f"a storm of {calls:,} alerts of {expected} fingerprints, {_STORMING} threads",
        x="alerts stored",
        y="alerts a second; MB",
        series={"alerts a second": _by_slice(moments, calls // _SLICES), "caller's memory, MB": memory},
        seen={
            "stored and told": [f"{stored:,}", f"{told:,}"],
            "newest 100 open afterwards, ms": [f"{_list_ms():.1f}"],
        },
    )


def _by_slice(moments: Mapping[int, float], size: int) -> list[tuple[float, float]]:
    """From each tenth of the calls to the next, by when the call of that number came back."""
    ends = sorted(number for number in moments if number % size == 0)
    return [(end, size / (moments[end] - moments[begin])) for begin, end in pairwise(ends)]


def _counted(stage: Stage) -> tuple[int, int]:
    with closing(psycopg2.connect(stage.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(*) FILTER (WHERE notify) FROM alerts WHERE component = 'storm'")
        [(stored, told)] = cursor.fetchall()
        return stored, told


def _list_ms() -> float:
    """With the number of duplicates that each stands for."""
    taken = []
    for _ in range(20):
        began = time.perf_counter()
        alerts.unresolved(Environment.DEMO, component="storm", most=100)
        taken.append(time.perf_counter() - began)
    return median(taken) * 1000
