"""A failed request is counted and goes on; nothing about the counting ever gets in its way."""

from collections.abc import Callable
from typing import Any

import pytest

from precog.sources import check_breakers, requesting
from precog.store.pool import close_default_pool

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]


class Unavailable(Exception):
    pass


def _fail(platform_id: str = "kalshi", failure: BaseException | None = None) -> None:
    with requesting(platform_id, "GET /markets?token=canary"):
        raise failure or Unavailable("HTTP 503, Bearer canary-canary")


def test_five_failed_requests_trip_the_breaker_and_each_failure_goes_on(ground: None, sql: Run) -> None:
    for _ in range(5):
        with pytest.raises(Unavailable):
            _fail()

    assert len(check_breakers()) == 1
    assert sql("SELECT DISTINCT request, error FROM api_failures") == [
        ("GET /markets?token=***", "Unavailable: HTTP 503, Bearer ***")
    ]


def test_a_request_that_is_answered_or_stopped_is_not_counted(ground: None, sql: Run) -> None:
    with requesting("kalshi", "GET /markets"):
        pass
    with pytest.raises(KeyboardInterrupt):
        _fail(failure=KeyboardInterrupt())
    assert sql("SELECT count(*) FROM api_failures") == [(0,)]


@pytest.mark.parametrize("failure", [Unavailable(), Unavailable("\x00\ud800" * 400)])
def test_a_strange_failure_is_counted_too(ground: None, sql: Run, failure: Exception) -> None:
    with pytest.raises(Unavailable):
        _fail(failure=failure)
    assert sql("SELECT count(*) FROM api_failures") == [(1,)]


def test_what_cannot_be_written_down_is_logged(
    ground: None, precog_env: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Unavailable):
        _fail("nowhere")
    close_default_pool()
    precog_env.setenv("DATABASE_URL", "postgresql://precog@127.0.0.1:1/precog")
    with pytest.raises(Unavailable):
        _fail()
    assert caplog.messages.count("a failed request is not written down") == 2
