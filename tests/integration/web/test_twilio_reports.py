"""What Twilio reports of its own accord: who is believed, and that nothing but news changes anything."""

import logging
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import psycopg2.extensions
import pytest
import requests
from twilio.request_validator import RequestValidator

import precog
from precog import receipts
from precog.channels.sms_receipts import receipt
from precog.courier import Courier
from precog.delivery import deliver, look_up
from precog.domain.alerts import Environment
from precog.domain.deliveries import AttemptOutcome, DeliveryStatus, ReceiptState
from precog.localstack.receivers import Fault, Reply
from precog.settings.model import Settings
from precog.store import alerts, attempts, channels, deliveries, upkeep
from precog.store.attempts import Ending
from precog.store.pool import close_default_pool
from tests.integration.web.served import NOBODY, PUBLIC_URL, TOKEN, Sms, Web, as_configured, serving, sms_of

pytestmark = pytest.mark.integration

DEMO = Environment.DEMO
UNSAID = ("queued", None, None)


def test_twilio_is_told_where_to_report_on_the_delivery(sms: Sms, outside: Any) -> None:
    assert outside.twilio.received[0].form["StatusCallback"] == f"{PUBLIC_URL}/twilio/status/{sms.delivery_id}"


def test_what_was_delivered_says_so(web: Web, sms: Sms) -> None:
    assert web.report(sms.delivery_id, sms.sid, "sent").status_code == 204
    assert sms.receipt() == UNSAID
    assert web.report(sms.delivery_id, sms.sid, "delivered").status_code == 204
    assert sms.receipt() == ("delivered", None, None)


def test_what_was_not_delivered_says_why_and_does_not_count_as_sent(web: Web, sms: Sms) -> None:
    assert alerts.get(sms.alert_id, DEMO)["notification_sent"]
    web.report(sms.delivery_id, sms.sid, "undelivered", ErrorCode="30003")
    assert sms.receipt() == ("undelivered", "30003", "the phone is off or out of reach")
    alert = alerts.get(sms.alert_id, DEMO)
    assert not alert["notification_sent"]
    assert alert["notification_errors"] == {"sms": "the phone is off or out of reach"}


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"ErrorCode": "39999", "ErrorMessage": "a new trouble"}, "39999", "a new trouble"),
        ({"ErrorCode": "39999"}, "39999", "Twilio reports failed"),
        ({"ErrorCode": "everything"}, "failed", "Twilio reports failed"),
        ({}, "failed", "Twilio reports failed"),
    ],
)
def test_a_reason_that_the_table_lacks_is_kept_as_far_as_there_is_one(
    web: Web, sms: Sms, fields: dict[str, str], code: str, words: str
) -> None:
    web.report(sms.delivery_id, sms.sid, "failed", **fields)
    assert sms.receipt() == ("undelivered", code, words)


def test_in_whatever_order_and_however_often_reports_come_the_first_final_one_stands(courier: Courier) -> None:
    said = ("queued", "sent", "delivered", "undelivered")
    for order in product(said, repeat=3):
        alert_id = precog.log_alert("drill", "critical", "risk", " ".join(order), send_notification=False)
        delivery_id = deliveries.add(alert_id, "sms", "+15550100002")
        assert delivery_id is not None
        claim = attempts.claim(delivery_id, "sms", courier.terms)
        assert claim is not None
        attempts.finish(claim.message, _accepted("SM1"))
        news = [receipts.take(DEMO, "sms", delivery_id, receipt("SM1", status)) for status in order]
        final = next((status for status in order if status in {"delivered", "undelivered"}), None)
        assert Sms(alert_id=alert_id, delivery_id=delivery_id, sid="SM1").receipt()[0] == (final or "queued")
        assert sum(news) == (final is not None), "only the first final one is news"


def _accepted(sid: str, status: str = "queued") -> Ending:
    return Ending(status=DeliveryStatus.SENT, outcome=AttemptOutcome.ACCEPTED, receipt=receipt(sid, status))


def test_of_reports_that_come_at_once_one_stands(web: Web, sms: Sms) -> None:
    said = ["delivered", "undelivered"] * 8
    with ThreadPoolExecutor(8) as twilio:
        answers = list(twilio.map(lambda status: web.report(sms.delivery_id, sms.sid, status).status_code, said))
    assert set(answers) == {204}
    assert sms.receipt()[0] in {"delivered", "undelivered"}
    stands = sms.receipt()
    web.report(sms.delivery_id, sms.sid, "delivered")
    assert sms.receipt() == stands


def test_the_database_lets_no_receipt_go_back(web: Web, sms: Sms, db_cursor: psycopg2.extensions.cursor) -> None:
    web.report(sms.delivery_id, sms.sid, "delivered")
    for back in ("'undelivered'", "'queued'", "NULL"):
        with pytest.raises(psycopg2.errors.CheckViolation, match="may not change from delivered"):
            db_cursor.execute(f"UPDATE alert_deliveries SET receipt = {back} WHERE receipt = 'delivered'")


def test_a_report_that_is_faster_than_the_answer_to_the_send_is_not_lost(courier: Courier, web: Web) -> None:
    delivery_id = sms_of(precog.log_alert("api_failures", "critical", "kalshi_api", "5 failures in 5 minutes"))
    claim = attempts.claim(delivery_id, "sms", courier.terms)
    assert claim is not None
    assert claim.message.alert_id is not None
    web.report(delivery_id, "SM7", "delivered")
    attempts.finish(claim.message, _accepted("SM7"))
    assert Sms(alert_id=claim.message.alert_id, delivery_id=delivery_id, sid="SM7").receipt()[0] == "delivered"


def test_a_report_on_a_message_whose_answer_was_lost_is_answer_enough(courier: Courier, web: Web, outside: Any) -> None:
    outside.twilio.script(Reply(fault=Fault.DROP))
    alert_id = precog.log_alert("api_failures", "critical", "kalshi_api", "5 failures in 5 minutes")
    delivery_id = sms_of(alert_id)
    deliver(courier, "sms", delivery_id)
    assert deliveries.standing(delivery_id).status is DeliveryStatus.UNKNOWN
    web.report(delivery_id, "SM8", "delivered")
    look_up(courier, "sms", delivery_id)
    assert deliveries.standing(delivery_id).status is DeliveryStatus.SENT
    assert Sms(alert_id=alert_id, delivery_id=delivery_id, sid="SM8").receipt()[0] == "delivered"
    assert [each.method for each in outside.twilio.received] == ["POST"], "Twilio was not asked"


def _forged(web: Web, sms: Sms) -> dict[str, requests.Response]:
    path = f"/twilio/status/{sms.delivery_id}"
    form = {"MessageSid": sms.sid, "MessageStatus": "undelivered"}
    sign = RequestValidator(TOKEN).compute_signature
    elsewhere = f"{PUBLIC_URL}/twilio/status/{NOBODY}"
    here = sign(PUBLIC_URL + path, form)
    return {
        "unsigned": web.post(path, form, {}),
        "an empty signature": web.post(path, form, {"X-Twilio-Signature": ""}),
        "not a signature": web.post(path, form, {"X-Twilio-Signature": "\xe9" * 28}),
        "another token": web.report(sms.delivery_id, sms.sid, "undelivered", token="another"),
        "for another delivery": web.post(path, form, {"X-Twilio-Signature": sign(elsewhere, form)}),
        "with another status": web.post(path, form | {"MessageStatus": "delivered"}, {"X-Twilio-Signature": here}),
        "with a field more": web.post(path, form | {"To": "+1"}, {"X-Twilio-Signature": here}),
        "for the address it came to": web.post(
            path, form, {"X-Twilio-Signature": sign(web.address + path, form), "X-Forwarded-Host": "127.0.0.1"}
        ),
        "for the host it names": web.post(
            path,
            form,
            {"X-Twilio-Signature": sign(f"https://evil.example.com{path}", form), "Host": "evil.example.com"},
        ),
        "by an algorithm that nobody has": web.post(
            path, form, {"X-Twilio-Signature": here, "X-Twilio-Webhooks-Signature-Settings": "algorithm=HMAC_MD5"}
        ),
    }


def test_what_twilio_did_not_sign_for_this_address_changes_nothing(web: Web, sms: Sms) -> None:
    assert {how: answer.status_code for how, answer in _forged(web, sms).items()} == dict.fromkeys(
        _forged(web, sms), 403
    )
    assert sms.receipt() == UNSAID


@pytest.mark.parametrize("port", ["", ":443"])
def test_twilio_may_sign_the_address_with_its_port_or_without_and_any_host_may_bring_it(
    web: Web, sms: Sms, port: str
) -> None:
    path, form = f"/twilio/status/{sms.delivery_id}", {"MessageSid": sms.sid, "MessageStatus": "delivered"}
    signature = RequestValidator(TOKEN).compute_signature(f"{PUBLIC_URL}{port}{path}", form)
    answer = web.post(path, form, {"X-Twilio-Signature": signature, "Host": "10.0.0.7:8010"})
    assert (answer.status_code, sms.receipt()[0]) == (204, "delivered")


@pytest.mark.parametrize("key", [None, "a-signing-key"])
def test_the_newer_signature_is_known_too(
    settings: Settings, precog_env: pytest.MonkeyPatch, sms: Sms, key: str | None
) -> None:
    precog_env.setenv("TWILIO_SIGNING_KEY", key or "")
    path, form = f"/twilio/status/{sms.delivery_id}", {"MessageSid": sms.sid, "MessageStatus": "delivered"}
    headers = {"X-Twilio-Webhooks-Signature-Settings": "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"}

    def signed(secret: str) -> dict[str, str]:
        signature = RequestValidator(secret).compute_signature(PUBLIC_URL + path, form, "HMAC_SHA256")
        return headers | {"X-Twilio-Signature": signature}

    with serving(as_configured()) as web:
        assert web.post(path, form, signed("another")).status_code == 403
        assert web.post(path, form, signed(key or TOKEN)).status_code == 204
    assert sms.receipt()[0] == "delivered"


def test_a_delivery_or_a_message_that_is_not_ours_is_answered_as_any_other(
    web: Web, sms: Sms, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert web.report(NOBODY, sms.sid, "undelivered").status_code == 204
        assert web.report(sms.delivery_id, "SM" + "f" * 32, "undelivered").status_code == 204
        assert web.report(sms.delivery_id, "", "undelivered").status_code == 204
    assert sms.receipt() == UNSAID
    assert caplog.records == []


def test_a_delivery_of_the_other_environment_is_not_ours(
    web: Web, sms: Sms, db_cursor: psycopg2.extensions.cursor
) -> None:
    theirs = precog.log_alert("drill", "critical", "risk", "theirs", environment="prod", send_notification=False)
    other = deliveries.add(theirs, "sms", "+15550100002")
    assert other is not None
    db_cursor.execute(
        "UPDATE alert_deliveries SET status = 'sending', attempts = 1, lease_until = now(), leased_by = 'x'"
        " WHERE delivery_id = %s",
        [str(other)],
    )
    assert web.report(other, "SM1", "delivered").status_code == 204
    assert Sms(alert_id=theirs, delivery_id=other, sid="SM1").receipt()[0] is None


def test_requests_that_are_no_reports_are_refused_without_a_trace(web: Web, sms: Sms) -> None:
    path = f"/twilio/status/{sms.delivery_id}"
    answers = {
        "GET": web.get(path),
        "no uuid": web.post("/twilio/status/17", {}, {}),
        "elsewhere": web.get("/docs"),
        "too large": web.post(path, {"MessageStatus": "x" * 20_000}, {}),
    }
    assert {how: answer.status_code for how, answer in answers.items()} == {
        "GET": 405, "no uuid": 404, "elsewhere": 404, "too large": 413,
    }  # fmt: skip
    for answer in answers.values():
        assert len(answer.text) < 100
        assert "server" not in answer.headers


def test_an_account_that_delivers_nothing_pauses_the_channel_once(web: Web, sms: Sms) -> None:
    for _ in range(2):
        web.report(sms.delivery_id, sms.sid, "undelivered", ErrorCode="30034")
    [pause] = channels.paused(DEMO)
    assert (pause.channel, pause.error_code) == ("sms", "30034")
    assert len(alerts.newest(DEMO, alert_type="channel_paused")) == 1
    channels.resume(DEMO, "sms", by="ann")
    web.report(sms.delivery_id, sms.sid, "undelivered", ErrorCode="30034")
    assert channels.paused(DEMO) == [], "an old report pauses nothing again"


def test_a_digest_and_what_it_carried_share_their_receipt(
    web: Web, sms: Sms, db_cursor: psycopg2.extensions.cursor
) -> None:
    carried = sms_of(precog.log_alert("other", "critical", "risk", "carried along"))
    db_cursor.execute(
        "UPDATE alert_deliveries SET status = 'held', folded_into = %s WHERE delivery_id = %s",
        [str(sms.delivery_id), str(carried)],
    )
    upkeep.settle_folded(DEMO, most=10)
    web.report(sms.delivery_id, sms.sid, "undelivered", ErrorCode="30007")
    db_cursor.execute("SELECT receipt, receipt_code FROM alert_deliveries WHERE delivery_id = %s", [str(carried)])
    assert db_cursor.fetchall() == [(ReceiptState.UNDELIVERED, "30007")]


def test_while_postgresql_is_away_a_report_and_the_question_of_health_are_refused(
    web: Web, sms: Sms, precog_env: pytest.MonkeyPatch
) -> None:
    assert web.get("/healthz").status_code == 200
    precog_env.setenv("DATABASE_URL", "postgresql://precog:planted-password@127.0.0.1:1/precog")
    close_default_pool()
    asked, reported = web.get("/healthz"), web.report(sms.delivery_id, sms.sid, "delivered")
    assert (asked.status_code, asked.json()) == (503, {"status": "down"})
    assert (reported.status_code, reported.text) == (503, "the alert store does not answer\n")


def test_without_a_public_address_there_is_only_health(
    settings: Settings, precog_env: pytest.MonkeyPatch, sms: Sms
) -> None:
    precog_env.delenv("PRECOG_PUBLIC_URL")
    with serving(as_configured()) as web:
        assert web.report(sms.delivery_id, sms.sid, "delivered").status_code == 404
        assert web.get("/healthz").status_code == 200
    assert sms.receipt() == UNSAID
