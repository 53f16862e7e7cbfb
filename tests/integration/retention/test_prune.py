"""What ended long ago goes, whole; what is open, young, kept or on its way stays."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg2.extensions
import pytest

import precog
from precog.domain.alerts import Environment, Severity
from precog.errors import UnknownAlert
from precog.store import retention
from precog.store.retention import Removed

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor
Raise = Callable[..., int]
Left = Callable[[], list[int]]

DEMO = Environment.DEMO
DAYS = {Severity.CRITICAL: 1825, Severity.HIGH: 730, Severity.MEDIUM: 180, Severity.LOW: 30}


def _prune() -> int:
    return sum(retention.remove(DEMO, severity, DAYS).incidents for severity in Severity)


def test_an_incident_goes_with_its_duplicates_deliveries_and_attempts_and_nothing_else_does(
    ended: Raise, left: Left, db_cursor: Cursor
) -> None:
    other = precog.log_alert("api_failures", "low", "other", "boom")
    old = precog.log_alert("api_failures", "low", "feed", "boom")
    duplicate = precog.log_alert("api_failures", "low", "feed", "boom")
    precog.resolve_alert(duplicate, "ann", "fixed")
    db_cursor.execute("UPDATE alerts SET resolved_at = now() - interval '31 days' WHERE incident_id = %s", (old,))
    told = ended("low", 31)
    assert left() == [other, old, duplicate, told]
    assert retention.remove(DEMO, Severity.LOW, DAYS) == Removed(incidents=2, alerts=3)
    assert left() == [other]
    db_cursor.execute("SELECT count(*) FROM alert_delivery_attempts")
    assert db_cursor.fetchone() == (0,)


@pytest.mark.parametrize("severity", list(Severity))
def test_each_severity_is_kept_for_as_long_as_its_own_days(severity: Severity, ended: Raise, left: Left) -> None:
    ended(severity, DAYS[severity] + 1)
    young = ended(severity, DAYS[severity] - 1)
    assert _prune() == 1
    assert left() == [young]


def test_the_worst_severity_of_an_incident_decides_for_all_of_it(ended: Raise, left: Left, db_cursor: Cursor) -> None:
    precog.log_alert("api_failures", "low", "feed", "boom")
    worse = precog.log_alert("api_failures", "critical", "feed", "boom")
    precog.resolve_alert(worse, "ann", "fixed")
    db_cursor.execute("UPDATE alert_deliveries SET status = 'cancelled', finished_at = now() WHERE status = 'pending'")
    db_cursor.execute("UPDATE alerts SET resolved_at = now() - interval '1000 days'")
    assert _prune() == 0
    db_cursor.execute("UPDATE alerts SET resolved_at = now() - interval '2000 days'")
    assert _prune() == 1
    assert left() == []


def test_an_open_incident_is_never_removed(left: Left, db_cursor: Cursor) -> None:
    alert_id = precog.log_alert("api_failures", "low", "feed", "boom")
    precog.acknowledge_alert(alert_id, "ann")
    db_cursor.execute("UPDATE alerts SET acknowledged_at = now() - interval '9999 days'")
    assert _prune() == 0
    assert left() == [alert_id]


def test_a_delivery_that_is_on_its_way_keeps_its_incident(ended: Raise, left: Left, db_cursor: Cursor) -> None:
    alert_id = ended("low", 31)
    db_cursor.execute(
        "INSERT INTO alert_deliveries (delivery_id, alert_id, environment, channel, recipient, urgency, status,"
        " attempts, lease_until, leased_by)"
        " VALUES (gen_random_uuid(), %s, 'demo', 'sms', 'x', 1, 'sending', 1, now(), 'w')",
        (alert_id,),
    )
    assert _prune() == 0
    assert left() == [alert_id]


def test_what_is_held_stays_until_the_hold_is_lifted(ended: Raise, left: Left) -> None:
    alert_id = ended("low", 31)
    assert retention.hold(alert_id, DEMO, by="ann", reason="disputed")
    assert not retention.hold(alert_id, DEMO, by="bob", reason="again")
    assert _prune() == 0
    assert left() == [alert_id]
    assert retention.lift(alert_id, DEMO, by="ann")
    assert not retention.lift(alert_id, DEMO, by="ann")
    assert _prune() == 1


def test_a_hold_on_an_alert_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(UnknownAlert):
        retention.hold(99, DEMO, by="ann", reason="disputed")


def test_the_carrier_of_a_digest_outlives_what_it_carried(ended: Raise, left: Left, db_cursor: Cursor) -> None:
    carrier, carried = ended("low", 40), ended("low", 20)
    db_cursor.execute(
        "UPDATE alert_deliveries AS f SET folded_into = c.delivery_id FROM alert_deliveries AS c"
        " WHERE f.alert_id = %(carried)s AND c.alert_id = %(carrier)s",
        {"carrier": carrier, "carried": carried},
    )
    assert _prune() == 0
    db_cursor.execute("UPDATE alerts SET resolved_at = resolved_at - interval '20 days'")
    assert _prune() == 2
    assert left() == []


def test_another_environment_is_left_alone(ended: Raise, left: Left) -> None:
    alert_id = ended("low", 31)
    assert sum(retention.remove(Environment.PROD, severity, DAYS).incidents for severity in Severity) == 0
    assert left() == [alert_id]


def test_several_prunes_at_once_share_the_work(ended: Raise, left: Left, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(12):
        ended("low", 31, component=f"feed {number}")
    with ThreadPoolExecutor(3) as prunes:
        removed = list(prunes.map(lambda _: retention.remove(DEMO, Severity.LOW, DAYS), range(3)))
    assert sum(each.incidents for each in removed) == sum(each.alerts for each in removed) == 12
    assert left() == []


def test_a_look_changes_nothing(ended: Raise, left: Left) -> None:
    alert_id = ended("low", 31)
    assert retention.removable(DEMO, Severity.LOW, DAYS) == 1
    assert left() == [alert_id]


def test_what_a_breaker_may_still_count_stays(db_cursor: Cursor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its window may be a week."""
    monkeypatch.setattr(retention, "ROWS_BATCH", 2)
    db_cursor.execute(
        "INSERT INTO platforms (platform_id, platform_type, display_name) VALUES ('kalshi', 'trading', 'Kalshi');"
        "INSERT INTO api_failures (platform_id, request, error, created_at)"
        " SELECT 'kalshi', 'GET /markets', 'HTTP 503', now() - hours * interval '1 hour'"
        " FROM generate_series(24, 240, 24) AS hours"
    )
    assert retention.removable_failures(2) == retention.remove_failures(2) == 4
    db_cursor.execute("SELECT max(now() - created_at) < interval '7 days' FROM api_failures")
    assert db_cursor.fetchone() == (True,)
