"""Recovery beside people and workers: it waits for none of their transactions, and none of them for it in a circle."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from uuid import UUID

import psycopg2
import psycopg2.extensions
import pytest

import precog
from precog.courier import Courier
from precog.delivery import deliver
from precog.domain.alerts import Environment
from precog.recovery import duties
from precog.store import attempts, channels, deliveries, upkeep
from tests.waiting import eventually

pytestmark = pytest.mark.integration

DEMO = Environment.DEMO
Cursor = psycopg2.extensions.cursor


@pytest.fixture
def waiting(courier: Courier) -> dict[str, UUID]:
    """The deliveries of a fresh critical alert, by channel."""
    alert_id = precog.log_alert("api_failures", "critical", "kalshi_api", "5 failures in 5 minutes")
    return {each["channel"]: UUID(each["delivery_id"]) for each in deliveries.of_alert(alert_id)}


def _claimed(courier: Courier, waiting: dict[str, UUID], cursor: Cursor) -> None:
    assert attempts.claim(waiting["email"], "email", courier.terms) is not None
    cursor.execute("UPDATE alert_deliveries SET lease_until = clock_timestamp() WHERE status = 'sending'")


def _paused(courier: Courier, waiting: dict[str, UUID], cursor: Cursor) -> None:
    channels.pause(DEMO, "email", error_code="535", reason="refused")


def _held(courier: Courier, waiting: dict[str, UUID], cursor: Cursor) -> None:
    cursor.execute("UPDATE alert_deliveries SET status = 'held', error_code = 'paused'")


def _folded(courier: Courier, waiting: dict[str, UUID], cursor: Cursor) -> None:
    cursor.execute(
        "UPDATE alert_deliveries SET status = 'held', folded_into = %s WHERE channel = 'sms'", [str(waiting["email"])]
    )
    cursor.execute("UPDATE alert_deliveries SET status = 'held' WHERE channel = 'email'")


@pytest.mark.parametrize(
    ("prepare", "duty"),
    [
        (_claimed, duties.take_over),
        (lambda *_: None, lambda courier: upkeep.expire(DEMO, (0, 0, 0, 0), most=10)),
        (_paused, lambda courier: upkeep.hold_paused(DEMO, most=10)),
        (_held, lambda courier: upkeep.free_held(DEMO, most=10)),
        (_folded, lambda courier: upkeep.settle_folded(DEMO, most=10)),
    ],
    ids=["take over", "expire", "hold", "free", "settle"],
)
def test_what_somebody_is_ending_is_left_for_a_later_beat(
    courier: Courier,
    waiting: dict[str, UUID],
    db_cursor: Cursor,
    database_url: str,
    prepare: Callable[[Courier, dict[str, UUID], Cursor], None],
    duty: Callable[[Courier], int],
) -> None:
    prepare(courier, waiting, db_cursor)
    with closing(psycopg2.connect(database_url)) as ending, ending.cursor() as cursor:
        cursor.execute("SELECT FROM alerts FOR NO KEY UPDATE")
        assert duty(courier) == 0
        ending.rollback()
    assert duty(courier) > 0


def test_an_sms_that_is_held_while_its_alert_is_resolved_ends_no_one_in_a_deadlock(
    courier: Courier, waiting: dict[str, UUID], database_url: str, db_cursor: Cursor
) -> None:
    full = replace(courier, sms_limits=replace(courier.sms_limits, per_hour=0))
    with closing(psycopg2.connect(database_url)) as resolving, ThreadPoolExecutor(1) as worker:
        with resolving.cursor() as cursor:
            cursor.execute("SELECT FROM alerts FOR NO KEY UPDATE")
            held = worker.submit(deliver, full, "sms", waiting["sms"])
            eventually(lambda: _somebody_waits(db_cursor))
            cursor.execute("UPDATE alert_deliveries SET status = 'cancelled', finished_at = now()")
            resolving.commit()
        assert held.result() is None
    assert deliveries.standing(waiting["sms"]).status == "cancelled"


def _somebody_waits(cursor: Cursor) -> bool:
    cursor.execute("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
    return cursor.fetchone() is not None
