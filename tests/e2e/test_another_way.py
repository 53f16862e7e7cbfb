"""An alert that does not arrive, from the worker's SMS to the message in Slack, with recovery at work beside it."""

from pathlib import Path

import pytest

import precog
from precog.domain.alerts import Environment, Severity
from precog.domain.routes import Route
from precog.localstack.receivers import Reply
from precog.store import channels, deliveries
from tests.e2e.world import World, statuses
from tests.waiting import eventually

pytestmark = pytest.mark.e2e

DEMO = Environment.DEMO


@pytest.fixture
def by_sms_alone(world: World) -> World:
    """Critical alerts go to one phone, and a receipt is waited for no longer than two seconds."""
    system = Path(world.variables["PRECOG_CONFIG_DIR"]) / "system.yaml"
    text = system.read_text()
    assert "{critical: 60, high: 300}" in text
    system.write_text(text.replace("{critical: 60, high: 300}", "{critical: 2, high: 2}"))
    route = Route(environment=DEMO, severity=Severity.CRITICAL, channel="sms", recipient="+15550100002")
    channels.write_routes(DEMO, [route])
    return world


def _alert() -> int:
    return precog.log_alert("api_failures", "critical", "kalshi_api", "5 failures in 5 minutes")


def test_an_sms_without_a_receipt_in_time_is_followed_by_a_message_in_slack(by_sms_alone: World) -> None:
    by_sms_alone.worker()
    alert_id = _alert()
    eventually(lambda: by_sms_alone.outside.slack.received)
    eventually(lambda: statuses(alert_id) == {"sms": "sent", "slack": "sent"})
    [stand_in] = [each for each in deliveries.of_alert(alert_id) if each["fallback_of"]]
    assert stand_in["channel"] == "slack"
    assert len(by_sms_alone.outside.mail.letters) == 0, "one way at a time"


def test_when_slack_refuses_it_as_well_there_is_the_mail(by_sms_alone: World) -> None:
    by_sms_alone.outside.twilio.script(Reply(status=400, body=b'{"code": 21610, "message": "STOP"}'))
    by_sms_alone.outside.slack.script(*[Reply(status=400, body=b"invalid_payload")] * 20)
    by_sms_alone.worker()
    alert_id = _alert()
    eventually(lambda: by_sms_alone.outside.mail.letters)
    eventually(lambda: statuses(alert_id) == {"sms": "failed", "slack": "failed", "email": "sent"})
