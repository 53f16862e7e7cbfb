"""The fault suite's own eyes: each invariant sees what it is named for, as `make chaos-mutants` shows at length."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.chaos import invariants
from tests.chaos.facts import Acceptance, Alert, Attempt, Call, Delivery, Facts

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
ALERT = Alert(alert_id=7, alert_uuid="u", component="a-1", severity="low", planned=True, notify=True)


def _delivery(**changes: Any) -> Delivery:
    fields: dict[str, Any] = {
        "delivery_id": "d",
        "alert_id": 7,
        "channel": "webhook",
        "status": "sent",
        "attempts": 1,
        "error_code": None,
        "folded_into": None,
        "due": True,
    }
    return Delivery(**fields | changes)


def _try(number: int, outcome: str | None, begins: float, ends: float | None, code: str | None = None) -> Attempt:
    return Attempt(
        delivery_id="d",
        attempt=number,
        started_at=NOON + timedelta(seconds=begins),
        finished_at=None if ends is None else NOON + timedelta(seconds=ends),
        outcome=outcome,
        error_code=code,
    )


def _taken(*moments: float, channel: str = "webhook") -> list[Acceptance]:
    return [Acceptance(at=moment, channel=channel, identity="d", to="", answered=True) for moment in moments]


def _facts(**changes: Any) -> Facts:
    fields: dict[str, Any] = {
        "calls": [Call(component="a-1", severity="low", began=0, seconds=0.01, alert_id=7)],
        "acceptances": _taken(1.0),
        "alerts": [ALERT],
        "deliveries": [_delivery()],
        "attempts": [_try(1, "accepted", 0, 1)],
    }
    return Facts(**fields | changes)


def test_what_went_well_breaks_nothing() -> None:
    assert [each.invariant for each in invariants.always(_facts()) if not each.holds] == []


def _early(facts: Facts) -> invariants.Finding:
    return invariants.leased(facts, seconds=8)


@pytest.mark.parametrize(
    ("look", "changes"),
    [
        (invariants.stored, {"alerts": []}),
        (invariants.once, {"alerts": [ALERT, ALERT]}),
        (invariants.lost, {"deliveries": [_delivery(status="pending")]}),
        (invariants.lost, {"deliveries": []}),
        (invariants.honest, {"acceptances": []}),
        (invariants.honest, {"attempts": [_try(1, "accepted", 0, 1), _try(2, "transient", 2, 3)]}),
        (invariants.honest, {"deliveries": [_delivery(status="failed")]}),
        (invariants.explained, {"acceptances": _taken(1.0, 2.0)}),
        (_early, {"attempts": [_try(1, "unknown", 0, 7, "lease_expired"), _try(2, "accepted", 8, 9)]}),
        (_early, {"attempts": [_try(1, "accepted", 0, 2), _try(2, "accepted", 3, 4)]}),
        (invariants.one_at_a_time, {"attempts": [_try(1, "unknown", 0, 3), _try(2, "accepted", 2, 4)]}),
        (invariants.one_at_a_time, {"attempts": [_try(1, None, 0, None), _try(2, "accepted", 2, 4)]}),
        (invariants.sms, {"acceptances": _taken(0, 1, 2, 3, 4, 3599, channel="sms")}),
        (invariants.clear, {"calls": [Call(component="a", severity="low", began=0, seconds=1, error="OSError")]}),
    ],
)
def test_what_went_wrong_breaks_the_invariant_that_is_named_for_it(
    look: Callable[[Facts], invariants.Finding], changes: dict[str, Any]
) -> None:
    assert look(_facts()).holds
    assert look(_facts(**changes)).holds is False


def test_a_duplicate_that_a_try_accounts_for_is_explained() -> None:
    tries = [_try(1, "unknown", 0, 8, "lease_expired"), _try(2, "accepted", 9, 10)]
    assert invariants.explained(_facts(acceptances=_taken(1.0, 9.5), attempts=tries)).holds


def test_windows_slide() -> None:
    assert invariants.most_within([0, 1, 2, 3, 4, 3600], 3600) == 5
    assert invariants.most_within([0, 1, 2, 3, 4, 3599.9], 3600) == 6
