"""The result as a table for people and as JSON for programs, with the machine it was measured on."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psycopg2
from redis import Redis
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Row, Timings
from benchmarks.stage import Stage

_SHARES = (*(number / 100 for number in range(1, 100)), 0.995, 0.999)
"""The percentiles that the JSON has of each distribution, enough to draw it."""
_COLOURS = {"aim": "green", "must": "yellow", "missed": "bold red"}


def machine(stage: Stage) -> dict[str, str]:
    """What the figures depend on."""
    with closing(psycopg2.connect(stage.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('synchronous_commit')")
        [(postgres, durable)] = cursor.fetchall()
    with Redis.from_url(stage.redis_url) as redis:
        info = redis.info("server")
    load = os.getloadavg()[0]
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()} {platform.release()}",
        "load": f"{load:.1f} processes that ran or waited, in the minute before",
        "Python": platform.python_version(),
        "PostgreSQL": f"{postgres}, synchronous_commit {durable}",
        "Redis": f"{info.get('server_name', 'redis')} {info.get('valkey_version', info['redis_version'])}",
        **{name: version(name) for name in ("celery", "psycopg2-binary", "redis")},
    }


def table(rows: Sequence[Row]) -> Table:
    shown = Table(title="Precog beside its floors")
    for head in ("line", "what", "ratio", "rounds", "must", "aim", "verdict", "ours / the floor's"):
        shown.add_column(head, justify="right" if head in {"line", "ratio", "must", "aim"} else "left")
    for each in rows:
        target, sign = each.target, "<=" if each.target.at_most else ">="
        shown.add_row(
            target.line,
            target.what,
            f"{each.value:.2f}",
            f"{each.low:.2f} to {each.high:.2f}",
            f"{sign} {target.must:g}",
            f"{sign} {target.aim:g}",
            f"[{_COLOURS[each.verdict]}]{each.verdict}",
            each.figures,
        )
    return shown


def show(rows: Sequence[Row], on: Mapping[str, str], noise: str) -> None:
    console = Console(width=None if os.isatty(1) else 200)
    console.print(table(rows))
    for name, value in on.items():
        console.print(f"{name:>16}  {value}", highlight=False)
    console.print(f"{'noise':>16}  {noise}", highlight=False)


def noise(timings: Mapping[str, Timings]) -> str:
    """How much the floor itself moved from round to round: the ratios can be no better than that."""
    floor = next(iter(timings.values()))
    low, high = min(floor.medians), max(floor.medians)
    return f"the floor's median moved from {low * 1e6:,.0f} to {high * 1e6:,.0f} us between rounds"


def line(each: Row) -> dict[str, object]:
    """As it is in the JSON."""
    return {
        "line": each.target.line,
        "what": each.target.what,
        "value": each.value,
        "low": each.low,
        "high": each.high,
        "must": each.target.must,
        "aim": each.target.aim,
        "at_most": each.target.at_most,
        "verdict": each.verdict,
        "figures": each.figures,
    }


def write(path: Path, rows: Sequence[Row], on: Mapping[str, str], timings: Mapping[str, Timings]) -> None:
    said = {
        "on": dict(on),
        "noise": noise(timings),
        "lines": [line(each) for each in rows],
        "latencies_us": {
            name: {str(share): each.percentile(share) * 1e6 for share in _SHARES} for name, each in timings.items()
        },
    }
    path.write_text(json.dumps(said, indent=2) + "\n")
