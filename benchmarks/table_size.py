"""How long questions take while the table grows to ten million alerts: line 11, `make bench-10m`.

The databases are filled by a server that does not wait for its disk, and asked of the same data on one that does.
"""

import argparse
import hashlib
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import alert, history, report
from benchmarks.measure import Extent, Row, Timings, interleaved, row
from benchmarks.stage import Stage, write_routes
from precog import queue, suppress_duplicate_alerts
from precog.domain.alerts import Environment, Severity
from precog.localstack.postgres import at_database, create_database, postgres_server
from precog.localstack.redis import redis_server
from precog.store import alerts, counts
from precog.store.migrate import migrate
from precog.store.pool import close_default_pool

ROWS = (10_000, 1_000_000, 10_000_000)
_EXTENT = Extent(rounds=10, calls=30, deliveries=0)
_DEMO = Environment.DEMO

_DEDUP, _DUPLICATE, _UNACKNOWLEDGED, _DAY = (
    "is it a duplicate",
    "a duplicate's call",
    "count unacknowledged",
    "count a day",
)
_LISTS = "newest 100"
_LOOKED_AT = 5
"""Components whose lists people ask for, so that all but the first time their rows are in memory."""


def questions(rows: int) -> dict[str, Callable[[], object]]:
    """What is asked, of one of a few components and of any fingerprint."""
    dice = random.Random(7)

    def some_component() -> str:
        return f"component_{dice.randrange(_LOOKED_AT)}"

    def some_type() -> str:
        return f"{some_component()}_fault_{dice.randrange(history.TYPES_OF_EACH)}"

    def some_severity() -> Severity:
        return dice.choice(list(Severity))

    lists: dict[str, Callable[[], object]] = {
        "": lambda: alerts.newest(_DEMO),
        " and their duplicates": lambda: alerts.newest(_DEMO, duplicates=True),
        " critical": lambda: alerts.newest(_DEMO, severity=Severity.CRITICAL),
        " of a component": lambda: alerts.newest(_DEMO, component=some_component()),
        " of a type": lambda: alerts.newest(_DEMO, alert_type=some_type()),
        " of a severity and component": lambda: alerts.newest(
            _DEMO, severity=some_severity(), component=some_component()
        ),
        " of a severity and type": lambda: alerts.newest(_DEMO, severity=some_severity(), alert_type=some_type()),
        " open and their duplicates": lambda: alerts.newest(_DEMO, only_open=True, duplicates=True),
        " of the environment without any": lambda: alerts.newest(Environment.PROD),
        " open": lambda: alerts.unresolved(_DEMO, most=100),
        " open of a severity": lambda: alerts.unresolved(_DEMO, severity=some_severity(), most=100),
        " open of a component": lambda: alerts.unresolved(_DEMO, component=some_component(), most=100),
        " open of a severity and component": lambda: alerts.unresolved(
            _DEMO, severity=some_severity(), component=some_component(), most=100
        ),
        " open of a type": lambda: alerts.newest(_DEMO, alert_type=some_type(), only_open=True),
        " unacknowledged": lambda: alerts.unacknowledged(_DEMO, most=100),
        " unacknowledged critical": lambda: alerts.unacknowledged(_DEMO, severity=Severity.CRITICAL, most=100),
    }
    day_ago = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=24)
    return {
        _DEDUP: lambda: suppress_duplicate_alerts(_fingerprint(dice.randrange(history.fingerprints(rows)))),
        _DUPLICATE: lambda: alert.log("high", same=True),
        **{_LISTS + name: ask for name, ask in lists.items()},
        _UNACKNOWLEDGED: lambda: counts.unacknowledged(_DEMO),
        _DAY: lambda: counts.since(_DEMO, day_ago),
    }


def _fingerprint(number: int) -> str:
    return hashlib.md5(f"fault {number}".encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How long each question took, at one table size."""

    first: Mapping[str, float]
    """The very first time, in seconds: what a list shows may lie on a hundred pages that nobody has read yet."""
    again: Mapping[str, Timings]


def measure(rows: Sequence[int], extent: Extent, folder: Path) -> tuple[dict[int, Answers], dict[str, str]]:
    """By table size."""
    _fill(rows, folder)
    found: dict[int, Answers] = {}
    with _served(folder) as stage:
        on = report.machine(stage)
        for each in rows:
            _say(f"asking of {each:,} alerts")
            os.environ["DATABASE_URL"] = at_database(stage.database_url, _database(each))
            close_default_pool()
            alert.log("high", same=True)
            asked = questions(each)
            first = {name: _seconds(ask) for name, ask in asked.items()}
            found[each] = Answers(first=first, again=interleaved(asked, extent))
    return found, on


def _seconds(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began


def _fill(rows: Sequence[int], folder: Path) -> None:
    server = postgres_server(folder, durable=False)
    server.start()
    try:
        for each in rows:
            _say(f"writing {each:,} alerts")
            url = create_database(server.url, _database(each))
            migrate(url)
            write_routes(url)
            history.write(url, each)
            history.check_rules(url)
            _say(f"counting {each:,} alerts")
            os.environ |= {"DATABASE_URL": url, "PRECOG_ENVIRONMENT": _DEMO}
            close_default_pool()
            counts.roll_up(_DEMO)
            close_default_pool()
    finally:
        server.stop()


def _database(rows: int) -> str:
    return f"alerts_{rows}"


@contextmanager
def _served(folder: Path) -> Iterator[Stage]:
    """The same data behind a server that is as durable as in production."""
    with ExitStack() as running:
        postgres, redis = postgres_server(folder), redis_server(folder)
        for server in (postgres, redis):
            running.callback(server.stop)
            server.start()
        os.environ |= {"REDIS_URL": redis.url, "PRECOG_JOURNAL_DIR": str(folder / "journal")}
        queue.reset()
        running.callback(close_default_pool)
        yield Stage(database_url=postgres.url, redis_url=redis.url, folder=folder)


def judged(answers: Answers) -> list[Row]:
    """The lines of the target table, at one table size. Of the lists the slowest counts."""
    found = answers.again
    coldest = max(answers.first[name] for name in found if name.startswith(_LISTS))
    lists = {name: each for name, each in found.items() if name.startswith(_LISTS)}
    typical = max(lists, key=lambda name: lists[name].p50)
    slow = max(lists, key=lambda name: lists[name].percentile(0.99))
    return [
        row("11a", [_ms(found[_DEDUP].percentile(0.99))], f"a duplicate's whole call {_both(found[_DUPLICATE])}"),
        row(
            "11b",
            [_ms(each) for each in lists[typical].medians],
            f"{typical}; {len(lists)} lists; the first time at most {_ms(coldest):.0f} ms",
        ),
        row("11c", [_ms(lists[slow].percentile(0.99))], slow),
        row("11d", [_ms(each) for each in found[_UNACKNOWLEDGED].medians], _both(found[_UNACKNOWLEDGED])),
        row("11e", [_ms(each) for each in found[_DAY].medians], _both(found[_DAY])),
    ]


def _ms(seconds: float) -> float:
    return seconds * 1000


def _both(timings: Timings) -> str:
    return f"p50 {_ms(timings.p50):.2f}, p99 {_ms(timings.percentile(0.99)):.2f} ms"


def curves(found: Mapping[int, Answers]) -> dict[str, list[dict[str, float]]]:
    """By question, a point a table size; milliseconds."""
    names = next(iter(found.values())).again
    return {
        name: [
            {
                "rows": rows,
                "p50_ms": _ms(each.again[name].p50),
                "p99_ms": _ms(each.again[name].percentile(0.99)),
                "first_ms": _ms(each.first[name]),
            }
            for rows, each in found.items()
        ]
        for name in names
    }


def _show(shown: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    for name, points in shown.items():
        at = "  ".join(f"{each['rows']:>12,.0f}: {each['p50_ms']:6.2f} {each['p99_ms']:6.2f}" for each in points)
        print(f"{name:<46}{at}")


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.table_size", description=__doc__)
    parser.add_argument("--rows", nargs="+", type=int, default=ROWS, help="the table sizes; the last one is judged")
    parser.add_argument("--rounds", type=int, default=_EXTENT.rounds, help="of 30 calls of each question")
    parser.add_argument("--into", type=Path, help="write table-size.json to this folder")
    given = parser.parse_args()
    extent = Extent(rounds=given.rounds, calls=_EXTENT.calls, deliveries=0)
    with tempfile.TemporaryDirectory(prefix="precog-bench-", ignore_cleanup_errors=True) as folder:
        found, on = measure(given.rows, extent, Path(folder))
    rows, shown = judged(found[given.rows[-1]]), curves(found)
    _show(shown)
    report.show(rows, on, report.noise({_DUPLICATE: found[given.rows[-1]].again[_DUPLICATE]}))
    if given.into is not None:
        given.into.mkdir(parents=True, exist_ok=True)
        said = {"on": on, "lines": [report.line(each) for each in rows], "curves": shown}
        (given.into / "table-size.json").write_text(json.dumps(said, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
