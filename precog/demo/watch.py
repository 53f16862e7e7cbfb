"""How the story stands, read from the database."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from precog.demo.outside import Mark, mark_of
from precog.demo.story import Scene, Shows
from precog.domain.alerts import Environment
from precog.domain.deliveries import DeliveryStatus
from precog.domain.records import AlertRecord, AttemptRecord, DeliveryRecord
from precog.render.visible import cut
from precog.settings.load import load_timing
from precog.store import alerts, deliveries

_LOOK_SECONDS = 0.2
_LONG_SEND_SECONDS = 12.0
"""Longer than any send over loopback, and than the channels' own limit."""
_MOVING = {DeliveryStatus.PENDING, DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A scene that has been played."""

    scene: Scene
    alert_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one alert of the story."""

    scene: Scene
    alert: AlertRecord
    deliveries: tuple[DeliveryRecord, ...]
    attempts: tuple[AttemptRecord, ...]

    def attempts_of(self, delivery: DeliveryRecord) -> list[AttemptRecord]:
        return [each for each in self.attempts if each["delivery_id"] == delivery["delivery_id"]]

    def is_expected_to_wait(self, delivery: DeliveryRecord) -> bool:
        return self.scene.shows is Shows.OVER_LIMIT and delivery["channel"] == "sms"


def read(story: Sequence[Logged]) -> list[Outcome]:
    return [
        Outcome(
            scene=each.scene,
            alert=alerts.get(each.alert_id, Environment.DEMO),
            deliveries=tuple(deliveries.of_alert(each.alert_id)),
            attempts=tuple(deliveries.attempts_of_alert(each.alert_id)),
        )
        for each in story
    ]


def asked_for() -> frozenset[Mark]:
    """Every message that some delivery accounts for, those of the alerts that Precog raises about itself included."""
    every = alerts.newest(Environment.DEMO, duplicates=True, most=1000)
    return frozenset(mark_of(alert, each) for alert in every for each in deliveries.of_alert(alert["alert_id"]))


def moving(outcomes: Sequence[Outcome], *channels: str) -> list[DeliveryRecord]:
    """The deliveries that have not come to rest yet, of these channels, or of all."""
    every = [delivery for outcome in outcomes for delivery in outcome.deliveries]
    return [each for each in every if each["status"] in _MOVING and (not channels or each["channel"] in channels)]


def progress(outcomes: Sequence[Outcome], *, now: datetime) -> str:
    """How many deliveries have come to rest, and what the first of the others waits for."""
    left = moving(outcomes)
    total = sum(len(outcome.deliveries) for outcome in outcomes)
    done = f"{total - len(left)} of {total} deliveries done"
    return f"{done}; waiting for {_reason(left[0], now)}" if left else done


def _reason(delivery: DeliveryRecord, now: datetime) -> str:
    seconds = (delivery["next_attempt_at"] - now).total_seconds()
    match delivery["status"]:
        case DeliveryStatus.SENDING if seconds < -_LONG_SEND_SECONDS:
            lease = load_timing().lease_seconds
            return f"{delivery['channel']}: its worker died; taken over {lease} s after the send began"
        case DeliveryStatus.PENDING if delivery["last_error"]:
            return f"{delivery['channel']}: {cut(delivery['last_error'], 50)}; next try in {max(0.0, seconds):.0f} s"
        case _:
            return str(delivery["channel"])


def wait(
    story: Sequence[Logged],
    done: Callable[[Sequence[Outcome]], bool],
    show: Callable[[Sequence[Outcome]], None],
    *,
    seconds: float,
) -> list[Outcome]:
    """Look until it is `done` or the time is up; how it stood at the last look."""
    deadline = time.monotonic() + seconds
    while True:
        outcomes = read(story)
        show(outcomes)
        if done(outcomes) or time.monotonic() > deadline:
            return outcomes
        time.sleep(_LOOK_SECONDS)
