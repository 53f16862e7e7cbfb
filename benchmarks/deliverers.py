"""The delivering side as it grows: more workers, a longer backlog, more recipients of one alert, more deliveries."""

import logging
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from statistics import median
from uuid import UUID

import psycopg2
from redis import Redis

from benchmarks import backlog, crew, processor
from benchmarks.curve import Curve
from benchmarks.stage import Stage
from precog import log_alert
from precog.channels.registry import KINDS
from precog.courier import Courier, open_courier
from precog.delivery import deliver
from precog.domain.alerts import Environment
from precog.localstack.mailbox import Mailbox
from precog.pacing import SmsLimits
from precog.recovery import duties
from precog.settings.load import load_settings
from precog.store import attempts, health, upkeep

WORKERS = (1, 2, 3, 4)
_WARM = 50
"""Deliveries a process, before those that are measured."""
_ONE_CHILD = ("--max-tasks-per-child", "1000000000", "--max-memory-per-child", "1000000000")
RECIPIENTS = (1, 10, 100, 1000)
_DEMO = Environment.DEMO


def let_nothing_wait(stage: Stage) -> None:
    """What other cases have left to deliver is not what is measured next."""
    with closing(psycopg2.connect(stage.database_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE alert_deliveries SET status = 'cancelled', finished_at = now(), lease_until = NULL,"
            " leased_by = NULL WHERE status IN ('pending', 'sending')"
        )
    with Redis.from_url(stage.redis_url) as redis:
        redis.flushall()


def workers(stage: Stage, count: int) -> Curve:
    """So many webhook deliveries that wait, worked off by one to four workers of two processes each."""
    rates, costs = [], []
    with crew.receiving(stage) as (receipts, receiver):
        for number in WORKERS:
            let_nothing_wait(stage)
            with crew.working(stage, number) as started:
                _deliver(stage, receipts, _WARM * 2 * number)
                groups = _groups(stage, [each.pid for each in started], receiver.pid)
                used = {name: processor.seconds_of(pids) for name, pids in groups.items()}
                began = time.monotonic()
                moments = _deliver(stage, receipts, count)
                spent = {name: processor.seconds_of(pids) - used[name] for name, pids in groups.items()}
                wall = time.monotonic() - began
            rates.append((number, (count - 1) / (moments[-1] - moments[-count])))
            busy = sum(spent.values()) / wall
            said = ", ".join(f"{name} {1e6 * seconds / count:,.0f}" for name, seconds in spent.items())
            costs.append(f"{said}; {busy:.1f} of {os.cpu_count()} processors")
    return Curve(
        title="webhook deliveries by workers of two processes each",
        x="workers",
        y="deliveries a second",
        series={"deliveries a second": rates},
        seen={"processor us a delivery": costs},
    )


def _groups(stage: Stage, worker_pids: list[int], receiver_pid: int) -> dict[str, list[int]]:
    with Redis.from_url(stage.redis_url) as redis:
        redis_pid = int(redis.info("server")["process_id"])
    return {
        "workers": worker_pids,
        "PostgreSQL": [processor.postgres(stage.database_url)],
        "Redis": [redis_pid],
        "receiver": [receiver_pid],
    }


def _deliver(stage: Stage, receipts: crew.Receipts, count: int) -> list[float]:
    """Write and ring them, and wait until they came."""
    already = len(receipts.moments)
    backlog.ring(backlog.write(stage.database_url, count))
    return receipts.wait_for(already + count)


def due(stage: Stage, sizes: Sequence[int]) -> Curve:
    """What a claim, a beat of recovery and a look at the health cost while so many deliveries wait."""
    let_nothing_wait(stage)
    ours, dice = courier(), random.Random(7)
    waiting: list[UUID] = []
    series: dict[str, list[tuple[float, float]]] = {}
    for size in sizes:
        waiting += backlog.write(stage.database_url, size - len(waiting))
        backlog.analyze(stage.database_url)
        some = iter(dice.sample(waiting, 100))
        asked: dict[str, Callable[[], object]] = {
            "claim": lambda some=some: attempts.claim(next(some), "webhook", ours.terms),  # type: ignore[misc]
            "recovery finds what is due": _due,
            "recovery heals": lambda: duties.heal(ours),
            "health": lambda: health.figures(_DEMO, SmsLimits(per_hour=5, per_day=20, reserved_for_critical=2)),
        }
        for name, ask in asked.items():
            series.setdefault(name, []).append((size, _ms(ask, 50 if name == "claim" else 10)))
    return Curve(
        title="one of each while deliveries wait", x="deliveries that wait", y="milliseconds, median", series=series
    )


def _due() -> object:
    """Those that nobody was told of for no time at all, so that all of them are."""
    return upkeep.due(_DEMO, not_channels=(), again_after_seconds=0.0, most=duties.BATCH)


def _ms(ask: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - began)
    return median(taken) * 1000


def recipients(stage: Stage, total: int) -> Curve:
    """The same number of mails, as many alerts for one mailbox or as few alerts for up to a thousand."""
    calls, sends = [], []
    box = Mailbox()
    try:
        ours = _courier_to(box)
        for number in (each for each in RECIPIENTS if each <= total):
            let_nothing_wait(stage)
            with _mailed_to(stage, number):
                call_ms, due = _raised(stage, total // number, str(number))
            calls.append((number, call_ms))
            began = time.perf_counter()
            for delivery_id in due:
                if deliver(ours, "email", delivery_id) is None:
                    raise RuntimeError(f"delivery {delivery_id} was not due, so its time means nothing")
            sends.append((number, (time.perf_counter() - began) * 1000 / len(due)))
    finally:
        box.close()
    return Curve(
        title=f"{total:,} mails to so many recipients each",
        x="recipients of an alert",
        y="milliseconds",
        series={"log_alert": calls, "a delivery": sends},
    )


@contextmanager
def _mailed_to(stage: Stage, number: int) -> Iterator[None]:
    with closing(psycopg2.connect(stage.database_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(
            "INSERT INTO alert_routes (environment, severity, channel, recipient)"
            " SELECT 'demo', 'medium', 'email', 'desk' || n || '@example.com' FROM generate_series(1, %s) AS n",
            (number,),
        )
        yield
        cursor.execute("DELETE FROM alert_routes WHERE severity = 'medium'")


def _raised(stage: Stage, count: int, series: str) -> tuple[float, list[UUID]]:
    """The median call, and the deliveries that it left."""
    numbers = iter(range(count))
    call_ms = _ms(
        lambda: log_alert("slow_feed", "medium", "recipients", "late", key_details={"of": series, "n": next(numbers)}),
        count,
    )
    with closing(psycopg2.connect(stage.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT delivery_id::text FROM alert_deliveries WHERE status = 'pending' AND channel = 'email'")
        return call_ms, [UUID(each) for (each,) in cursor.fetchall()]


def memory(stage: Stage, count: int) -> tuple[Curve, float]:
    """A worker of one process; and what its child holds after `count` deliveries, x what it held after a thousand.

    It is one child throughout: as the stack starts it, Celery would take another after a thousand messages.
    """
    let_nothing_wait(stage)
    child: list[tuple[float, float]] = []
    parent: list[tuple[float, float]] = []
    first = min(1000, count // 2)
    with crew.receiving(stage) as (receipts, _), crew.working(stage, 1, processes=1, options=_ONE_CHILD) as [worker]:
        for step in [first, *[(count - first) // 10] * 10]:
            _deliver(stage, receipts, step)
            done = len(receipts.moments)
            [delivering] = processor.forks(worker.pid)
            child.append((done, processor.resident_mb(delivering)))
            parent.append((done, processor.resident_mb(worker.pid)))
    curve = Curve(
        title="memory of a worker",
        x="deliveries",
        y="MB",
        series={"its child": child, "itself": parent},
    )
    return curve, child[-1][1] / child[0][1]


def courier() -> Courier:
    """What this process's environment has channels for."""
    return open_courier(load_settings(channels={name: kind.settings for name, kind in KINDS.items()}))


def _courier_to(box: Mailbox) -> Courier:
    os.environ |= {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(box.port),
        "SMTP_SECURITY": "none",
        "ALERT_FROM_EMAIL": "precog@example.com",
        "DEFAULT_ALERT_EMAILS": "desk@example.com",
    }
    logging.getLogger("precog.delivery").setLevel(logging.CRITICAL)
    return courier()
