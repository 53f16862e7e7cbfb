"""Claims, fences and leases: who may send, who may say how it ended, and what becomes of a worker's death."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import psycopg2.extensions
import pytest

import precog
from precog.domain.alerts import Environment, Severity
from precog.domain.deliveries import AttemptOutcome, DeliveryStatus, Message, Receipt
from precog.domain.routes import Route
from precog.errors import AlertStoreUnavailable
from precog.store import alerts, attempts, channels, deliveries, upkeep
from precog.store.attempts import Claim, ClaimTerms, Ending
from precog.store.pool import default_pool

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor
DEMO = Environment.DEMO
AGES = (86_400.0, 43_200.0, 21_600.0, 21_600.0)


@pytest.fixture(autouse=True)
def _environment(precog_env: pytest.MonkeyPatch) -> None:
    channels.write_routes(
        DEMO,
        [
            Route(environment=DEMO, severity=Severity.CRITICAL, channel="email", recipient="ann@example.com"),
            Route(environment=DEMO, severity=Severity.CRITICAL, channel="sms", recipient="+15550100000"),
            Route(environment=DEMO, severity=Severity.LOW, channel="file", recipient="alerts"),
        ],
    )


@pytest.fixture
def planned() -> Callable[[str], UUID]:
    """The delivery of a fresh critical alert over one channel."""

    def plan(channel: str) -> UUID:
        alert_id = precog.log_alert("api_failures", "critical", "kalshi_api", "5 failures in 5 minutes")
        [found] = [each for each in deliveries.of_alert(alert_id) if each["channel"] == channel]
        return UUID(found["delivery_id"])

    return plan


def _terms(worker: str = "host:1", *, environment: Environment = DEMO, lease: float = 90.0) -> ClaimTerms:
    return ClaimTerms(environment=environment, worker=worker, lease_seconds=lease, max_ages=AGES)


def _alert(message: Message) -> int:
    assert message.alert_id is not None
    return message.alert_id


def _claim(delivery_id: UUID, channel: str = "email", **changes: Any) -> Claim:
    claim = attempts.claim(delivery_id, channel, _terms(**changes))
    assert claim is not None
    return claim


ACCEPTED = Ending(
    status=DeliveryStatus.SENT, outcome=AttemptOutcome.ACCEPTED, receipt=Receipt(provider_message_id="m-1")
)
TRANSIENT = Ending(
    status=DeliveryStatus.PENDING,
    outcome=AttemptOutcome.TRANSIENT,
    delay_seconds=600,
    error="421 busy",
    error_code="421",
    attempt_code="421",
)


def _standing(delivery_id: UUID) -> DeliveryStatus:
    return deliveries.standing(delivery_id).status


def _attempts(message: Message) -> list[tuple[int, str | None]]:
    return [(each["attempt"], each["outcome"]) for each in deliveries.attempts_of_alert(_alert(message))]


def test_an_attempt_begins_with_its_lease(planned: Callable[[str], UUID], db_cursor: Cursor) -> None:
    _claim(planned("email"), lease=90.0)
    db_cursor.execute(
        "SELECT d.lease_until - t.started_at = interval '90 seconds'"
        " FROM alert_delivery_attempts AS t JOIN alert_deliveries AS d USING (delivery_id)"
    )
    assert db_cursor.fetchall() == [(True,)]


def test_a_worker_that_lives_through_a_migration_goes_on(planned: Callable[[str], UUID], db_cursor: Cursor) -> None:
    _claim(planned("email"))
    _migrate_what_a_claim_returns(db_cursor)
    _claim(planned("email"))


def test_a_transaction_that_meets_a_migration_fails_once(planned: Callable[[str], UUID], db_cursor: Cursor) -> None:
    with default_pool().connection() as one, default_pool().connection() as another:
        for each in (one, another):
            attempts.claim_in(each, uuid4(), "sms", _terms())
    planned("email")
    _migrate_what_a_claim_returns(db_cursor)
    delivery_id = planned("sms")
    with pytest.raises(AlertStoreUnavailable, match="SQLSTATE 0A000"):
        _claim_in_a_transaction(delivery_id)
    assert _claim_in_a_transaction(delivery_id) is not None


def _claim_in_a_transaction(delivery_id: UUID) -> Claim | None:
    with default_pool().transaction() as connection:
        return attempts.claim_in(connection, delivery_id, "sms", _terms())


def _migrate_what_a_claim_returns(cursor: Cursor) -> None:
    """And end the alert of the test, so that its next one is planned again."""
    cursor.execute("SELECT pg_get_viewdef('delivery_messages'::regclass)")
    [[definition]] = cursor.fetchall()
    cursor.execute(f"CREATE OR REPLACE VIEW delivery_messages AS SELECT v.*, 1 AS new FROM ({definition[:-1]}) AS v")
    [alert] = precog.get_unresolved_alerts()
    precog.resolve_alert(alert["alert_id"], "ann", "fixed")


def test_a_claim_puts_the_attempt_on_record_before_the_send(planned: Callable[[str], UUID]) -> None:
    claim = _claim(planned("email"))
    assert (claim.message.recipient, claim.message.attempt) == ("ann@example.com", 1)
    assert _attempts(claim.message) == [(1, None)]
    assert _standing(claim.message.delivery_id) is DeliveryStatus.SENDING


def test_of_many_workers_one_gets_the_claim(planned: Callable[[str], UUID]) -> None:
    delivery_id = planned("email")
    with ThreadPoolExecutor(8) as workers:
        claims = list(workers.map(lambda n: attempts.claim(delivery_id, "email", _terms(f"host:{n}")), range(24)))
    assert sum(claim is not None for claim in claims) == 1


def test_a_worker_of_another_environment_or_channel_gets_nothing(planned: Callable[[str], UUID]) -> None:
    delivery_id = planned("sms")
    assert attempts.claim(delivery_id, "sms", _terms(environment=Environment.PROD)) is None
    assert attempts.claim(delivery_id, "email", _terms()) is None


def test_an_accepted_delivery_is_sent_and_the_alert_says_so(planned: Callable[[str], UUID]) -> None:
    message = _claim(planned("email")).message
    assert attempts.finish(message, ACCEPTED) is DeliveryStatus.SENT
    alert = alerts.get(_alert(message), DEMO)
    assert alert["notification_sent"]
    assert alert["notification_sent_at"] is not None
    assert alert["notification_attempts"] == 1
    assert alert["notification_channels"] == {"email": "sent", "sms": "pending"}
    [mail] = [each for each in deliveries.of_alert(_alert(message)) if each["channel"] == "email"]
    assert mail["provider_message_id"] == "m-1"


def test_a_failed_try_waits_for_its_next_one_and_the_alert_shows_the_error(planned: Callable[[str], UUID]) -> None:
    delivery_id = planned("email")
    message = _claim(delivery_id).message
    assert attempts.finish(message, TRANSIENT) is DeliveryStatus.PENDING
    assert attempts.claim(delivery_id, "email", _terms()) is None, "it is not due for ten minutes"
    assert alerts.get(_alert(message), DEMO)["notification_errors"] == {"email": "421 busy"}


def test_a_channel_with_several_recipients_shows_the_worst_of_them(planned: Callable[[str], UUID]) -> None:
    message = _claim(planned("email")).message
    second = deliveries.add(_alert(message), "email", "bob@example.com")
    assert second is not None
    attempts.finish(message, ACCEPTED)
    failed = Ending(
        status=DeliveryStatus.FAILED, outcome=AttemptOutcome.REFUSED, error="550", error_code="550", attempt_code="550"
    )
    attempts.finish(_claim(second).message, failed)
    alert = alerts.get(_alert(message), DEMO)
    assert alert["notification_channels"]["email"] == "failed"
    assert alert["notification_sent"], "the other one was reached"


def test_a_try_that_lost_its_lease_cannot_move_the_delivery(planned: Callable[[str], UUID]) -> None:
    delivery_id = planned("email")
    late = _claim(delivery_id, lease=-1.0).message
    _take_over(DeliveryStatus.PENDING)
    second = _claim(delivery_id, worker="host:2").message
    assert attempts.finish(late, TRANSIENT) is None
    assert _standing(delivery_id) is DeliveryStatus.SENDING
    assert attempts.finish(second, ACCEPTED) is DeliveryStatus.SENT


def test_what_a_late_worker_knows_still_reaches_its_own_attempt(planned: Callable[[str], UUID]) -> None:
    late = _claim(planned("email"), lease=-1.0).message
    _take_over(DeliveryStatus.PENDING)
    assert _attempts(late) == [(1, "unknown")]
    attempts.finish(late, ACCEPTED)
    assert _attempts(late) == [(1, "accepted")]


def test_an_unknown_sms_becomes_sent_when_its_worker_comes_back_with_the_answer(planned: Callable[[str], UUID]) -> None:
    late = _claim(planned("sms"), channel="sms", lease=-1.0).message
    _take_over(DeliveryStatus.UNKNOWN)
    assert attempts.finish(late, ACCEPTED) is DeliveryStatus.SENT


def _take_over(status: DeliveryStatus) -> None:
    ending = Ending(
        status=status,
        outcome=AttemptOutcome.UNKNOWN,
        delay_seconds=0,
        error="died",
        error_code="lease_expired",
        attempt_code="lease_expired",
    )
    with default_pool().transaction() as connection:
        for each in attempts.abandoned_in(connection, DEMO, most=10):
            assert attempts.take_over_in(connection, each, ending)


def test_a_running_lease_is_nobody_elses(planned: Callable[[str], UUID]) -> None:
    _claim(planned("email"))
    with default_pool().transaction() as connection:
        assert attempts.abandoned_in(connection, DEMO, most=10) == []


def test_resolving_while_a_send_runs_ends_its_retries(planned: Callable[[str], UUID]) -> None:
    message = _claim(planned("email")).message
    precog.resolve_alert(_alert(message), "ann", "fixed")
    assert attempts.finish(message, TRANSIENT) is DeliveryStatus.CANCELLED


def test_a_delivery_that_is_too_old_is_not_claimed_and_fails_visibly(
    planned: Callable[[str], UUID], db_cursor: Cursor
) -> None:
    delivery_id = planned("email")
    _make_old(db_cursor, hours=7)
    assert attempts.claim(delivery_id, "email", _terms()) is None
    assert upkeep.expire(DEMO, AGES, most=10) == 2
    assert deliveries.standing(delivery_id).error_code == "expired"


def test_a_paused_channel_holds_its_deliveries_and_frees_them_when_it_goes_on(planned: Callable[[str], UUID]) -> None:
    delivery_id = planned("email")
    assert channels.pause(DEMO, "email", error_code="535", reason="535 authentication failed")
    assert not channels.pause(DEMO, "email", error_code="535", reason="again"), "it is said once"
    assert attempts.claim(delivery_id, "email", _terms()) is None
    assert upkeep.hold_paused(DEMO, most=10) == 1
    assert upkeep.free_held(DEMO, most=10) == 0
    assert channels.resume(DEMO, "email", by="ann")
    assert upkeep.free_held(DEMO, most=10) == 1
    _claim(delivery_id)


def test_due_deliveries_are_rung_most_urgent_first_and_only_once_in_a_while(db_cursor: Cursor) -> None:
    precog.log_alert("later", "low", "a", "low")
    precog.log_alert("sooner", "critical", "b", "critical")
    db_cursor.execute("UPDATE alert_deliveries SET rung_at = NULL")
    first = upkeep.due(DEMO, not_channels=[], again_after_seconds=30, most=10)
    assert [bell.channel for bell in first][-1] == "file"
    assert len(first) == 3
    assert upkeep.due(DEMO, not_channels=[], again_after_seconds=30, most=10) == []
    db_cursor.execute("UPDATE alert_deliveries SET rung_at = rung_at - interval '31 seconds'")
    assert len(upkeep.due(DEMO, not_channels=["file"], again_after_seconds=30, most=10)) == 2


def test_an_illegal_move_is_refused_by_the_database(planned: Callable[[str], UUID], db_cursor: Cursor) -> None:
    delivery_id = planned("email")
    with pytest.raises(psycopg2.errors.CheckViolation, match="may not move from pending to sent"):
        db_cursor.execute(
            "UPDATE alert_deliveries SET status = 'sent', finished_at = now() WHERE delivery_id = %s",
            [str(delivery_id)],
        )


def test_the_database_knows_the_same_moves_as_python(db_cursor: Cursor) -> None:
    from precog.domain.deliveries import MOVES

    db_cursor.execute(
        "SELECT a, b FROM unnest(%s) AS a, unnest(%s) AS b WHERE alert_delivery_may_move(a, b)",
        [list(DeliveryStatus), list(DeliveryStatus)],
    )
    assert set(db_cursor.fetchall()) == {(here.value, there.value) for here, to in MOVES.items() for there in to}


def test_a_finished_attempt_keeps_its_outcome(planned: Callable[[str], UUID], db_cursor: Cursor) -> None:
    message = _claim(planned("email")).message
    attempts.finish(message, ACCEPTED)
    with pytest.raises(psycopg2.errors.RestrictViolation, match="its outcome stands"):
        db_cursor.execute("UPDATE alert_delivery_attempts SET outcome = 'refused'")


def test_what_was_reported_never_changes(planned: Callable[[str], UUID], db_cursor: Cursor) -> None:
    planned("email")
    for change in ("message = 'nothing happened'", "severity = 'low'", "details = '{\"a\": 1}'", "notify = false"):
        with pytest.raises(psycopg2.errors.RestrictViolation, match="append-only"):
            db_cursor.execute(f"UPDATE alerts SET {change}")
    with pytest.raises(psycopg2.errors.RestrictViolation, match="retention"):
        db_cursor.execute("DELETE FROM alert_deliveries")


def _make_old(cursor: Cursor, *, hours: int) -> None:
    cursor.execute("ALTER TABLE alert_deliveries DISABLE TRIGGER alert_deliveries_target_trg")
    cursor.execute("UPDATE alert_deliveries SET created_at = created_at - make_interval(hours => %s)", [hours])
    cursor.execute("ALTER TABLE alert_deliveries ENABLE TRIGGER alert_deliveries_target_trg")
