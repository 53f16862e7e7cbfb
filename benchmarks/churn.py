"""What a steady flow leaves behind in the tables: dead rows, updates that found no room on their page, and size."""

from collections.abc import Callable
from contextlib import closing

import psycopg2

from benchmarks import backlog, deliverers
from benchmarks.curve import Curve
from benchmarks.stage import Stage
from precog.domain.deliveries import AttemptOutcome, DeliveryStatus
from precog.store import attempts
from precog.store.attempts import Ending

TABLES = ("alerts", "alert_deliveries", "alert_delivery_attempts")
_BATCH = 500
"""So many alerts come before the first of them is delivered."""
_SENT = Ending(status=DeliveryStatus.SENT, outcome=AttemptOutcome.ACCEPTED)

_STANDING = """
SELECT relname, n_tup_upd, n_tup_hot_upd, n_dead_tup, autovacuum_count, pg_total_relation_size(relid) / 1e6
FROM pg_stat_user_tables WHERE schemaname = 'public' AND relname = ANY(%s)
"""


def flow(stage: Stage, count: int) -> Curve:
    """Alerts written, claimed and finished, a batch after the other, while autovacuum does what it is set to."""
    deliverers.let_nothing_wait(stage)
    terms = deliverers.courier().terms
    dead: dict[str, list[tuple[float, float]]] = {table: [] for table in TABLES}
    before = _standing(stage)
    for done in range(0, count, _BATCH):
        for delivery_id in backlog.write(stage.database_url, _BATCH):
            claim = attempts.claim(delivery_id, "webhook", terms)
            if claim is None or attempts.finish(claim.message, _SENT) is None:
                raise RuntimeError(f"delivery {delivery_id} was not due, so nothing is measured")
        for table, (_, _, left, _, _) in _standing(stage).items():
            dead[table].append((done + _BATCH, left))
    after = _standing(stage)
    grown = {table: tuple(b - a for a, b in zip(before[table], after[table], strict=True)) for table in TABLES}
    told: dict[str, Callable[[tuple[float, ...]], str]] = {
        "updates on their own page (HOT), %": lambda it: f"{100 * it[1] / max(1, it[0]):.0f} of {it[0]:,.0f}",
        "autovacuums": lambda it: f"{it[3]:.0f}",
        "bytes a delivery, indexes included": lambda it: f"{1e6 * it[4] / count:,.0f}",
    }
    return Curve(
        title=f"{count:,} deliveries in batches of {_BATCH}",
        x="deliveries",
        y="dead rows",
        series=dead,
        seen={name: [f"{table} {say(grown[table])}" for table in TABLES] for name, say in told.items()},
    )


def _standing(stage: Stage) -> dict[str, tuple[float, ...]]:
    with closing(psycopg2.connect(stage.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(_STANDING, (list(TABLES),))
        return {name: tuple(map(float, figures)) for name, *figures in cursor.fetchall()}
