"""What a system at rest must not hold on to."""

from tests.chaos.family import alive_in, family, resident_bytes
from tests.chaos.invariants import Finding
from tests.chaos.rig import Rig

_POOL = 10
"""Connections of one process at most, and recovery's one more to listen."""


def leaks(rig: Rig, workers: tuple[str, ...]) -> Finding:
    """No transaction is left open, no more connections than configured, no process without a parent."""
    rows = rig.sql(
        "SELECT count(*), count(*) FILTER (WHERE state LIKE 'idle in transaction%'"
        " AND state_change < clock_timestamp() - interval '3 seconds')"
        " FROM pg_stat_activity WHERE application_name LIKE 'precog%'"
    )
    connections, open_transactions = rows[0]
    allowed = sum(len(family(rig.running[name].pid)) for name in workers) * (_POOL + 1)
    # Two looks: what ends between being found and its parent's being asked, as PostgreSQL's own helpers do, is not
    # there in the second.
    orphans = sorted(_without_parent(rig) & _without_parent(rig))
    return Finding(
        invariant="leaks",
        figure=f"{open_transactions} open transactions, {connections} connections, {len(orphans)} orphans",
        holds=open_transactions == 0 and connections <= allowed and not orphans,
        examples=tuple(map(str, orphans[:5])),
    )


def memory(rig: Rig, workers: tuple[str, ...]) -> int:
    """What the workers, their children and their recoveries hold, in bytes."""
    return sum(resident_bytes(pid) for name in workers for pid in family(rig.running[name].pid))


def growth(before: int, after: int) -> Finding:
    """A warm worker does not grow with what it delivers."""
    return Finding(
        invariant="memory",
        figure=f"{before / 2**20:.0f} MB when warm, {after / 2**20:.0f} MB at the end",
        holds=after < before * 1.2,
    )


def _without_parent(rig: Rig) -> set[int]:
    """What came from no server and no program that the rig itself runs."""
    alive = set(alive_in(rig.folder))
    processes = [*rig.running.values(), rig.postgres.process, rig.redis.process]
    return alive - {pid for process in processes for pid in family(process.pid)}
