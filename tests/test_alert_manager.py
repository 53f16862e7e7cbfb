"""The alert's own promises: stored when the call returns, told once, ended by people."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg2
import psycopg2.extensions
import pytest

import precog
from precog.alert_manager import calculate_fingerprint
from precog.domain.alerts import Environment, Severity
from precog.domain.routes import Route
from precog.errors import AlertTypeError, AlertValueError, IdempotencyConflict, UnknownAlert
from precog.store import alerts, calls, channels, deliveries

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor


@pytest.fixture(autouse=True)
def _environment(precog_env: pytest.MonkeyPatch) -> None:
    """Every test here has a database and a broker."""


@pytest.fixture
def routes() -> None:
    """Critical goes to two people by mail and to one phone, everything else to the file."""
    channels.write_routes(
        Environment.DEMO,
        [
            _route(Severity.CRITICAL, "email", "ann@example.com"),
            _route(Severity.CRITICAL, "email", "bob@example.com"),
            _route(Severity.CRITICAL, "sms", "+15550100000"),
            *[_route(severity, "file", "alerts") for severity in Severity],
        ],
    )


def _route(severity: Severity, channel: str, recipient: str) -> Route:
    return Route(environment=Environment.DEMO, severity=severity, channel=channel, recipient=recipient)


def _log(**changes: Any) -> int:
    arguments: dict[str, Any] = {
        "alert_type": "api_failures",
        "severity": "critical",
        "component": "kalshi_api",
        "message": "5 failures in 5 minutes",
        "details": {"platform": "kalshi"},
    }
    return precog.log_alert(**arguments | changes)


def _get(alert_id: int) -> Any:
    return alerts.get(alert_id, Environment.DEMO)


def _statuses(alert_id: int) -> list[tuple[str, str, str]]:
    return [(each["channel"], each["recipient"], each["status"]) for each in deliveries.of_alert(alert_id)]


# Storing


def test_an_alert_is_committed_with_its_deliveries_when_the_call_returns(routes: None, db_cursor: Cursor) -> None:
    alert_id = _log(
        details={"platform": "kalshi", "loss": Decimal("512.3000")}, source_table="system_health", source_id=7
    )
    db_cursor.execute("SELECT * FROM alert_records WHERE alert_id = %s", [alert_id])
    assert db_cursor.description is not None
    row = dict(zip([column.name for column in db_cursor.description], db_cursor.fetchone() or (), strict=True))
    assert (row["severity"], row["component"], row["message"]) == ("critical", "kalshi_api", "5 failures in 5 minutes")
    assert row["details"] == {"platform": "kalshi", "loss": "512.3000"}
    assert (row["source_table"], row["source_id"], row["environment"]) == ("system_health", "7", "demo")
    assert row["notification_channels"] == {"email": "pending", "file": "pending", "sms": "pending"}
    assert sorted(_statuses(alert_id)) == [
        ("email", "ann@example.com", "pending"),
        ("email", "bob@example.com", "pending"),
        ("file", "alerts", "pending"),
        ("sms", "+15550100000", "pending"),
    ]


def test_low_goes_to_the_file_only(routes: None) -> None:
    assert _statuses(_log(severity="low")) == [("file", "alerts", "pending")]


def test_a_row_only_alert_tells_nobody(routes: None) -> None:
    alert_id = precog.log_alert("api_failures", "critical", "kalshi_api", "seen", None, False)
    assert _statuses(alert_id) == []
    assert [each["alert_id"] for each in precog.get_unresolved_alerts()] == [alert_id]


def test_without_routes_the_alert_is_stored_and_waits_for_them(caplog: pytest.LogCaptureFixture) -> None:
    alert_id = _log()
    assert not _get(alert_id)["planned"]
    assert "no routes" in caplog.text
    channels.write_routes(Environment.DEMO, [_route(Severity.CRITICAL, "file", "alerts")])
    waiting = calls.unplanned(Environment.DEMO, most=10)
    assert [each.alert_id for each in waiting] == [alert_id]
    calls.plan(waiting[0], Environment.DEMO, window_minutes=60)
    assert _statuses(alert_id) == [("file", "alerts", "pending")]


def test_the_delivery_id_is_the_one_python_computes(routes: None) -> None:
    from precog.domain.fingerprint import delivery_id

    alert = _get(_log())
    for each in deliveries.of_alert(alert["alert_id"]):
        assert each["delivery_id"] == str(delivery_id(alert["alert_uuid"], each["channel"], each["recipient"]))


# Duplicates


def test_an_equal_alert_is_stored_as_a_duplicate_and_tells_nobody(routes: None) -> None:
    first, second = _log(), _log(message="6 failures in 5 minutes")
    duplicate = _get(second)
    assert (duplicate["suppressed"], duplicate["duplicate_of"], duplicate["incident_id"]) == (True, first, first)
    assert _statuses(second) == []
    assert _get(first)["duplicates"] == 1


@pytest.mark.parametrize(
    "change",
    [{"component": "polymarket_api"}, {"alert_type": "data_stale"}, {"key_details": {"platform": "other"}}],
)
def test_another_type_component_or_key_detail_is_another_alert(routes: None, change: dict[str, Any]) -> None:
    _log()
    assert not _get(_log(**change))["suppressed"]


def test_environments_do_not_suppress_each_other(routes: None) -> None:
    _log()
    other = _log(environment="prod")
    assert not alerts.get(other, Environment.PROD)["suppressed"]


def test_a_worse_alert_breaks_through_and_becomes_the_anchor(routes: None) -> None:
    first = _log(severity="high")
    worse = _log(severity="critical")
    again = _log(severity="high")
    assert not _get(worse)["suppressed"]
    assert _get(worse)["incident_id"] == first
    assert _get(again)["duplicate_of"] == worse


def test_after_the_window_a_reminder_goes_out_and_counts_what_was_silent(routes: None, db_cursor: Cursor) -> None:
    first = _log()
    _log()
    _log()
    _age(db_cursor, hours=2)
    reminder = _log()
    assert not _get(reminder)["suppressed"]
    assert _get(reminder)["incident_id"] == first
    db_cursor.execute("SELECT DISTINCT suppressed_before FROM delivery_messages WHERE alert_id = %s", [reminder])
    assert db_cursor.fetchall() == [(2,)]


def test_after_a_resolution_an_equal_alert_is_a_new_incident(routes: None) -> None:
    first = _log()
    precog.resolve_alert(first, "ann", "fixed")
    second = _log()
    assert not _get(second)["suppressed"]
    assert _get(second)["incident_id"] == second


def test_an_anchor_that_reached_nobody_suppresses_nothing(routes: None, db_cursor: Cursor) -> None:
    first = _log()
    db_cursor.execute(
        "UPDATE alert_deliveries SET status = 'failed', error_code = 'gone', finished_at = now() WHERE alert_id = %s",
        [first],
    )
    assert not _get(_log())["suppressed"]


def test_of_two_hundred_concurrent_equals_exactly_one_is_told(routes: None) -> None:
    gate = threading.Barrier(20)

    def storm(_: int) -> list[int]:
        gate.wait()
        return [_log() for _ in range(10)]

    with ThreadPoolExecutor(20) as threads:
        ids = [alert_id for some in threads.map(storm, range(20)) for alert_id in some]
    assert len(set(ids)) == 200
    told = [alert_id for alert_id in ids if _get(alert_id)["notify"]]
    assert len(told) == 1
    assert _get(told[0])["duplicates"] == 199


def test_the_forecast_says_what_the_call_will_do_and_changes_nothing(routes: None) -> None:
    fingerprint = calculate_fingerprint("api_failures", "kalshi_api", {})
    assert precog.suppress_duplicate_alerts(fingerprint) is False
    assert _get(_log())["fingerprint"] == fingerprint
    assert precog.suppress_duplicate_alerts(fingerprint) is True
    assert precog.suppress_duplicate_alerts(fingerprint, window_minutes=0) is False


# The caller's own transaction, and its own identity


def test_an_alert_of_a_callers_transaction_is_gone_when_that_rolls_back(routes: None, database_url: str) -> None:
    with psycopg2.connect(database_url) as theirs:
        alert_id = _log(connection=theirs)
        theirs.rollback()
    assert alerts.find(alert_id, Environment.DEMO) is None


def test_an_alert_of_a_callers_transaction_is_planned_after_its_commit(routes: None, database_url: str) -> None:
    with psycopg2.connect(database_url) as theirs:
        alert_id = _log(connection=theirs)
        assert calls.unplanned(Environment.DEMO, most=10) == []
    [waiting] = calls.unplanned(Environment.DEMO, most=10)
    assert {bell.channel for bell in calls.plan(waiting, Environment.DEMO, window_minutes=60)} == {
        "email",
        "file",
        "sms",
    }
    assert _get(alert_id)["notify"]


def test_two_callers_transactions_with_equal_alerts_do_not_wait_for_each_other(routes: None, database_url: str) -> None:
    one, two = psycopg2.connect(database_url), psycopg2.connect(database_url)
    ids = [_log(connection=one), _log(connection=two)]
    two.commit()
    one.commit()
    for waiting in calls.unplanned(Environment.DEMO, most=10):
        calls.plan(waiting, Environment.DEMO, window_minutes=60)
    assert sorted(_get(alert_id)["notify"] for alert_id in ids) == [False, True]
    one.close()
    two.close()


def test_the_same_call_under_one_key_is_one_alert(routes: None) -> None:
    first = _log(idempotency_key="order-77")
    assert _log(idempotency_key="order-77") == first
    assert _get(first)["duplicates"] == 0


def test_another_content_under_the_same_key_is_a_conflict_and_changes_nothing(routes: None) -> None:
    first = _log(idempotency_key="order-77")
    with pytest.raises(IdempotencyConflict, match=f"alert {first} with another content"):
        _log(idempotency_key="order-77", message="something else")
    assert _get(first)["message"] == "5 failures in 5 minutes"


# A caller's mistakes


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"severity": "critcal"}, AlertValueError, "critcal.*critical, high, medium, low.*critical"),
        ({"message": " \n"}, AlertValueError, "message: must not be empty"),
        ({"message": None}, AlertTypeError, "message: expected str.*NoneType"),
        ({"message": b"bytes"}, AlertTypeError, "message: expected str.*bytes"),
        ({"alert_type": ""}, AlertValueError, "alert_type"),
        ({"component": 7}, AlertTypeError, "component: expected str"),
        ({"details": ["a"]}, AlertTypeError, "details"),
        ({"category": "money"}, AlertValueError, "category.*risk, system, trading, data"),
        ({"environment": "staging"}, AlertValueError, "environment.*demo, prod"),
        ({"source_id": 4}, AlertValueError, "source_id: needs source_table"),
        ({"occurred_at": datetime(2026, 1, 1)}, AlertValueError, "no time zone"),  # noqa: DTZ001
        ({"occurred_at": datetime(1, 1, 1, tzinfo=UTC)}, AlertValueError, "not between"),
    ],
)
def test_a_mistake_in_the_call_names_the_field_and_writes_nothing(
    routes: None, change: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        _log(**change)
    assert alerts.newest(Environment.DEMO) == []


def test_a_severity_is_read_in_any_case_and_with_spaces(routes: None) -> None:
    assert _get(_log(severity=" Critical "))["severity"] == "critical"


def test_strange_details_never_cost_the_alert(routes: None) -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    circular: dict[str, Any] = {"nul": "a\x00b", "surrogate": "\ud800", "nan": float("nan"), "object": Broken()}
    circular["self"] = circular
    stored = _get(_log(details=circular, message="nul \x00 and \udfff"))
    assert stored["message"] == "nul \ufffd and \ufffd"
    assert stored["details"]["nul"] == "a\ufffdb"


# People


def test_acknowledging_any_alert_of_an_incident_takes_on_the_whole_incident(routes: None) -> None:
    first, duplicate = _log(), _log()
    returned = precog.acknowledge_alert(duplicate, "ann", "on it")
    assert (returned["alert_id"], returned["acknowledged_by"], returned["acknowledged_notes"]) == (
        duplicate,
        "ann",
        "on it",
    )
    assert _get(first)["acknowledged_by"] == "ann"


def test_the_first_to_acknowledge_stands(routes: None) -> None:
    alert_id = _log()
    precog.acknowledge_alert(alert_id, "ann")
    assert precog.acknowledge_alert(alert_id, "bob")["acknowledged_by"] == "ann"


def test_the_first_to_resolve_stands(routes: None) -> None:
    alert_id = _log()
    precog.resolve_alert(alert_id, "ann", "fixed", "restarted")
    again = precog.resolve_alert(alert_id, "bob", "ignored")
    assert (again["resolved_by"], again["resolution_action"], again["resolved_notes"]) == ("ann", "fixed", "restarted")


def test_resolving_cancels_what_is_not_sent_yet(routes: None) -> None:
    alert_id = _log()
    resolved = precog.resolve_alert(alert_id, "ann", "false_positive")
    assert {status for _, _, status in _statuses(alert_id)} == {"cancelled"}
    assert resolved["notification_channels"] == dict.fromkeys(["email", "file", "sms"], "cancelled")


def test_acknowledging_cancels_only_what_is_held(routes: None, db_cursor: Cursor) -> None:
    alert_id = _log()
    db_cursor.execute("UPDATE alert_deliveries SET status = 'held' WHERE alert_id = %s AND channel = 'sms'", [alert_id])
    precog.acknowledge_alert(alert_id, "ann")
    assert {channel: status for channel, _, status in _statuses(alert_id)} == {
        "sms": "cancelled",
        "email": "pending",
        "file": "pending",
    }


def test_open_alerts_are_listed_newest_first_without_duplicates_or_resolved_ones(routes: None) -> None:
    first = _log()
    _log()
    second = _log(component="polymarket_api", severity="high")
    ended = _log(component="database")
    precog.resolve_alert(ended, "ann", "fixed")
    assert [each["alert_id"] for each in precog.get_unresolved_alerts()] == [second, first]
    assert [each["alert_id"] for each in precog.get_unresolved_alerts(severity="high")] == [second]
    assert [each["alert_id"] for each in precog.get_unresolved_alerts(component="kalshi_api")] == [first]
    assert precog.get_unresolved_alerts(environment="prod") == []


@pytest.mark.parametrize(
    "end",
    [lambda: precog.acknowledge_alert(41, "ann"), lambda: precog.resolve_alert(41, "ann", "fixed")],
)
def test_an_unknown_id_is_an_error_that_says_where_to_look(end: Callable[[], Any]) -> None:
    with pytest.raises(UnknownAlert, match=r"no alert 41 in environment demo.*precog alerts list"):
        end()


@pytest.mark.parametrize(
    "call",
    [
        lambda: precog.get_unresolved_alerts(limit=-1),
        lambda: precog.suppress_duplicate_alerts("0" * 32, window_minutes=10**9),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_with_its_bounds(call: Callable[[], Any]) -> None:
    with pytest.raises(AlertValueError, match="is not between"):
        call()


def test_an_unknown_resolution_action_names_the_known_ones(routes: None) -> None:
    with pytest.raises(AlertValueError, match="fixed, false_positive, ignored, escalated"):
        precog.resolve_alert(_log(), "ann", "done")


def _age(cursor: Cursor, *, hours: int) -> None:
    """Move every alert into the past, as only its owner can."""
    cursor.execute("ALTER TABLE alerts DISABLE TRIGGER alerts_append_only_trg")
    cursor.execute("UPDATE alerts SET triggered_at = triggered_at - make_interval(hours => %s)", [hours])
    cursor.execute("ALTER TABLE alerts ENABLE TRIGGER alerts_append_only_trg")
