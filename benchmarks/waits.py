"""What PostgreSQL's sessions wait for while something runs: looked at fifty times a second."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2

_LOOK = """SELECT coalesce(wait_event_type || ':' || wait_event, 'running') FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND state IN ('active', 'idle in transaction')"""


class Waits:
    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def __str__(self) -> str:
        """The three most frequent, as shares of all looks at sessions with work."""
        every = sum(self.seen.values()) or 1
        return ", ".join(f"{name} {100 * count // every} %" for name, count in self.seen.most_common(3)) or "nothing"


@contextmanager
def watched(database_url: str) -> Iterator[Waits]:
    waits, over = Waits(), threading.Event()

    def look() -> None:
        with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            while not over.wait(0.02):
                cursor.execute(_LOOK)
                waits.seen.update(name for (name,) in cursor.fetchall())

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield waits
    finally:
        over.set()
        watcher.join()
