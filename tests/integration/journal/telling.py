"""What the tests of direct sends ask of receivers and of PostgreSQL."""

from typing import Any

import pytest

import precog
from precog import intake, journal
from precog.domain.alerts import Environment
from precog.errors import StoreError
from precog.store import alerts, deliveries
from tests.outside import Outside
from tests.proxy import Proxy

DEMO = Environment.DEMO
EVERYBODY_ONCE = {"email": 1, "sms": 1, "slack": 1, "webhook": 1}
NOBODY = dict.fromkeys(EVERYBODY_ONCE, 0)


def raise_alert(message: str = "boom", severity: str = "critical", *, key: str = "one", **more: Any) -> int:
    return precog.log_alert("api_failures", severity, "kalshi_api", message, {"platform_id": key}, **more)


def fails(message: str = "boom", severity: str = "critical", *, key: str = "one", **more: Any) -> StoreError:
    with pytest.raises(StoreError) as caught:
        raise_alert(message, severity, key=key, **more)
    return caught.value


def back(door: Proxy) -> journal.Report:
    """PostgreSQL answers again, and takes what waited for it."""
    door.refuses.clear()
    return intake.replay_journal(DEMO)


def stored(error: StoreError) -> tuple[Any, list[Any], list[Any]]:
    """The alert that the error was about, its deliveries and its attempts."""
    every: list[Any] = alerts.newest(DEMO, duplicates=True)
    [alert] = [each for each in every if str(each["alert_uuid"]) == error.alert_uuid]
    return alert, deliveries.of_alert(alert["alert_id"]), deliveries.attempts_of_alert(alert["alert_id"])


def over(channel: str, rows: list[Any]) -> Any:
    """The one row of that channel."""
    [row] = [each for each in rows if each["channel"] == channel]
    return row


def received(outside: Outside) -> dict[str, int]:
    """How many messages came over each channel."""
    return {
        "email": len(outside.mail.letters),
        "sms": len([each for each in outside.twilio.received if each.method == "POST"]),
        "slack": len(outside.slack.received),
        "webhook": len(outside.webhook.received),
    }
