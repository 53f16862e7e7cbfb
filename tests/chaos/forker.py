"""`python -m tests.chaos.forker fork|equal|callers FOLDER NUMBER...`: programs that make a pool and a lock suffer."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg2

import precog
from precog.settings.process import database_url
from tests.chaos.producer import Calls


def fork(folder: Path, children: int, each: int) -> None:
    """After use, `children` processes and 40 threads of this one log `each` alerts at the same time."""
    calls = Calls(folder / "calls.fork.jsonl")
    calls.log("parent", "low")
    pids = [_forked(_log_many, folder, f"fork-{number}", each) for number in range(children)]
    _together(40, lambda number: _log(calls, f"fork-thread-{number}", each))
    _reap(pids)


def equal(folder: Path, rounds: int) -> None:
    """200 equal alerts at once, in each of `rounds` rounds: from eight processes that are warm, 25 threads in each."""
    first = time.monotonic() + 4
    pids = [_forked(_log_equals, folder, number, rounds, first) for number in range(8)]
    _reap(pids)


def callers(folder: Path, pairs: int) -> None:
    """Both transactions of a pair hold their first alert when they log their second, which the other has logged."""
    with (folder / "callers.jsonl").open("a") as told:
        for number in range(pairs):
            for end in _opposite(f"x{number}", f"y{number}"):
                told.write(json.dumps({"error": end}) + "\n")


def _opposite(one: str, other: str) -> list[str | None]:
    """What went wrong, if anything did, in each of two transactions."""
    meet = threading.Barrier(2)
    orders = [(one, other), (other, one)]
    ends: list[str | None] = [None, None]

    def run(which: int) -> None:
        ends[which] = _transaction(orders[which], meet)

    _together(2, run)
    return ends


def _transaction(components: tuple[str, str], meet: threading.Barrier) -> str | None:
    """What went wrong, if anything did."""
    connection = psycopg2.connect(database_url(), options="-c lock_timeout=3000")
    try:
        precog.log_alert("api_failures", "low", components[0], "boom", connection=connection)
        meet.wait(10)
        precog.log_alert("api_failures", "low", components[1], "boom", connection=connection)
        connection.commit()
    except (psycopg2.Error, threading.BrokenBarrierError) as error:
        meet.abort()
        return f"{type(error).__name__}: {error}".strip()
    finally:
        connection.close()
    return None


def _log_many(folder: Path, name: str, each: int) -> None:
    _log(Calls(folder / f"calls.{name}.jsonl"), name, each)


def _log(calls: Calls, name: str, count: int) -> None:
    for number in range(count):
        calls.log(f"{name}-{number}", "low")


def _log_equals(folder: Path, number: int, rounds: int, first: float) -> None:
    calls = Calls(folder / f"calls.equal-{number}.jsonl")

    def log(thread: int) -> None:
        calls.log(f"warm-{number}-{thread}", "low")
        for one in range(rounds):
            time.sleep(max(0.0, first + one - time.monotonic()))
            calls.log(f"equal-{one}", "medium")

    _together(25, log)


def _together(count: int, work: Callable[[int], object]) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _forked(work: Callable[..., None], *arguments: object) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            work(*arguments)
        finally:
            os._exit(0)
    return pid


def _reap(pids: list[int]) -> None:
    for pid in pids:
        os.waitpid(pid, 0)


if __name__ == "__main__":
    programs: dict[str, Callable[..., None]] = {"fork": fork, "equal": equal, "callers": callers}
    programs[sys.argv[1]](Path(sys.argv[2]), *map(int, sys.argv[3:]))
