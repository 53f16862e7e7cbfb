import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from precog.domain.deliveries import Message
from precog.render.payload import WEBHOOK_LIMIT, jsonline, webhook_payload

pytestmark = pytest.mark.unit

Make = Callable[..., Message]
same_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def test_the_file_gets_one_line_whatever_the_text_holds(make_message: Make) -> None:
    line = jsonline(make_message(message='a\n{"severity": "low"}\u2028b\ud800'))
    assert line.endswith(b"\n")
    assert len(line.decode().splitlines()) == 1
    assert json.loads(line)["severity"] == "critical"


def test_a_decimal_is_exact_text(make_message: Make) -> None:
    assert json.loads(jsonline(make_message()))["details"]["loss"] == "512.3000"


def test_a_webhook_body_has_type_timestamp_and_data(make_message: Make) -> None:
    body = json.loads(webhook_payload(make_message()))
    assert body["type"] == "alert.notified"
    assert body["timestamp"] == "2026-11-23T03:03:37+00:00"
    assert body["data"]["alert_id"] == 1234
    assert body["data"]["details"] == {"loss": "512.3000", "limit": "500.0000"}


@same_fixture
@given(message=st.text(max_size=2000).map(lambda text: text * 20), value=st.text(max_size=2000))
def test_a_webhook_body_is_always_below_the_limit_and_valid(make_message: Make, message: str, value: str) -> None:
    body = webhook_payload(make_message(message=message, details={"value": value * 20}))
    assert len(body) < WEBHOOK_LIMIT
    assert json.loads(body)["data"]["alert_id"] == 1234


def test_details_that_do_not_fit_are_left_out_and_said_so(make_message: Make) -> None:
    body = json.loads(webhook_payload(make_message(details={"trace": "x" * 30_000})))
    assert body["data"]["details"] == {"_truncated": "read them with: precog alerts show 1234"}
