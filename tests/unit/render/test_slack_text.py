from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from precog.domain.deliveries import Message
from precog.render.slack import TEXT_LIMIT, escaped, plain_payload, slack_payload

pytestmark = pytest.mark.unit

Make = Callable[..., Message]
same_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def texts(value: Any) -> Iterator[dict[str, Any]]:
    """Every text object of a payload."""
    if isinstance(value, dict):
        if value.get("type") in {"plain_text", "mrkdwn"}:
            yield value
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def test_blocks_say_what_where_when_and_what_to_do(make_message: Make) -> None:
    payload = slack_payload(make_message(suppressed_before=12))
    said = "\n".join(text["text"] for text in texts(payload))
    for words in (
        "🔴 [DEMO] CRITICAL risk_manager",
        "Daily loss limit reached",
        "loss\n512.3000",
        "12 equal alerts",
        "precog alerts ack 1234",
        "2026-11-23 03:03:37 UTC",
    ):
        assert words in said
    assert payload["text"] == "[DEMO] CRITICAL risk_manager: Daily loss limit reached, trading is halted"


@pytest.mark.parametrize("hostile", ["<!channel>", "<@U123>", "<https://evil.example|log in>", "&lt;!here&gt;"])
def test_nothing_in_an_alert_mentions_somebody_or_becomes_a_link(make_message: Make, hostile: str) -> None:
    message = make_message(message=hostile, component=hostile, alert_type=hostile, details={hostile: hostile})
    for payload in (slack_payload(message), plain_payload(message)):
        assert "<" not in str(payload)
        assert payload["link_names"] == 0
    assert all(text["type"] == "plain_text" for text in texts(slack_payload(message)))


@given(st.text(st.sampled_from("a&<>")), st.integers(min_value=10, max_value=60))
def test_an_escaped_text_fits_and_no_entity_is_cut(text: str, limit: int) -> None:
    result = escaped(text * 10, limit)
    assert len(result) <= limit
    plain = result.replace("&lt;", "").replace("&gt;", "").replace("&amp;", "")
    assert set(plain) <= {"a", "…"}


@same_fixture
@given(message=st.text(), details=st.dictionaries(st.text(), st.text(), max_size=30))
def test_every_alert_stays_within_slacks_limits(make_message: Make, message: str, details: dict[str, str]) -> None:
    details = {name: value * 200 for name, value in details.items()}
    payload = slack_payload(make_message(message=message * 500, details=details))
    assert isinstance(payload["blocks"], list)
    assert len(payload["blocks"]) <= 50
    assert all(1 <= len(text["text"]) <= TEXT_LIMIT for text in texts(payload))
    assert sum(len(text["text"]) for text in texts(payload)) < 13_000
    for block in payload["blocks"]:
        assert isinstance(block, dict)
        fields = block.get("fields", [])
        assert isinstance(fields, list)
        assert len(fields) <= 10
