"""Asking Twilio what became of an SMS, where it cannot call back: soon, ever more seldom, shared among recoveries."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg2.extensions
import pytest

import precog
from precog import pacing
from precog.channels.registry import KINDS
from precog.courier import Courier, open_courier
from precog.delivery import deliver
from precog.domain.alerts import Environment
from precog.domain.deliveries import Doorbell
from precog.localstack.receivers import Fault, Reply
from precog.recovery.process import Recovery
from precog.settings.load import load_settings
from precog.store import channels, deliveries, upkeep
from tests.waiting import eventually

pytestmark = pytest.mark.integration

DEMO = Environment.DEMO
Cursor = psycopg2.extensions.cursor


@pytest.fixture
def sent(courier: Courier) -> UUID:
    """An SMS that Twilio accepted."""
    alert_id = precog.log_alert("api_failures", "critical", "kalshi_api", "5 failures in 5 minutes")
    [sms] = [UUID(each["delivery_id"]) for each in deliveries.of_alert(alert_id) if each["channel"] == "sms"]
    deliver(courier, "sms", sms)
    return sms


def _ago(cursor: Cursor, seconds: float) -> None:
    cursor.execute(
        "UPDATE alert_deliveries SET finished_at = clock_timestamp() - make_interval(secs => %s) WHERE status = 'sent'",
        [seconds],
    )


def _receipt(cursor: Cursor, delivery_id: UUID) -> tuple[Any, ...]:
    cursor.execute(
        "SELECT receipt, receipt_code, receipt_error FROM alert_deliveries WHERE delivery_id = %s", [str(delivery_id)]
    )
    return cursor.fetchall()[0]


def _awaiting(courier: Courier, **changes: Any) -> list[Doorbell]:
    asked: dict[str, Any] = {"max_age_seconds": pacing.RECEIPT_LOOKS_END, "not_channels": [], "most": 10}
    return upkeep.awaiting_receipts(DEMO, ages=courier.receipt_looks, **asked | changes)


def _beat(courier: Courier) -> None:
    recovery = Recovery(courier)
    recovery.beat()
    recovery.close()


def _sid(outside: Any) -> str:
    return f"SM{len([each for each in outside.twilio.received if each.method == 'POST']):032x}"


def test_without_a_public_address_twilio_is_asked(
    courier: Courier, sent: UUID, outside: Any, db_cursor: Cursor
) -> None:
    assert "StatusCallback" not in outside.twilio.received[0].form
    _beat(courier)
    assert len(outside.twilio.received) == 1, "not in its first seconds"
    outside.twilio.becomes(_sid(outside), "delivered")
    _ago(db_cursor, 6)
    _beat(courier)
    assert outside.twilio.received[1].path.endswith(f"/Messages/{_sid(outside)}.json")
    assert _receipt(db_cursor, sent) == ("delivered", None, None)
    _ago(db_cursor, 60)
    _beat(courier)
    assert len(outside.twilio.received) == 2, "what is known is not asked again"


def test_what_twilio_could_not_deliver_is_learnt_with_its_reason(
    courier: Courier, sent: UUID, outside: Any, db_cursor: Cursor
) -> None:
    outside.twilio.becomes(_sid(outside), "undelivered", error_code=30005)
    _ago(db_cursor, 6)
    _beat(courier)
    assert _receipt(db_cursor, sent) == ("undelivered", "30005", "the number does not exist, or is not in use")


def test_an_account_that_delivers_nothing_is_learnt_by_asking_too(
    courier: Courier, sent: UUID, outside: Any, db_cursor: Cursor
) -> None:
    outside.twilio.becomes(_sid(outside), "undelivered", error_code=30032)
    _ago(db_cursor, 6)
    _beat(courier)
    assert [each.channel for each in channels.paused(DEMO)] == ["sms"]


def test_it_is_asked_about_so_often_and_no_more(courier: Courier, sent: UUID, db_cursor: Cursor) -> None:
    looks = 0
    for age in range(0, 4_000, 5):
        _ago(db_cursor, age + 0.5)
        looks += len(_awaiting(courier))
    assert looks == len(pacing.RECEIPT_LOOKS)


def test_a_recovery_that_was_away_asks_once_for_all_that_it_missed_and_not_about_what_is_old(
    courier: Courier, sent: UUID, db_cursor: Cursor
) -> None:
    _ago(db_cursor, pacing.RECEIPT_LOOKS_END + 1)
    assert _awaiting(courier) == []
    _ago(db_cursor, 3_600)
    assert len(_awaiting(courier)) == 1
    assert _awaiting(courier) == []


def test_of_several_recoveries_one_asks(courier: Courier, sent: UUID, db_cursor: Cursor) -> None:
    _ago(db_cursor, 6)
    with ThreadPoolExecutor(6) as recoveries:
        asked = list(recoveries.map(lambda _: _awaiting(courier), range(6)))
    assert sum(map(len, asked)) == 1


def test_who_has_no_settings_for_the_channel_uses_none_of_its_looks(
    courier: Courier, sent: UUID, outside: Any, db_cursor: Cursor
) -> None:
    _ago(db_cursor, 6)
    _beat(replace(courier, channels={}))
    assert len(outside.twilio.received) == 1
    _beat(courier)
    assert len(outside.twilio.received) == 2


def test_where_twilio_calls_back_it_is_asked_only_when_that_is_late(
    courier: Courier, precog_env: pytest.MonkeyPatch
) -> None:
    precog_env.setenv("PRECOG_PUBLIC_URL", "https://alerts.example.com/")
    called_back = open_courier(load_settings(channels={name: kind.settings for name, kind in KINDS.items()}))
    deadline = courier.policy.receipt_deadline_seconds.critical
    assert deadline is not None
    assert min(courier.receipt_looks) < min(called_back.receipt_looks) < deadline


def test_a_provider_that_answers_nothing_holds_up_no_beat_and_changes_nothing(
    courier: Courier, sent: UUID, outside: Any, db_cursor: Cursor
) -> None:
    _ago(db_cursor, 6)
    outside.twilio.script(Reply(fault=Fault.HANG))
    recovery = Recovery(courier)
    began = time.monotonic()
    recovery.beat()
    assert time.monotonic() - began < 5
    eventually(lambda: len(outside.twilio.received) == 2)
    recovery.close()
    assert _receipt(db_cursor, sent) == ("queued", None, None)


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_a_provider_that_will_not_say_changes_nothing(
    courier: Courier, sent: UUID, outside: Any, db_cursor: Cursor, status: int
) -> None:
    _ago(db_cursor, 6)
    outside.twilio.script(Reply(status=status, body=b'{"code": 20003, "message": "no"}'))
    _beat(courier)
    assert _receipt(db_cursor, sent) == ("queued", None, None)
    assert channels.paused(DEMO) == []
