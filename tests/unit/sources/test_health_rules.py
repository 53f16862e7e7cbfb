"""How a component is judged by its reports, and what is said of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.domain.health import HealthStatus, Incident, Patience, Report, Step, judge, next_step

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
PATIENCE = Patience(window=timedelta(seconds=300), bad_reports=2, stale_after=timedelta(seconds=180))
KINDS = {"h": HealthStatus.HEALTHY, "d": HealthStatus.DEGRADED, "x": HealthStatus.DOWN}


def _reports(history: str, *, every: int = 60, newest: int = 10) -> list[Report]:
    """`dh`: degraded now, healthy a minute before."""
    return [
        Report(status=KINDS[each], at=NOW - timedelta(seconds=newest + number * every))
        for number, each in enumerate(history)
    ]


@pytest.mark.parametrize(
    ("history", "status"),
    [
        ("", None),
        ("h", None),
        ("hhhhhh", HealthStatus.HEALTHY),
        ("d", None),
        ("dhhhhh", None),
        ("hdhhhh", None),
        ("dd", HealthStatus.DEGRADED),
        ("dhdhdh", HealthStatus.DEGRADED),
        ("hdhdhd", HealthStatus.DEGRADED),
        ("xd", HealthStatus.DEGRADED),
        ("xhx", HealthStatus.DOWN),
        ("hhhhhd", None),
        ("hhhhhhdd", HealthStatus.HEALTHY),
    ],
)
def test_trouble_takes_two_bad_reports_and_health_a_window_without_one(
    history: str, status: HealthStatus | None
) -> None:
    assert judge(_reports(history), NOW, PATIENCE) is status


@pytest.mark.parametrize(("newest", "status"), [(180, HealthStatus.HEALTHY), (181, HealthStatus.DOWN)])
def test_a_component_that_stopped_reporting_is_down(newest: int, status: HealthStatus) -> None:
    assert judge(_reports("hhhhhhh", newest=newest), NOW, PATIENCE) is status


def test_whoever_was_silent_is_not_well_at_the_first_word() -> None:
    reports = [*_reports("h"), *_reports("hhhhhh", newest=600)]
    assert judge(reports, NOW, PATIENCE) is None


def _incident(*, rank: int = 2, is_open: bool = True, by_a_person: bool = True) -> Incident:
    ended_at = None if is_open else NOW - timedelta(minutes=30)
    return Incident(alert_id=1, rank=rank, open=is_open, ended_at=ended_at, ended_by_a_person=by_a_person)


@pytest.mark.parametrize(
    ("status", "incident", "healthy_ago", "step"),
    [
        (HealthStatus.DEGRADED, None, None, Step.RAISE),
        (HealthStatus.DEGRADED, _incident(), None, Step.NOTHING),
        (HealthStatus.DOWN, _incident(), None, Step.RAISE),
        (HealthStatus.DOWN, _incident(rank=3), None, Step.NOTHING),
        (HealthStatus.DEGRADED, _incident(rank=3), None, Step.NOTHING),
        (None, _incident(), 1, Step.NOTHING),
        (HealthStatus.HEALTHY, _incident(), 1, Step.RESOLVE),
        (HealthStatus.HEALTHY, _incident(is_open=False), 1, Step.NOTHING),
        (HealthStatus.HEALTHY, None, 1, Step.NOTHING),
        (HealthStatus.DOWN, _incident(is_open=False), 40, Step.NOTHING),
        (HealthStatus.DOWN, _incident(is_open=False), None, Step.NOTHING),
        (HealthStatus.DOWN, _incident(is_open=False), 20, Step.RAISE),
        (HealthStatus.DOWN, _incident(is_open=False, by_a_person=False), 40, Step.RAISE),
    ],
    ids=[
        "new trouble",
        "known",
        "worse",
        "no worse",
        "better is not well",
        "not sure",
        "well again",
        "was ended before",
        "always well",
        "a person ended it and it goes on",
        "and it was never well",
        "it was well since",
        "it had ended by itself",
    ],
)
def test_what_is_said_of_a_component(
    status: HealthStatus | None, incident: Incident | None, healthy_ago: int | None, step: Step
) -> None:
    rank = 3 if status is HealthStatus.DOWN else 2
    healthy_at = None if healthy_ago is None else NOW - timedelta(minutes=healthy_ago)
    assert next_step(status, incident, rank=rank, healthy_at=healthy_at) is step


@given(st.text("hdx", min_size=12, max_size=60), st.integers(1, 4))
def test_a_flapping_component_is_never_told_of_twice_without_a_whole_healthy_window(history: str, bad: int) -> None:
    """One report a minute, judged after each: between two incidents lies a window of healthy reports."""
    patience = Patience(window=PATIENCE.window, bad_reports=bad, stale_after=PATIENCE.stale_after)
    incident: Incident | None = None
    healthy_in_a_row = 0
    for minute in range(len(history)):
        now = NOW + timedelta(minutes=minute)
        seen = [
            Report(status=KINDS[each], at=NOW + timedelta(minutes=number))
            for number, each in enumerate(history[: minute + 1])
        ]
        healthy_in_a_row = healthy_in_a_row + 1 if history[minute] == "h" else 0
        status = judge(seen[::-1], now, patience)
        step = next_step(status, incident, rank=2, healthy_at=None)
        if step is Step.RAISE:
            assert incident is None or not incident.open
            incident = _incident()
        elif step is Step.RESOLVE:
            assert healthy_in_a_row > 5
            incident = _incident(is_open=False, by_a_person=False)
