"""Processor time and memory of processes, from /proc: who took the time says why a curve bends. Linux only."""

import os
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

import psycopg2

_TICKS = os.sysconf("SC_CLK_TCK")


def seconds_of(pids: Iterable[int]) -> float:
    """Of these, their children that are alive, and those that they have waited for."""
    return sum(_seconds(each) for pid in pids for each in family(pid))


def _seconds(pid: int) -> float:
    with suppress(FileNotFoundError, ProcessLookupError):
        return sum(map(int, _stat(pid)[11:15])) / _TICKS
    return 0.0


def _stat(pid: int) -> list[str]:
    """From the state on: what precedes it is a name, in which anything may be."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def family(pid: int) -> set[int]:
    """The process and what descends from it."""
    found, new = {pid}, {pid}
    while new:
        new = {child for each in new for child in children(each)} - found
        found |= new
    return found


def children(pid: int) -> list[int]:
    """Oldest first."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return [
            int(each)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for each in (task / "children").read_text().split()
        ]
    return []


def forks(pid: int) -> list[int]:
    """Its children that run the same program: not those that it started another one in."""
    program = Path(f"/proc/{pid}/cmdline").read_bytes()
    return [child for child in children(pid) if Path(f"/proc/{child}/cmdline").read_bytes() == program]


def postgres(database_url: str) -> int:
    """The process that all others of the server descend from."""
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [(session,)] = cursor.fetchall()
        return int(_stat(session)[1])


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
