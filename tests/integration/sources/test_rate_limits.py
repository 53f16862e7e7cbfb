"""The rate limit of a source: counted, and told of before it is used up."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from precog import get_unresolved_alerts
from precog.errors import ConfigError
from precog.sources import RateMeter

pytestmark = pytest.mark.integration


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_usage_is_what_was_sent_within_the_window(precog_env: object) -> None:
    clock = Clock()
    meter = RateMeter("kalshi", clock=clock)
    assert [meter.request() for _ in range(4)][-1] == Decimal("0.2")
    clock.now += 1
    assert meter.request() == Decimal("0.05")


def test_eighty_percent_is_told_of_once_and_again_at_the_next_step(precog_env: object) -> None:
    clock = Clock()
    meter = RateMeter("kalshi", clock=clock)
    for count, alerts in ((15, 0), (1, 1), (2, 1), (1, 2), (1, 3), (5, 3)):
        for _ in range(count):
            meter.request()
        assert len(get_unresolved_alerts()) == alerts
    newest = get_unresolved_alerts()[0]
    assert (newest["component"], newest["severity"]) == ("kalshi_api", "medium")
    assert (newest["details"]["source"], newest["details"]["usage"]) == ("kalshi", "1.0000")


def test_many_threads_count_together_and_tell_once(precog_env: object) -> None:
    meter = RateMeter("polymarket")
    with ThreadPoolExecutor(8) as threads:
        usages = list(threads.map(lambda _: meter.request(), range(42)))
    assert max(usages) == Decimal("0.84")
    assert len(get_unresolved_alerts()) == 1


def test_counting_goes_on_while_nobody_can_be_told(precog_env: pytest.MonkeyPatch) -> None:
    meter = RateMeter("kalshi")
    precog_env.setenv("PRECOG_ENVIRONMENT", "nonsense")
    assert [meter.request() for _ in range(20)][-1] == 1


def test_an_unknown_source_is_refused_with_those_there_are(precog_env: object) -> None:
    with pytest.raises(
        ConfigError, match=r"'kalsi' is none of data_sources.yaml; did you mean 'kalshi'\?: kalshi, poly"
    ):
        RateMeter("kalsi")
