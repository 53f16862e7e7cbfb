from datetime import UTC, datetime

import pytest

from precog.channels.http import Answer, checked_url, refusal, retry_after
from precog.errors import PermanentFailure, RateLimited, SendFailure, TransientFailure, UnknownOutcome

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def meaning(status: int, *, pause: float | None = None, attempt: int = 1) -> type[SendFailure]:
    return type(refusal(Answer(status=status, body="", retry_after=pause), "reason", attempt=attempt))


@pytest.mark.parametrize(
    ("status", "first", "third"),
    [
        (301, TransientFailure, PermanentFailure),
        (302, TransientFailure, PermanentFailure),
        (400, TransientFailure, PermanentFailure),
        (401, TransientFailure, PermanentFailure),
        (404, TransientFailure, PermanentFailure),
        (422, TransientFailure, PermanentFailure),
        (408, TransientFailure, TransientFailure),
        (425, TransientFailure, TransientFailure),
        (429, RateLimited, RateLimited),
        (500, UnknownOutcome, UnknownOutcome),
        (502, UnknownOutcome, UnknownOutcome),
        (503, TransientFailure, TransientFailure),
        (504, UnknownOutcome, UnknownOutcome),
    ],
)
def test_a_status_says_whether_to_send_again(status: int, first: type, third: type) -> None:
    assert (meaning(status, attempt=1), meaning(status, attempt=3)) == (first, third)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_throttling_answer_that_names_a_pause_is_obeyed(status: int) -> None:
    failure = refusal(Answer(status=status, body="", retry_after=30), "reason", attempt=1)
    assert isinstance(failure, RateLimited)
    assert failure.retry_after == 30


@pytest.mark.parametrize("status", [status for status in range(100, 600) if not 200 <= status < 300])
def test_every_status_but_success_is_some_failure(status: int) -> None:
    assert issubclass(meaning(status), SendFailure)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        (" 0 ", 0.0),
        ("999999", 3600.0),
        ("Mon, 23 Nov 2026 03:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 02:00:00 GMT", 0.0),
        ("Mon, 23 Nov 2026 03:00:30 -0000", 30.0),
        ("Tue, 24 Nov 2026 03:00:00 GMT", 3600.0),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("٣", None),
        ("", None),
    ],
)
def test_both_forms_of_retry_after_are_understood_and_capped(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, now=NOW) == seconds


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/",
        "example.com/hook",
        "https://",
        "https://user:secret@example.com/",
        "https://token@example.com/",
        "https://example.com:22/",
        "https://example.com:99999/",
        "https://exa mple.com/",
    ],
)
def test_a_url_that_must_not_be_called_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 -- the text is looked at below
        checked_url(url, allow_private=False)
    assert "secret" not in str(refused.value)
    assert "token@" not in str(refused.value)


def test_an_ordinary_url_is_fine() -> None:
    for url in ("https://example.com/hook?x=1", "http://example.com:8080/", "https://bücher.example/x"):
        assert checked_url(url, allow_private=False) == url
