"""How many alerts there were is the same whether hours were counted, counted twice, or pruned since."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import psycopg2.extensions
import pytest

import precog
from precog.domain.alerts import Environment, Severity
from precog.store import counts, retention

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor

DEMO = Environment.DEMO
HOUR = timedelta(hours=1)


@pytest.fixture
def this_hour(db_cursor: Cursor) -> datetime:
    """Of the database's clock."""
    db_cursor.execute("SELECT date_trunc('hour', clock_timestamp(), 'UTC')")
    moment = db_cursor.fetchone()[0]  # type: ignore[index]
    assert isinstance(moment, datetime)
    return moment.astimezone(UTC)


_TOLD = """
INSERT INTO alerts (alert_id, alert_uuid, alert_type, severity, component, message, triggered_at, fingerprint,
                    environment, request_hash, planned, notify, suppressed, duplicate_of, incident_id)
SELECT %(id)s + n, gen_random_uuid(), 't', 'low', 'c', 'm', %(at)s, md5('f'), 'demo', repeat('0', 64), true,
       n < %(told)s, n >= %(told)s, CASE WHEN n >= %(told)s THEN %(id)s END, %(id)s
FROM generate_series(0, %(told)s + %(suppressed)s - 1) AS n
"""


@pytest.fixture
def at(db_cursor: Cursor) -> Callable[..., None]:
    """`at(moment, told, suppressed)`: alerts of one kind that came at that moment, written as the owner writes."""
    ids = count(1000, 1000)

    def write(moment: datetime, told: int = 1, *, suppressed: int = 0) -> None:
        db_cursor.execute(_TOLD, {"id": next(ids), "at": moment, "told": told, "suppressed": suppressed})

    return write


def _numbers(since: datetime) -> list[tuple[int, int, int]]:
    return [(each.alerts, each.told, each.suppressed) for each in counts.since(DEMO, since)]


def test_counted_hours_and_the_running_one_add_up(
    precog_env: object, at: Callable[..., None], this_hour: datetime
) -> None:
    at(this_hour - 3 * HOUR, 2, suppressed=5)
    at(this_hour - 2 * HOUR, 1)
    at(this_hour, 4)
    before = _numbers(this_hour - 3 * HOUR)
    assert before == [(12, 7, 5)]
    counts.roll_up(DEMO)
    assert _numbers(this_hour - 3 * HOUR) == before
    assert _numbers(this_hour - 2 * HOUR) == [(5, 5, 0)]


def test_a_long_history_is_counted_and_again_changes_nothing(
    precog_env: object, at: Callable[..., None], this_hour: datetime, db_cursor: Cursor
) -> None:
    for days in range(5):
        at(this_hour - timedelta(days=days, hours=1), days + 1)
    counts.roll_up(DEMO)
    counts.roll_up(DEMO)
    db_cursor.execute("SELECT sum(alerts), count(*), max(hour) < clock_timestamp() FROM alert_counts")
    assert db_cursor.fetchone() == (15, 5, True)


def test_what_commits_into_a_counted_hour_is_counted_at_the_next_look(
    precog_env: object, at: Callable[..., None], this_hour: datetime
) -> None:
    at(this_hour - HOUR)
    counts.roll_up(DEMO)
    at(this_hour - 20 * HOUR, 3)
    counts.roll_up(DEMO)
    assert _numbers(this_hour - 24 * HOUR) == [(4, 4, 0)]


def test_counts_outlive_the_alerts(precog_env: object, db_cursor: Cursor, this_hour: datetime) -> None:
    alert_id = precog.log_alert("api_failures", "low", "feed", "boom")
    precog.resolve_alert(alert_id, "ann", "fixed")
    counts_before = counts.since(DEMO, this_hour)
    db_cursor.execute("ALTER TABLE alerts DISABLE TRIGGER alerts_append_only_trg")
    db_cursor.execute(
        "UPDATE alerts SET triggered_at = triggered_at - interval '40 days', resolved_at = now() - interval '39 days'"
    )
    long_ago = this_hour - timedelta(days=40)
    counts.roll_up(DEMO)
    assert retention.remove(DEMO, Severity.LOW, dict.fromkeys(Severity, 30)).alerts == 1
    counts.roll_up(DEMO)
    assert counts.since(DEMO, long_ago) == counts_before
