"""Tables that are written all the time are vacuumed by a small share, and alerts keep room for their summaries."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]
HOT = ("alerts", "alert_deliveries", "alert_delivery_attempts")


@pytest.fixture
def settings(run: Run) -> dict[str, dict[str, float]]:
    rows = run("SELECT relname, reloptions FROM pg_class WHERE relkind = 'r' AND relname = ANY(%s)", list(HOT))
    return {name: {key: float(value) for key, value in (each.split("=") for each in options)} for name, options in rows}


@pytest.mark.parametrize("table", HOT)
def test_a_table_that_each_delivery_writes_to_is_not_left_to_bloat(
    table: str, settings: dict[str, dict[str, float]]
) -> None:
    """At a million rows the default leaves 200,050 dead ones."""
    its = settings[table]
    assert its["autovacuum_vacuum_threshold"] + 1_000_000 * its["autovacuum_vacuum_scale_factor"] <= 20_000


def test_a_storm_brings_a_vacuum_however_many_alerts_there_are(settings: dict[str, dict[str, float]]) -> None:
    """Until it comes, a list looks at each duplicate that it counts."""
    its = settings["alerts"]
    assert (
        its["autovacuum_vacuum_insert_threshold"] + 10_000_000 * its["autovacuum_vacuum_insert_scale_factor"] <= 50_000
    )


def test_the_summary_of_what_was_sent_stays_on_the_page_of_its_alert(run: Run) -> None:
    run(
        "INSERT INTO alerts (alert_uuid, alert_type, severity, component, message, fingerprint, planned, incident_id,"
        " environment, request_hash) SELECT gen_random_uuid(), 't', 'low', 'c', 'm', repeat('0', 32), true, 1, 'demo',"
        " repeat('0', 64) FROM generate_series(1, 500)"
    )
    before = _pages(run)
    run("UPDATE alerts SET notification_attempts = 1 WHERE alert_id % 30 = 0")
    assert _pages(run) == before


def _pages(run: Run) -> list[tuple[int, int]]:
    return [
        (alert_id, page)
        for alert_id, page in run("SELECT alert_id, (ctid::text::point)[0]::int FROM alerts ORDER BY 1")
    ]
