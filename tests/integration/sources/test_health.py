"""Components over real rows: one incident however they flap, and checks that do not wait."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from precog import get_unresolved_alerts, resolve_alert
from precog.domain.health import HealthStatus, Step
from precog.errors import AlertValueError
from precog.sources import Check, check_health, report_health, run_checks
from precog.sources.checks import own_checks
from precog.sources.watch import watch_once

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]

BEGIN = datetime(2026, 11, 23, 12, tzinfo=UTC)
KINDS = {"h": "healthy", "d": "degraded", "x": "down", ".": None}


def _live(history: str, *, minute: int = 0, component: str = "kalshi_api") -> list[Step]:
    """One letter a minute, judged after each; a dot is silence."""
    steps = []
    for number, letter in enumerate(history):
        now = BEGIN + timedelta(minutes=minute + number)
        if (status := KINDS[letter]) is not None:
            report_health(component, status, at=now)
        steps.append(check_health(now=now)[component])
    return steps


def test_a_component_that_flaps_is_one_incident_and_ends_when_it_is_well_for_long(precog_env: object, sql: Run) -> None:
    assert _live("hhhhhhdhdhdhhdhh").count(Step.RAISE) == 1
    [alert] = get_unresolved_alerts()
    assert (alert["alert_type"], alert["severity"], alert["component"]) == ("health_degraded", "medium", "kalshi_api")
    told = sql("SELECT health_id::text FROM system_health WHERE alert_sent")
    assert [(alert["source_table"], alert["source_id"])] == [("system_health", health_id) for (health_id,) in told]

    assert _live("hhhh", minute=16) == [Step.NOTHING] * 3 + [Step.RESOLVE]
    assert get_unresolved_alerts() == []
    assert Step.RAISE in _live("dd", minute=20)


def test_degraded_that_becomes_down_is_told_again_as_worse(precog_env: object) -> None:
    assert _live("hddxx").count(Step.RAISE) == 2
    assert [each["severity"] for each in get_unresolved_alerts()] == ["high", "medium"]


def test_a_component_that_stops_reporting_is_told_of_once(precog_env: object) -> None:
    assert _live("hhh.......").count(Step.RAISE) == 1
    [alert] = get_unresolved_alerts()
    assert (alert["severity"], alert["message"]) == ("high", "kalshi_api has not reported for 240 seconds")


def test_an_incident_that_a_person_ended_does_not_begin_again_by_itself(precog_env: object, sql: Run) -> None:
    _live("hhh....")
    [alert] = get_unresolved_alerts()
    resolve_alert(alert["alert_id"], "ann", "ignored", "switched off for good")

    assert _live("...", minute=7) == [Step.NOTHING] * 3

    sql("UPDATE system_health SET last_check = clock_timestamp()")
    assert get_unresolved_alerts() == []


def test_a_mistake_in_a_report_names_the_field(precog_env: object) -> None:
    with pytest.raises(AlertValueError, match="status: 'sick' is not one of healthy, degraded, down"):
        report_health("kalshi_api", "sick")
    with pytest.raises(AlertValueError, match="component"):
        report_health("", "healthy")


def test_what_was_measured_is_kept_without_its_secrets(precog_env: object, sql: Run) -> None:
    report_health("kalshi_api", "DOWN", {"latency_ms": 812, "api_key": "canary"})
    [(status, details)] = sql("SELECT status, details FROM system_health")
    assert (status, details["latency_ms"]) == ("down", 812)
    assert "canary" not in str(details)


def test_a_check_that_hangs_is_down_in_its_time_and_holds_up_no_other(precog_env: object, sql: Run) -> None:
    release = threading.Event()
    hanging, failing = Check(component="feed", ask=release.wait), Check(component="model", ask=lambda: 1 // 0)
    well = Check(component="risk", ask=lambda: None)

    found = run_checks([hanging, failing, well], seconds=0.05)
    again, details = hanging.run(0.05)
    release.set()

    assert found == {"feed": HealthStatus.DOWN, "model": HealthStatus.DOWN, "risk": HealthStatus.HEALTHY}
    assert (again, details) == (HealthStatus.DOWN, {"error": "the last check has not come back yet"})
    assert sql("SELECT component, details ->> 'error' FROM system_health ORDER BY component") == [
        ("feed", "no answer within 0.05 s"),
        ("model", "ZeroDivisionError: integer division or modulo by zero"),
        ("risk", None),
    ]


def test_a_check_that_came_back_is_asked_again(precog_env: object) -> None:
    release = threading.Event()
    check = Check(component="feed", ask=lambda: release.wait(5))
    assert check.run(0.01)[0] is HealthStatus.DOWN
    release.set()
    check._running.join(5)  # type: ignore[union-attr]
    assert check.run(5)[0] is HealthStatus.HEALTHY


def test_both_servers_are_checked(precog_env: pytest.MonkeyPatch, sql: Run) -> None:
    assert set(run_checks(own_checks(), seconds=5).values()) == {HealthStatus.HEALTHY}

    precog_env.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert run_checks(own_checks(), seconds=5) == {"database": HealthStatus.HEALTHY, "redis": HealthStatus.DOWN}

    watch_once()
    assert [each["component"] for each in get_unresolved_alerts()] == ["redis"]
