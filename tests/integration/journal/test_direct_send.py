"""While PostgreSQL is away a critical or high alert is sent by the process that raised it: to whom, and how often."""

import json
import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import redis

from precog import intake, journal
from precog.courier import Courier
from precog.delivery import deliver
from precog.errors import StoreBusy
from precog.localstack.receivers import Fault, Reply
from precog.logger import log_alert_helper
from precog.recovery import duties
from precog.resources import resource
from precog.store import deliveries
from precog.store.pool import default_pool
from tests.integration.journal.telling import DEMO, EVERYBODY_ONCE, NOBODY, fails, over, raise_alert, received
from tests.outside import Outside
from tests.proxy import Proxy

pytestmark = pytest.mark.integration


def test_a_critical_alert_reaches_everybody_who_is_away_from_the_machine(away: Proxy, outside: Outside) -> None:
    error = fails()
    assert error.journaled
    assert error.sent == ("email", "sms", "slack", "webhook")
    assert "it was sent directly over email, sms, slack, webhook" in str(error)
    assert received(outside) == EVERYBODY_ONCE
    assert b"once PostgreSQL is back" in outside.slack.received[0].body


def test_an_equal_alert_tells_nobody_again(away: Proxy, outside: Outside) -> None:
    fails("first")
    assert fails("second").sent == ()
    assert received(outside) == EVERYBODY_ONCE


def test_another_process_of_the_machine_knows_whom_the_first_has_told(away: Proxy, outside: Outside) -> None:
    child = os.fork()
    if child == 0:  # pragma: no cover - ends without the report of its coverage
        os._exit(0 if fails().sent else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert fails().sent == ()
    assert received(outside) == EVERYBODY_ONCE


def test_a_worse_equal_breaks_through(away: Proxy) -> None:
    assert fails(severity="high").sent == ("email", "sms", "slack")
    assert fails(severity="high").sent == ()
    assert fails(severity="critical").sent == ("email", "sms", "slack", "webhook")


def test_after_the_window_people_are_told_again(away: Proxy) -> None:
    fails()
    file = journal.journal_file(DEMO).with_name("demo.told.json")
    told = json.loads(file.read_text())
    file.write_text(json.dumps({fingerprint: [at - 3601, *rest] for fingerprint, (at, *rest) in told.items()}))
    assert fails().sent


def test_a_memory_that_nobody_can_read_keeps_nobody_from_being_told(away: Proxy) -> None:
    fails()
    journal.journal_file(DEMO).with_name("demo.told.json").write_text('{"c0ffee": [1, 2')
    assert fails().sent


@pytest.mark.parametrize("but", [{"severity": "medium"}, {"send_notification": False}, {"environment": "prod"}])
def test_what_need_not_wake_anybody_waits(away: Proxy, outside: Outside, but: dict[str, Any]) -> None:
    error = fails(**but)
    assert error.journaled
    assert error.sent == ()
    assert received(outside) == NOBODY


def test_it_can_be_switched_off(away: Proxy, outside: Outside, precog_env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(resource("config"), tmp_path / "config")
    system = tmp_path / "config" / "system.yaml"
    text = system.read_text()
    assert "direct_send: true" in text
    system.write_text(text.replace("direct_send: true", "direct_send: false"))
    precog_env.setenv("PRECOG_CONFIG_DIR", str(tmp_path / "config"))
    assert fails().sent == ()
    assert received(outside) == NOBODY


def test_a_program_without_channels_of_its_own_silences_no_other(
    away: Proxy, outside: Outside, precog_env: pytest.MonkeyPatch
) -> None:
    with precog_env.context() as bare:
        for name in outside.variables():
            bare.delenv(name)
        assert fails().sent == ()
    assert fails().sent == ("email", "sms", "slack", "webhook")


def test_a_configuration_that_cannot_be_read_costs_the_send_and_nothing_else(
    away: Proxy, precog_env: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    precog_env.setenv("SMTP_PORT", "a port")
    error = fails()
    assert error.journaled
    assert error.sent == ()
    assert "nothing is sent directly" in caplog.text


def test_a_provider_that_hangs_is_not_waited_for_and_costs_no_other_channel(away: Proxy, outside: Outside) -> None:
    outside.webhook.script(Reply(fault=Fault.HANG))
    error = fails()
    assert [each.outcome for each in journal.tries(DEMO) if each.channel == "webhook"] == [None], "it is still at it"
    assert error.sent == ("email", "sms", "slack")


def test_where_nobody_could_be_told_the_next_equal_alert_tries_again(away: Proxy, outside: Outside) -> None:
    outside.slack.script(Reply(status=503))
    outside.webhook.script(Reply(status=503))
    outside.twilio.script(Reply(status=429, body=b'{"code": 20429}'))
    outside.mail.refuse("RCPT", "450 4.7.1 later")
    assert fails().sent == ()
    assert fails().sent == ("email", "sms", "slack", "webhook")


def test_an_sms_goes_only_where_redis_holds_what_postgres_had_counted(
    away: Proxy, outside: Outside, redis_url: str
) -> None:
    redis.Redis.from_url(redis_url).flushall()
    assert fails().sent == ("email", "slack", "webhook")
    assert received(outside)["sms"] == 0


def test_a_count_of_an_earlier_run_of_redis_proves_nothing(away: Proxy, redis_url: str, redis_prefix: str) -> None:
    key = f"{redis_prefix}:demo:sms:counted-in-run"
    with redis.Redis.from_url(redis_url) as client:
        assert client.get(key) == client.info("server")["run_id"].encode()
        client.set(key, "0" * 40)
    assert "sms" not in fails().sent


def _sms_of(alert_id: int) -> UUID:
    made: list[Any] = deliveries.of_alert(alert_id)
    return UUID(over("sms", made)["delivery_id"])


def test_never_a_sixth_sms_in_an_hour_whoever_sends_it(
    worker: Courier, door: Proxy, outside: Outside, precog_env: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for number in range(2):
        deliver(worker, "sms", _sms_of(raise_alert(key=f"before {number}")))
    duties.heal(worker)
    door.go_away()
    sent = [fails(key=f"meanwhile {number}").sent for number in range(5)]
    assert ["sms" in each for each in sent] == [True, True, True, False, False]
    door.refuses.clear()
    with precog_env.context() as another_machine:
        another_machine.setenv("PRECOG_JOURNAL_DIR", str(tmp_path / "another"))
        early = _sms_of(raise_alert("while a journal has some that PostgreSQL does not know", key="early"))
        deliver(worker, "sms", early)
    assert deliveries.standing(early).status == "held"
    intake.replay_journal(DEMO)
    duties.heal(worker)
    late = _sms_of(raise_alert(key="late"))
    deliver(worker, "sms", late)
    assert deliveries.standing(late).status == "held"
    assert received(outside)["sms"] == 5


def test_connections_that_are_all_in_use_wake_nobody(worker: Courier, outside: Outside) -> None:
    with ExitStack() as held:
        for _ in range(10):
            held.enter_context(default_pool().connection())
        error = fails()
    assert isinstance(error, StoreBusy)
    assert error.journaled
    assert received(outside) == NOBODY


def test_the_helper_never_raises_and_its_alert_is_sent(
    away: Proxy, outside: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    assert log_alert_helper("api_failures", "critical", "kalshi_api", "boom") is None
    assert received(outside) == EVERYBODY_ONCE
    assert "it was sent directly over" in caplog.text


def test_a_journal_that_cannot_be_used_keeps_nobody_from_being_told_once(
    away: Proxy, outside: Outside, precog_env: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a file").write_text("")
    precog_env.setenv("PRECOG_JOURNAL_DIR", str(tmp_path / "a file" / "journal"))
    error = fails()
    assert not error.journaled
    assert error.sent == ("email", "slack", "webhook"), "an SMS that is not on record cannot be counted"
    assert fails().sent == ()
