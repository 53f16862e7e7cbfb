"""Positions that are not managed as they should be: larger than they may be, or tried to be left in vain."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

from precog.domain.alerts import NewAlert
from precog.settings import process
from precog.settings.methods import FailingExit, OversizedPosition, PositionManagementFile
from precog.settings.thresholds import Thresholds
from precog.sources.raising import Record, alert_about, end_by_itself, end_those_of_ended_positions, raise_if_worse
from precog.sources.thresholds import current_thresholds
from precog.store import sources, trading
from precog.store.sources import Leaving, Sized

OVERSIZED, FAILING = "position_oversized", "exit_failing"
COMPONENT = "position_manager"
UNTRADED = timedelta(minutes=1)
"""How old a position has to be, that no trade names, to be held to the default profile."""


def check_positions(*, now: datetime | None = None, thresholds: Thresholds | None = None) -> list[int]:
    """Tell of each open position that cost too much, and of each that is tried to be left in vain; the alerts' ids.

    Once for each step that it reaches. An alert about an exit ends when one fills, or with the position; one about the
    size an hour after its position. Raises StoreError, ConfigError.
    """
    rules = (thresholds or current_thresholds()).position_management
    moment = now or trading.now()
    _end_those_that_are_over(moment)
    raised = [raise_if_worse(alert) for alert in _found(rules, moment, at=now)]
    return [alert_id for alert_id in raised if alert_id is not None]


def _found(rules: PositionManagementFile, now: datetime, *, at: datetime | None) -> Iterator[NewAlert]:
    for position in sources.sized_positions(begun_before=now - UNTRADED):
        limit, whose = limit_of(position, rules)
        if position.dollars >= limit * rules.alerts.position_oversized.at:
            yield _oversized(position, limit, whose, rules.alerts.position_oversized, at)
    for leaving in sources.failing_exits(now):
        if leaving.attempts >= rules.alerts.exit_failing.attempts:
            yield _failing(leaving, rules.alerts.exit_failing, at)


def limit_of(position: Sized, rules: PositionManagementFile) -> tuple[Decimal, str]:
    """What it may cost in dollars, and who says so."""
    if position.most is not None and position.most > 0:
        return position.most, f"method {position.method}"
    return rules.profiles[rules.default_profile].max_position_dollars, f"profile {rules.default_profile}"


def _oversized(position: Sized, limit: Decimal, whose: str, rule: OversizedPosition, at: datetime | None) -> NewAlert:
    times = (position.dollars / limit).quantize(Decimal("0.0001"), ROUND_FLOOR)
    return alert_about(
        Record(table="positions", id=position.position_id),
        alert_type=OVERSIZED,
        severity=rule.severity,
        component=COMPONENT,
        message=f"Position {position.position_id} on {position.market_id} cost {position.dollars:.2f} dollars,"
        f" {times:.2f} times the {limit:.2f} that {whose} allows",
        details={
            "position_id": position.position_id,
            "market_id": position.market_id,
            "platform_id": position.platform_id,
            "dollars": position.dollars,
            "times": times,
            "limit": limit,
            "limit_of": whose,
            "at": rule.at,
        },
        occurred_at=at,
    )


def _failing(leaving: Leaving, rule: FailingExit, at: datetime | None) -> NewAlert:
    return alert_about(
        Record(table="exit_attempts", id=leaving.first_attempt_id),
        alert_type=FAILING,
        severity=rule.severity,
        component=COMPONENT,
        message=f"{leaving.attempts} attempts in a row to leave position {leaving.position_id} on {leaving.market_id}"
        f" failed, the last one for {leaving.exit_condition}",
        details={
            "position_id": leaving.position_id,
            "market_id": leaving.market_id,
            "platform_id": leaving.platform_id,
            "attempts": leaving.attempts,
            "limit": rule.attempts,
            "exit_condition": leaving.exit_condition,
            "priority_level": leaving.priority_level,
        },
        occurred_at=at,
    )


def _end_those_that_are_over(now: datetime) -> None:
    here = process.environment()
    end_those_of_ended_positions((OVERSIZED,), here, now=now)
    for alert_id in sources.alerts_of_ended_exits(here):
        end_by_itself(alert_id, here, notes="an exit has filled, or the position has ended")
