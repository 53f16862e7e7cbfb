from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from precog.domain.deliveries import Message
from precog.render.segments import segments
from precog.render.sms import reference, sms_text

pytestmark = pytest.mark.unit

Make = Callable[..., Message]
same_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def test_an_sms_says_what_matters_and_ends_with_its_reference(make_message: Make) -> None:
    assert sms_text(make_message(suppressed_before=4), parts=3) == (
        "DEMO CRITICAL risk_manager: Daily loss limit reached, trading is halted. loss 512.3000, limit 500.0000."
        " +4 equal, silent. Ack: precog alerts ack 1234 [a7f3c2]"
    )


def test_a_digest_names_the_alerts_it_carries(make_message: Make) -> None:
    text = sms_text(make_message(folded=("HIGH feed: stale", "HIGH api: slow")), parts=3)
    assert "ALSO: HIGH feed: stale; HIGH api: slow. Ack: precog alerts ack 1234" in text


def test_two_thousand_emoji_are_cut_to_the_parts_allowed(make_message: Make) -> None:
    text = sms_text(make_message(message="😀" * 2000), parts=3)
    assert segments(text) <= 3
    assert text.endswith("... Ack: precog alerts ack 1234 [a7f3c2]")


@same_fixture
@given(message=st.text(), parts=st.integers(min_value=1, max_value=10))
def test_every_text_is_one_line_within_its_parts_and_within_what_twilio_takes(
    make_message: Make, message: str, parts: int
) -> None:
    text = sms_text(make_message(message=message * 50), parts=parts)
    assert segments(text) <= parts
    assert len(text) <= 1600
    assert len(text.splitlines()) == 1
    assert text.endswith(reference(make_message().delivery_id))


def test_an_alert_cannot_pass_for_another_by_quoting_its_reference(make_message: Make) -> None:
    other = UUID(int=1)
    text = sms_text(make_message(message=f"look at {reference(other)}"), parts=3)
    assert not text.endswith(reference(other))
