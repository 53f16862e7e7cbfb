"""The calling side: lines 1 to 8 of the targets."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from statistics import median
from uuid import uuid4

import psycopg2

from benchmarks import alert, floors, naive
from benchmarks.measure import Extent, Row, Timings, interleaved, microseconds, quotients, row
from benchmarks.stage import CHANNELS, Stage
from precog import log_alert, queue
from precog.domain.deliveries import Doorbell
from precog.localstack.server import free_port

THREADS = 8
EQUALS = 200


def latencies(stage: Stage, extent: Extent) -> tuple[list[Row], dict[str, Timings]]:
    """One call after the other."""
    floors.make_tables(stage.database_url)
    naive.make_table(stage.database_url)
    alert.log(same=True)
    found = interleaved(
        {
            "INSERT and COMMIT": floors.bare_insert(stage.database_url),
            "lock, anchor and row": floors.bare_duplicate(stage.database_url),
            "without channels": partial(alert.log, notify=False),
            "a duplicate": partial(alert.log, same=True),
            "four channels": alert.log,
        },
        extent,
    )
    floor, least, nobody, duplicate, four = found.values()
    slow = [each.percentile(0.99) for each in (four, floor)]
    rows = [
        row("1", quotients(four, floor), microseconds(four.p50, floor.p50)),
        row("2", [slow[0] / slow[1]], microseconds(*slow)),
        row("3", quotients(nobody, floor), microseconds(nobody.p50, floor.p50)),
        row(
            "7",
            quotients(duplicate, floor),
            f"{microseconds(duplicate.p50, floor.p50)}; {microseconds(least.p50)} lock, anchor and row alone",
        ),
    ]
    plain = interleaved({"naive": naive.log}, Extent(rounds=2, calls=extent.calls, deliveries=0))
    return rows, found | plain


def ringing(stage: Stage, extent: Extent) -> list[Row]:
    """Four deliveries told of, ours in one round trip."""
    bells = [Doorbell(delivery_id=str(uuid4()), channel=channel) for channel in CHANNELS]

    def ring() -> None:
        if not queue.ring(bells):
            raise RuntimeError("the ring failed, so its time means nothing")

    found = interleaved({"ring": ring, "apply_async": floors.four_apply_async(stage.redis_url)}, extent)
    ours, celery = found.values()
    return [row("4", quotients(ours, celery), microseconds(ours.p50, celery.p50))]


def throughput(stage: Stage, extent: Extent) -> list[Row]:
    """Eight threads at once, the floors' each on a connection of its own."""
    floors_of = {
        line: [floors.bare_cte(stage.database_url, planned_once=once) for _ in range(THREADS)]
        for line, once in (("5a", False), ("5b", True))
    }
    ours: list[float] = []
    bare: dict[str, list[float]] = {line: [] for line in floors_of}
    seconds = extent.calls / 100
    for _ in range(max(3, extent.rounds // 4)):
        ours.append(_per_second([alert.log] * THREADS, seconds))
        for line, inserts in floors_of.items():
            bare[line].append(_per_second(inserts, seconds))
    return [
        row(
            line,
            [a / b for a, b in zip(ours, rates, strict=True)],
            f"{median(ours):,.0f} / {median(rates):,.0f} a second",
        )
        for line, rates in bare.items()
    ]


def _per_second(calls: list[Callable[[], object]], seconds: float) -> float:
    """How often they are called in all, each in a thread of its own."""
    begin = threading.Barrier(len(calls) + 1)
    until = [0.0]

    def again_and_again(call: Callable[[], object]) -> int:
        call()
        begin.wait()
        done = 0
        while time.perf_counter() < until[0]:
            call()
            done += 1
        return done

    with ThreadPoolExecutor(len(calls)) as threads:
        running = [threads.submit(again_and_again, call) for call in calls]
        until[0] = time.perf_counter() + seconds
        begin.wait()
        began = time.perf_counter()
        done = sum(each.result() for each in running)
        return done / (time.perf_counter() - began)


def without_redis(stage: Stage, extent: Extent) -> list[Row]:
    """As an outage is: the first ring fails, then none is tried for a while, and every alert is stored."""
    before, calls = _alerts(stage), 0
    with _hung() as hung:
        addresses = {"normal": stage.redis_url, "refused": f"redis://127.0.0.1:{free_port()}/0", "hung": hung}
        medians: dict[str, list[float]] = {name: [] for name in addresses}
        for _ in range(max(2, extent.rounds // 2)):
            for name, address in addresses.items():
                os.environ["REDIS_URL"] = address
                queue.reset()
                found = interleaved({name: alert.log}, Extent(rounds=1, calls=extent.calls, deliveries=0))
                medians[name].append(found[name].p50)
                calls += extent.calls + extent.calls // 2
    os.environ["REDIS_URL"] = stage.redis_url
    queue.reset()
    return [
        *(
            row(
                line,
                [a / b for a, b in zip(medians[name], medians["normal"], strict=True)],
                microseconds(*(sorted(medians[each])[len(medians[each]) // 2] for each in (name, "normal"))),
            )
            for line, name in (("6a", "refused"), ("6b", "hung"))
        ),
        row("6c", [calls - (_alerts(stage) - before)], f"{calls} calls"),
    ]


@contextmanager
def _hung() -> Iterator[str]:
    """A Redis that takes connections and answers nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def _alerts(stage: Stage, condition: str = "true") -> int:
    with closing(psycopg2.connect(stage.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM alerts WHERE {condition}")
        [(found,)] = cursor.fetchall()
        return int(found)


def concurrent_equals(stage: Stage) -> list[Row]:
    """Two hundred threads call at once with the same trouble."""
    begin = threading.Barrier(EQUALS)
    key = str(uuid4())

    def call() -> Exception | None:
        begin.wait()
        try:
            log_alert("rapid_loss", "critical", "equals", key, key_details={"key": key})
        except Exception as error:  # noqa: BLE001 - counted
            return error
        return None

    began = time.perf_counter()
    with ThreadPoolExecutor(EQUALS) as threads:
        errors = [each for each in threads.map(lambda _: call(), range(EQUALS)) if each is not None]
    seconds = time.perf_counter() - began
    told = _alerts(stage, "component = 'equals' AND notify")
    return [
        row("8a", [abs(told - 1)], f"{told} notified in {seconds:.2f} s"),
        row("8b", [len(errors)], "; ".join({repr(each) for each in errors}) or "none"),
    ]
