import json

import pytest

from precog.channels.http import Answer
from precog.channels.sms import outcome, twilio_code
from precog.errors import (
    ChannelMisconfigured,
    PermanentFailure,
    RateLimited,
    SendFailure,
    TransientFailure,
    UnknownOutcome,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, 20003, ChannelMisconfigured),
        (403, 20005, ChannelMisconfigured),
        (401, 99999, ChannelMisconfigured),
        (403, 99999, ChannelMisconfigured),
        (404, 20404, ChannelMisconfigured),
        (404, 404, ChannelMisconfigured),
        (400, 21212, ChannelMisconfigured),
        (400, 21606, ChannelMisconfigured),
        (307, 307, ChannelMisconfigured),
        (400, 21211, PermanentFailure),
        (400, 21408, PermanentFailure),
        (400, 21610, PermanentFailure),
        (400, 21614, PermanentFailure),
        (400, 21617, PermanentFailure),
        (400, 29999, PermanentFailure),
        (429, 20429, RateLimited),
        (429, 429, RateLimited),
        (400, 21611, RateLimited),
        (429, 63038, RateLimited),
        (500, 20500, UnknownOutcome),
        (502, 502, UnknownOutcome),
        (503, 20503, UnknownOutcome),
    ],
)
def test_a_code_says_what_to_do(status: int, code: int, expected: type[SendFailure]) -> None:
    failure = outcome(status, code, "reason")
    assert (type(failure), failure.code) == (expected, str(code))


def test_the_accounts_daily_limit_is_left_alone_for_hours() -> None:
    failure = outcome(429, 63038, "reason")
    assert isinstance(failure, TransientFailure)
    assert failure.retry_after == 4 * 3600


def test_a_pause_that_twilio_names_goes_before_ours() -> None:
    failure = outcome(400, 21611, "reason", retry_after=7)
    assert isinstance(failure, TransientFailure)
    assert failure.retry_after == 7


@pytest.mark.parametrize("status", [status for status in range(100, 600) if not 200 <= status < 300])
def test_every_status_but_success_is_some_failure(status: int) -> None:
    assert isinstance(outcome(status, status, "reason"), SendFailure)


@pytest.mark.parametrize(
    ("body", "code"),
    [(json.dumps({"code": 21211}), 21211), ("<html>Bad Gateway</html>", 502), ("[]", 502), ('{"code": "x"}', 502)],
)
def test_where_the_answer_holds_no_code_its_status_is_the_code(body: str, code: int) -> None:
    assert twilio_code(Answer(status=502, body=body, retry_after=None)) == code
