"""What was sent while PostgreSQL was away is on record once it is back, and nobody is told of it again."""

import os
from typing import Any
from uuid import UUID

import psycopg2.extensions
import pytest

from precog import intake, journal
from precog.courier import Courier
from precog.delivery import deliver
from precog.domain.deliveries import delivery_identity
from precog.localstack.receivers import Fault, Reply
from precog.recovery import duties
from precog.store import alerts, attempts, deliveries, sms
from tests.integration.journal.telling import DEMO, EVERYBODY_ONCE, back, fails, over, raise_alert, received, stored
from tests.outside import Outside
from tests.proxy import Proxy
from tests.waiting import eventually

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor


def _standing(made: list[Any]) -> dict[str, tuple[str, int]]:
    return {each["channel"]: (each["status"], each["attempts"]) for each in made}


def test_a_stored_alert_shows_who_was_told_and_nobody_is_told_again(
    away: Proxy, outside: Outside, worker: Courier, db_cursor: Cursor
) -> None:
    db_cursor.execute("SELECT clock_timestamp()")
    [(began,)] = db_cursor.fetchall()
    error = fails()
    db_cursor.execute("SELECT clock_timestamp()")
    [(ended,)] = db_cursor.fetchall()
    report = back(away)
    assert (report.stored, report.refused, report.left) == (1, 0, 0)
    alert, made, attempts = stored(error)
    told = dict.fromkeys(EVERYBODY_ONCE, ("sent", 1))
    assert _standing(made) == told | {"console": ("pending", 0), "file": ("pending", 0)}
    assert [each["outcome"] for each in attempts] == ["accepted"] * 4
    assert all(began <= each["started_at"] <= each["finished_at"] <= ended for each in attempts)
    assert (alert["notification_sent"], alert["notification_attempts"]) == (True, 4)
    for each in made:
        deliver(worker, each["channel"], UUID(each["delivery_id"]))
    assert received(outside) == EVERYBODY_ONCE
    assert not journal.holds_any(DEMO)


def test_each_message_carries_the_identity_of_its_delivery(away: Proxy, outside: Outside) -> None:
    error = fails()
    back(away)
    alert, made, _ = stored(error)
    identity = {each["channel"]: each["delivery_id"] for each in made}
    assert identity == {
        each["channel"]: str(delivery_identity(UUID(str(alert["alert_uuid"])), each["channel"], each["recipient"]))
        for each in made
    }
    assert outside.webhook.received[0].headers["webhook-id"] == identity["webhook"]
    assert identity["email"] in outside.mail.letters[0].content["Message-ID"]
    assert outside.twilio.received[0].form["Body"].endswith(f"[{identity['sms'][:6]}]")
    assert over("sms", made)["provider_message_id"].startswith("SM")


def test_an_equal_alert_that_told_nobody_is_the_duplicate_of_the_one_that_did(away: Proxy) -> None:
    first, second = fails("first"), fails("second")
    back(away)
    (anchor, _, _), (duplicate, made, _) = stored(first), stored(second)
    assert duplicate["duplicate_of"] == anchor["alert_id"]
    assert made == []


def test_of_an_incident_that_postgres_knows_the_messages_are_on_record_with_the_duplicate(
    worker: Courier, door: Proxy
) -> None:
    anchor = raise_alert("before")
    duties.heal(worker)
    door.go_away()
    error = fails("meanwhile")
    assert error.sent
    back(door)
    alert, made, attempts = stored(error)
    assert alert["duplicate_of"] == anchor
    assert _standing(made) == dict.fromkeys(EVERYBODY_ONCE, ("sent", 1))
    assert len(attempts) == 4


def test_what_was_refused_directly_is_delivered_as_any_other(away: Proxy, outside: Outside, worker: Courier) -> None:
    outside.slack.script(Reply(status=503))
    error = fails()
    assert error.sent == ("email", "sms", "webhook")
    back(away)
    _, made, attempts = stored(error)
    assert _standing(made)["slack"] == ("pending", 1)
    assert over("slack", attempts)["outcome"] == "transient"
    attempt = deliver(worker, "slack", UUID(over("slack", made)["delivery_id"]))
    assert attempt is not None
    assert attempt.message.attempt == 2
    assert attempt.failure is None


def test_an_sms_whose_answer_was_lost_counts_and_is_looked_up_first(away: Proxy, outside: Outside) -> None:
    outside.twilio.script(Reply(fault=Fault.DROP))
    error = fails()
    assert error.sent == ("email", "slack", "webhook")
    back(away)
    _, made, attempts = stored(error)
    assert _standing(made)["sms"] == ("unknown", 1)
    assert over("sms", attempts)["outcome"] == "unknown"
    assert len(sms.use(DEMO).counted) == 1


def test_a_try_that_ends_after_the_call_is_on_record_all_the_same(away: Proxy, outside: Outside) -> None:
    outside.webhook.script(Reply(fault=Fault.HANG))
    error = fails()
    assert back(away).stored == 1
    _, made, attempts = stored(error)
    assert _standing(made)["webhook"] == ("sending", 1), "it may yet be accepted"
    assert over("webhook", attempts)["outcome"] is None
    eventually(lambda: journal.holds_any(DEMO))
    assert intake.replay_journal(DEMO).stored == 0, "the alert is stored"
    _, made, attempts = stored(error)
    assert _standing(made)["webhook"] == ("pending", 1)
    assert (over("webhook", attempts)["outcome"], over("webhook", attempts)["error_code"]) == ("unknown", "timeout")
    assert not journal.holds_any(DEMO)


def test_a_process_that_dies_in_the_middle_of_a_send_leaves_a_try_under_its_lease(
    away: Proxy, outside: Outside, worker: Courier, db_cursor: Cursor
) -> None:
    outside.twilio.script(Reply(fault=Fault.HANG))
    child = os.fork()
    if child == 0:  # pragma: no cover - ends without the report of its coverage
        fails()
        os._exit(0)
    os.waitpid(child, 0)
    back(away)
    [alert] = alerts.newest(DEMO)
    made: list[Any] = deliveries.of_alert(alert["alert_id"])
    assert _standing(made)["sms"] == ("sending", 1)
    assert len(sms.use(DEMO).counted) == 1
    db_cursor.execute("UPDATE alert_deliveries SET lease_until = clock_timestamp() WHERE status = 'sending'")
    assert duties.take_over(worker) == 1
    assert _standing(deliveries.of_alert(alert["alert_id"]))["sms"] == ("unknown", 1)


def test_a_commit_whose_answer_was_lost_is_told_and_each_message_is_on_record(
    worker: Courier, door: Proxy, outside: Outside, db_cursor: Cursor
) -> None:
    raise_alert("before", "low")
    duties.heal(worker)
    door.swallows.set()
    error = fails()
    assert error.sent == ("email", "sms", "slack", "webhook")
    db_cursor.execute("SELECT delivery_id::text FROM alert_deliveries WHERE channel = 'slack'")
    [(delivery_id,)] = db_cursor.fetchall()
    door.swallows.clear()
    deliver(worker, "slack", UUID(delivery_id))  # it was committed, and a worker knew of it as well
    assert received(outside)["slack"] == 2
    assert intake.replay_journal(DEMO).stored == 1
    _, made, attempts = stored(error)
    assert _standing(made)["slack"] == ("sent", 2)
    assert [each["outcome"] for each in attempts if each["channel"] == "slack"] == ["accepted", "accepted"]
    assert _standing(made)["webhook"] == ("sent", 1)


def test_a_worker_that_is_at_it_loses_the_delivery_to_whoever_told_people(
    worker: Courier, door: Proxy, db_cursor: Cursor
) -> None:
    raise_alert("before", "low")
    duties.heal(worker)
    door.swallows.set()
    error = fails()
    db_cursor.execute("SELECT delivery_id::text FROM alert_deliveries WHERE channel = 'slack'")
    [(delivery_id,)] = db_cursor.fetchall()
    door.swallows.clear()
    claim = attempts.claim(UUID(delivery_id), "slack", worker.terms)
    assert claim is not None
    intake.replay_journal(DEMO)
    _, made, _ = stored(error)
    assert _standing(made)["slack"] == ("sent", 2)
    assert duties.take_over(worker) == 0


def test_a_replay_that_died_before_it_struck_out_records_each_try_once(away: Proxy) -> None:
    error = fails()
    as_it_was = journal.journal_file(DEMO).read_bytes()
    back(away)
    journal.journal_file(DEMO).write_bytes(as_it_was)
    assert intake.replay_journal(DEMO).stored == 1
    _, made, attempts = stored(error)
    assert len(attempts) == 4
    assert {each["attempts"] for each in made if each["channel"] in EVERYBODY_ONCE} == {1}


def test_a_try_of_an_alert_that_was_never_stored_is_set_aside(away: Proxy) -> None:
    fails()
    file = journal.journal_file(DEMO)
    file.write_bytes(b"\n".join(file.read_bytes().splitlines()[1:]) + b"\n")  # the alert's own line comes first
    report = back(away)
    assert (report.stored, report.refused, report.left) == (0, 1, 0)
    assert journal.refused_file(DEMO).exists()
