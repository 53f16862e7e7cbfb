"""Alerts that are stored in one transaction are decided about as if each had come alone."""

import base64
import json
import os
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any
from uuid import uuid4

import psycopg2.errors
import psycopg2.extensions
import pytest
import redis

import precog
from precog import arguments, group_commit, intake, queue
from precog.domain.alerts import Environment, NewAlert, Severity
from precog.domain.routes import Route
from precog.errors import AlertStoreUnavailable, IdempotencyConflict
from precog.store import calls, channels
from tests.waiting import eventually

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor


@pytest.fixture(autouse=True)
def _routes(precog_env: pytest.MonkeyPatch) -> None:
    queue.reset()
    channels.write_routes(
        Environment.DEMO,
        [
            Route(environment=Environment.DEMO, severity=severity, channel=channel, recipient=channel)
            for severity in (Severity.CRITICAL, Severity.HIGH)
            for channel in ("email", "sms")
        ],
    )


def _new(trouble: object, severity: str = "high", **more: Any) -> NewAlert:
    return arguments.new_alert(
        **{
            "alert_type": "trade_failed",
            "severity": severity,
            "component": "executor",
            "message": "rejected",
            "details": {},
            "notify": True,
            "key_details": {"trouble": trouble},
            **more,
        }
    )


def test_the_first_of_equals_is_told_and_the_rest_are_its_duplicates_but_for_a_worse_one() -> None:
    some = [_new("a"), _new("b"), _new("a"), _new("a", "critical"), _new("a")]
    first, other, repeated, worse, last = calls.log(some, ring=True)
    assert [one.duplicate_of for one in (first, other, worse)] == [None] * 3
    assert repeated.duplicate_of == first.alert_id
    assert last.duplicate_of == worse.alert_id
    assert [len(one.doorbells) for one in (first, other, repeated, worse, last)] == [2, 2, 0, 2, 0]


def test_what_nobody_is_told_of_is_stored_beside_what_is_told() -> None:
    silent, told = calls.log([_new("a", notify=False), _new("a")], ring=True)
    assert silent.duplicate_of is told.duplicate_of is None
    assert [len(silent.doorbells), len(told.doorbells)] == [0, 2]


def test_a_call_that_was_stored_before_is_found_and_rung_for_again() -> None:
    before = _new("a")
    [stored] = calls.log([before], ring=True)
    again, new = calls.log([before, _new("b")], ring=True)
    assert (again.alert_id, again.duplicate_of) == (stored.alert_id, None)
    assert sorted(bell.delivery_id for bell in again.doorbells) == sorted(bell.delivery_id for bell in stored.doorbells)
    assert new.alert_id != stored.alert_id


def test_nobody_is_rung_for_where_the_broker_is_left_alone() -> None:
    assert [one.doorbells for one in calls.log([_new("a"), _new("b")], ring=False)] == [(), ()]


def test_one_that_is_refused_takes_the_others_of_its_transaction_along(db_cursor: Cursor) -> None:
    stored = _new("a")
    refused = _new("b", message="what a newer rule of the database refuses")
    object.__setattr__(refused, "request_hash", "no hash")
    with pytest.raises(psycopg2.errors.CheckViolation, match="alerts_request_hash_check"):
        calls.log([stored, refused], ring=True)
    db_cursor.execute("SELECT count(*) FROM alerts")
    assert db_cursor.fetchone() == (0,)


def test_the_same_call_twice_at_once_is_one_alert_and_rung_for_no_more_often_than_it_must() -> None:
    alert = _new("a")
    first, second = calls.log([alert, alert], ring=True)
    assert first == second
    assert len({bell.delivery_id for bell in first.doorbells}) == len(first.doorbells) == 2


def test_two_calls_of_one_key_at_once_are_one_alert_and_both_learn_whose_it_is() -> None:
    first, other = _new("a", idempotency_key="k"), _new("b", idempotency_key="k")
    stored, refused, new = calls.log([first, other, _new("c")], ring=True)
    assert stored.alert_id == refused.alert_id != new.alert_id
    assert stored.stored_before_as == refused.stored_before_as
    assert refused.stored_before_as in {first.request_hash, other.request_hash}


def test_what_one_environment_has_told_is_new_to_another() -> None:
    here, there = calls.log([_new("a"), _new("a", environment="prod")], ring=True)
    assert here.duplicate_of is there.duplicate_of is None


def test_a_lock_that_somebody_holds_on_one_of_several_leaves_each_the_time_to_wait_alone(db_cursor: Cursor) -> None:
    """Else who waits for the lock gets no answer in place of the server's own word, and others are held up as long."""
    locked = _new("a")
    db_cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (f"demo:{locked.fingerprint}",))
    with pytest.raises(AlertStoreUnavailable, match="55P03"):
        calls.log([locked, _new("b")], ring=True, within=1.5)
    assert calls.log([_new("b")], ring=True)[0].duplicate_of is None


def test_a_limit_of_time_that_the_caller_set_by_a_signal_ends_its_call_with_its_own_error(
    db_cursor: Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "_PATIENCE_SECONDS", 20.0)
    locked = _new("a")
    key = f"demo:{locked.fingerprint}"
    db_cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (key,))
    with ThreadPoolExecutor(2) as threads:
        busy = [threads.submit(intake.accept, _new("a")) for _ in range(2)]
        eventually(lambda: len(intake._group_commit_of(os.getpid())._at_work) == 2)
        before = signal.signal(signal.SIGALRM, _time_is_up)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(TimeoutError, match="the caller's own"):
                intake.accept(_new("b"))
        finally:
            signal.signal(signal.SIGALRM, before)
        db_cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (key,))
        assert len({each.result().alert_id for each in busy}) == 2


def _time_is_up(*_: object) -> None:
    raise TimeoutError("the caller's own")


def test_two_groups_with_the_same_fingerprints_in_another_order_never_wait_in_a_circle() -> None:
    """PostgreSQL would end one of them after a second, and its callers would try again alone."""
    troubles = [str(number) for number in range(8)]
    begin = threading.Barrier(2)

    def log_all(order: list[str]) -> None:
        begin.wait()
        for _ in range(40):
            calls.log([_new(trouble) for trouble in order], ring=False)

    with ThreadPoolExecutor(2) as threads:
        for each in [threads.submit(log_all, order) for order in (troubles, troubles[::-1])]:
            each.result(60)


def test_of_many_threads_each_gets_its_own_alert_and_each_delivery_is_rung_for_once(
    db_cursor: Cursor, redis_url: str
) -> None:
    numbers = count()

    def log_some(thread: int) -> list[tuple[int, str]]:
        return [
            (
                precog.log_alert(
                    "trade_failed", "high", "executor", f"{thread} {each}", key_details={"trouble": next(numbers) % 50}
                ),
                f"{thread} {each}",
            )
            for each in range(25)
        ]

    with ThreadPoolExecutor(12) as threads:
        found = [pair for some in threads.map(log_some, range(12)) for pair in some]
    db_cursor.execute("SELECT alert_id, message, notify FROM alerts")
    rows = db_cursor.fetchall()
    assert sorted((alert_id, message) for alert_id, message, _ in rows) == sorted(found)
    assert sum(notify for _, _, notify in rows) == 50
    db_cursor.execute("SELECT delivery_id::text, channel FROM alert_deliveries")
    assert Counter(db_cursor.fetchall()) == Counter(_rung_for(redis_url))


def _rung_for(redis_url: str) -> list[tuple[str, str]]:
    prefix = queue.key_prefix(Environment.DEMO)
    broker = redis.Redis.from_url(redis_url)
    return [
        (json.loads(base64.b64decode(json.loads(text)["body"]))[0][0], channel)
        for channel in ("email", "sms")
        for text in broker.lrange(prefix + queue.queue_name(channel), 0, -1)
    ]


def test_a_conflict_of_keys_is_told_to_its_own_caller_alone() -> None:
    key = str(uuid4())
    precog.log_alert("trade_failed", "high", "executor", "first", idempotency_key=key)

    def log(number: int) -> int:
        same = key if number == 0 else None
        return precog.log_alert("trade_failed", "high", "executor", "other", idempotency_key=same, tags={"n": number})

    with ThreadPoolExecutor(12) as threads:
        conflict, *others = [threads.submit(log, number) for number in range(12)]
    assert isinstance(conflict.exception(), IdempotencyConflict)
    assert len({each.result() for each in others}) == 11
