"""One plain test for each line REQ-ALERT of docs/MASTER_REQUIREMENTS.md: what a user could check with his own hands."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg2
import psycopg2.extensions
import pytest

import precog
from precog.alert_manager import calculate_fingerprint
from precog.channels.registry import KINDS
from precog.courier import Courier, open_courier
from precog.delivery import deliver
from precog.domain.alerts import Environment, ResolutionAction, Severity
from precog.errors import AlertValueError
from precog.localstack.receivers import Reply
from precog.resources import resource
from precog.settings.load import load_settings
from precog.settings.model import ChannelOff, Settings
from precog.settings.routes import planned_routes
from precog.store import alerts, channels, deliveries
from tests.outside import Outside

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor
DEMO = Environment.DEMO


def _settings() -> Settings:
    return load_settings(channels={name: kind.settings for name, kind in KINDS.items()})


@pytest.fixture
def courier(configured: None) -> Iterator[Courier]:
    """Every channel on, and the routes of the shipped configuration written."""
    yield from _open_courier()


def _open_courier() -> Iterator[Courier]:
    settings = _settings()
    channels.write_routes(settings.environment, planned_routes(settings, KINDS))
    courier = open_courier(settings)
    yield courier
    for each in courier.channels.values():
        each.close()


def _log(severity: str = "critical", **changes: Any) -> int:
    call: dict[str, Any] = {"alert_type": "api_failures", "component": "kalshi_api", "message": "5 failures"}
    return precog.log_alert(severity=severity, **call | changes)


def _deliver(courier: Courier, alert_id: int, *only: str) -> None:
    for each in deliveries.of_alert(alert_id):
        if not only or each["channel"] in only:
            deliver(courier, each["channel"], UUID(each["delivery_id"]))


def _channels_of(alert_id: int) -> set[str]:
    return {each["channel"] for each in deliveries.of_alert(alert_id)}


@pytest.mark.usefixtures("precog_env")
def test_001_every_alert_is_a_row_of_one_table(db_cursor: Cursor) -> None:
    alert_id = _log("high", details={"count": 5})
    db_cursor.execute("SELECT severity, component, message, details FROM alerts WHERE alert_id = %s", [alert_id])
    assert db_cursor.fetchall() == [("high", "kalshi_api", "5 failures", {"count": 5})]


@pytest.mark.usefixtures("precog_env")
def test_002_there_are_four_severities_and_no_fifth(db_cursor: Cursor) -> None:
    for severity in ("critical", "high", "medium", "low"):
        assert alerts.get(_log(severity), DEMO)["severity"] == severity
    with pytest.raises(AlertValueError, match="critical, high, medium, low"):
        _log("urgent")
    with pytest.raises(psycopg2.errors.CheckViolation, match="alerts_severity_check"):
        db_cursor.execute(
            "INSERT INTO alerts (alert_uuid, alert_type, severity, component, message, fingerprint, planned,"
            " incident_id, environment, request_hash)"
            " VALUES (gen_random_uuid(), 't', 'urgent', 'c', 'm', repeat('0', 32), true, 1, 'demo', repeat('0', 64))"
        )


@pytest.mark.usefixtures("precog_env")
@pytest.mark.parametrize("severity", ["critical", "high"])
def test_003_an_acknowledgement_keeps_who_when_and_what_they_said(severity: str) -> None:
    alert_id = _log(severity)
    precog.acknowledge_alert(alert_id, "ann", "on it")
    alert = alerts.get(alert_id, DEMO)
    assert (alert["acknowledged_by"], alert["acknowledged_notes"]) == ("ann", "on it")
    assert alert["acknowledged_at"] is not None
    assert alert["acknowledged_at"] >= alert["triggered_at"]


@pytest.mark.usefixtures("precog_env")
@pytest.mark.parametrize("action", ["fixed", "false_positive", "ignored", "escalated"])
def test_004_a_resolution_keeps_who_when_how_and_what_they_said(action: str) -> None:
    assert action in set(ResolutionAction)
    alert_id = _log()
    precog.resolve_alert(alert_id, "ann", action, "restarted")
    alert = alerts.get(alert_id, DEMO)
    assert (alert["resolved_by"], alert["resolution_action"], alert["resolved_notes"]) == ("ann", action, "restarted")
    assert alert["resolved_at"] is not None
    assert alert_id not in {each["alert_id"] for each in precog.get_unresolved_alerts()}


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("channel", ["console", "file", "email", "sms", "slack", "webhook"])
def test_005_each_channel_can_be_switched_off_by_itself(
    channel: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not [each for each in _settings().channels.values() if isinstance(each, ChannelOff)], "all six are on"
    mine = shutil.copytree(resource("config"), tmp_path / "config")
    system = (mine / "system.yaml").read_text()
    (mine / "system.yaml").write_text(
        system.replace(f"  {channel}:\n    enabled: true", f"  {channel}:\n    enabled: false")
    )
    monkeypatch.setenv("PRECOG_CONFIG_DIR", str(mine))
    off = {name for name, each in _settings().channels.items() if isinstance(each, ChannelOff)}
    assert off == {channel}


def test_006_critical_goes_everywhere_low_to_the_file_and_the_rest_as_configured(courier: Courier) -> None:
    reached = {each: _channels_of(_log(each.value, component=f"of {each}")) for each in Severity}
    assert reached[Severity.CRITICAL] == {"console", "file", "email", "sms", "slack", "webhook"}
    assert reached[Severity.LOW] == {"file"}
    routing = {severity: set(_settings().routing[severity]) for severity in Severity}
    assert reached == routing


@pytest.mark.usefixtures("precog_env")
def test_007_the_fingerprint_is_the_md5_of_type_component_and_key_details() -> None:
    canonical = json.dumps(["api_failures", "kalshi_api", {"platform_id": "kalshi"}], separators=(",", ":"))
    expected = hashlib.md5(canonical.encode(), usedforsecurity=False).hexdigest()
    assert calculate_fingerprint("api_failures", "kalshi_api", {"platform_id": "kalshi"}) == expected
    alert_id = _log(details={"platform_id": "kalshi", "count": 5})
    assert alerts.get(alert_id, DEMO)["fingerprint"] == expected


def test_008_a_storm_of_equal_alerts_is_told_once(courier: Courier, outside: Outside) -> None:
    first, *others = [_log() for _ in range(30)]
    for alert_id in (first, *others):
        _deliver(courier, alert_id, "email", "slack")
    assert (len(outside.mail.letters), len(outside.slack.received)) == (1, 1)
    assert all(alerts.get(alert_id, DEMO)["duplicate_of"] == first for alert_id in others)


def test_009_mail_goes_over_smtp_to_those_named_for_the_severity(
    configured: None, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRITICAL_ALERT_EMAILS", "ann@example.com,bob@example.com")
    monkeypatch.setenv("HIGH_ALERT_EMAILS", "carol@example.com")
    for courier in _open_courier():
        _deliver(courier, _log("critical"), "email")
        _deliver(courier, _log("high", component="polymarket_api"), "email")
    got = [recipient for letter in outside.mail.letters for recipient in letter.recipients]
    assert sorted(got) == ["ann@example.com", "bob@example.com", "carol@example.com"]


def test_010_sms_go_over_twilio_five_an_hour_and_twenty_a_day(courier: Courier, outside: Outside) -> None:
    assert (courier.sms_limits.per_hour, courier.sms_limits.per_day) == (5, 20)
    for number in range(7):
        _deliver(courier, _log(alert_type=f"alert_{number}"), "sms")
    assert [each.form["To"] for each in outside.twilio.received] == ["+15550100002"] * 5


def test_011_the_alert_says_which_channels_how_many_tries_and_what_failed(courier: Courier, outside: Outside) -> None:
    outside.slack.script(Reply(status=503))
    alert_id = _log()
    _deliver(courier, alert_id, "email", "slack", "file")
    alert = alerts.get(alert_id, DEMO)
    assert alert["notification_attempts"] == 3
    assert (
        alert["notification_channels"] | {"email": "sent", "file": "sent", "slack": "pending"}
        == (alert["notification_channels"])
    )
    assert list(alert["notification_errors"] or {}) == ["slack"]


@pytest.mark.usefixtures("precog_env")
def test_012_an_alert_names_the_record_that_raised_it(db_cursor: Cursor) -> None:
    alert_id = _log(source_table="circuit_breaker_events", source_id=7)
    db_cursor.execute("SELECT alert_id FROM alerts WHERE source_table = 'circuit_breaker_events' AND source_id = '7'")
    assert db_cursor.fetchall() == [(alert_id,)]


def test_013_an_alert_of_production_is_nobodys_in_demo(courier: Courier) -> None:
    demo, production = _log(), _log(environment="prod")
    assert alerts.get(production, Environment.PROD)["environment"] == "prod"
    assert [each["alert_id"] for each in precog.get_unresolved_alerts()] == [demo]
    planned = deliveries.add(production, "file", "alerts")
    assert planned is not None
    assert deliver(courier, "file", planned) is None, "a worker of demo takes nothing of prod"


@pytest.mark.usefixtures("precog_env")
def test_014_details_hold_whatever_there_is_to_say_and_can_be_queried(db_cursor: Cursor) -> None:
    trace = 'Traceback (most recent call last):\n  File "feed.py", line 3'
    _log(details={"stack_trace": trace, "metrics": {"latency_ms": 812, "loss": Decimal("512.3000")}})
    db_cursor.execute(
        "SELECT details ->> 'stack_trace', details #>> '{metrics,loss}' FROM alerts"
        ' WHERE details @> \'{"metrics": {"latency_ms": 812}}\''
    )
    assert db_cursor.fetchall() == [(trace, "512.3000")]


@pytest.mark.parametrize(
    "condition",
    [
        "alert_type = 'api_failures'",
        "severity = 'critical'",
        "component = 'kalshi_api'",
        "triggered_at > now() - interval '1 hour'",
        "resolved_at > now() - interval '1 hour'",
    ],
)
def test_015_what_people_look_for_is_found_by_an_index(condition: str, db_cursor: Cursor) -> None:
    db_cursor.execute("SET enable_seqscan = off")  # an empty table is read whole, index or not
    db_cursor.execute(f"EXPLAIN (FORMAT JSON) SELECT alert_id FROM alerts WHERE {condition}")
    assert "Seq Scan" not in json.dumps(db_cursor.fetchone())
