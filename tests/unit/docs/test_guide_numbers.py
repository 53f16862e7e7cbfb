"""Every figure in the notification guide is the one that the program works by."""

import json
from decimal import Decimal

import pytest

import config
from precog.channels.registry import KINDS
from precog.channels.sms import SmsLimits
from precog.domain.alerts import Severity
from precog.domain.deliveries import Message
from precog.pacing import receipt_looks
from precog.render.payload import webhook_payload
from precog.render.segments import plain, segments
from precog.settings.load import load_settings
from precog.settings.model import Settings
from tests.documents import CHECKOUT, blocks, table_under, text_of

pytestmark = pytest.mark.unit

GUIDE = "docs/NOTIFICATION_SYSTEM_GUIDE.md"


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings(channels={name: kind.settings for name, kind in KINDS.items()}, environ={})


def test_the_routing_is_the_shipped_one() -> None:
    written = {row[0]: row[2].split(", ") for row in table_under(GUIDE, "## Severities and routing")[: len(Severity)]}
    assert written == config.load("system")["alert_routing"]


def test_the_retries_are_the_shipped_ones(settings: Settings) -> None:
    retry, backoff = settings.delivery.retry, settings.delivery.backoff
    written = {
        row[0]: (int(row[1]), int(row[2]) * 3600) for row in table_under(GUIDE, "## Duplicates, limits and retries")
    }
    assert written == {severity.value: (each.max_attempts, each.max_age_seconds) for severity, each in retry.items()}
    pause = f"between 0 and {backoff.base_seconds} seconds doubled with each try, at most {backoff.cap_seconds} seconds"
    assert pause in _in_one_line()


def test_the_limits_are_those_of_the_code(settings: Settings) -> None:
    limits = SmsLimits()
    said = f"No more than {limits.per_hour} SMS in any hour and {limits.per_day} in any day, all numbers together"
    assert said in _in_one_line()
    assert config.load("system")["notifications"]["sms"]["limits"] == limits.model_dump()  # type: ignore[index,call-overload]
    assert f"({settings.alerts.default_window_minutes} minutes, or" in _in_one_line()


def test_the_ways_and_the_times_of_what_does_not_arrive_are_the_shipped_ones(settings: Settings) -> None:
    names = {"slack": "Slack", "email": "email", "webhook": "webhook"}
    assert f"({', '.join(names[each] for each in settings.delivery.fallback)})" in _in_one_line()
    deadlines = settings.delivery.receipt_deadline_seconds
    assert f"within {deadlines.critical} seconds (critical) or {deadlines.high} (high)" in _in_one_line()
    first = [f"{age:.0f}" for age in receipt_looks(called_back=False)[:4]]
    assert f"{', '.join(first[:3])} and {first[3]} seconds after the sending" in _in_one_line()
    assert f"not reported within {receipt_looks(called_back=True)[0]:.0f} seconds" in _in_one_line()


def _in_one_line() -> str:
    return " ".join(text_of(GUIDE).split())


def test_the_example_texts_take_the_parts_that_are_said() -> None:
    texts = [row for row in table_under(GUIDE, "## What SMS cost") if row[0].startswith("`")]
    assert len(texts) >= 3
    for quoted, characters, parts in texts:
        text = plain(quoted.strip("`"))
        assert (len(text), segments(text)) == (int(characters), int(parts))


def test_the_costs_follow_from_the_parts_and_the_example_price() -> None:
    price = Decimal("0.0118")
    assert f"{price} together, a month of 30 days" in _in_one_line()
    months = [row for row in table_under(GUIDE, "## What SMS cost") if len(row) == 5 and row[1].isdigit()]
    assert len(months) == 3
    for _, a_day, parts_each, parts, dollars in months:
        assert int(a_day) * int(parts_each) * 30 == int(parts)
        assert (int(parts) * price).quantize(Decimal("0.01")) == Decimal(dollars)
    worst = months[-1]
    most_parts = config.load("system")["notifications"]["sms"]["max_parts"]  # type: ignore[index,call-overload]
    assert (int(worst[1]), int(worst[2])) == (SmsLimits().per_day, most_parts)


def test_the_webhook_body_has_the_fields_that_are_shown(make_message: object) -> None:
    [shown] = [json.loads(block.text) for block in blocks(CHECKOUT / GUIDE) if block.language == "json"]
    assert callable(make_message)
    message: Message = make_message()
    sent = json.loads(webhook_payload(message))
    assert list(shown) == list(sent)
    assert list(shown["data"]) == list(sent["data"])
