"""How long a send may take: consistent with itself and with every channel's own timeout, and known to Celery."""

import re
from collections.abc import Callable

import pytest

from precog.channels.registry import KINDS
from precog.errors import ConfigError
from precog.resources import resource
from precog.settings.delivery import Timing
from precog.settings.load import load_settings, load_timing

pytestmark = pytest.mark.unit
Install = Callable[..., dict[str, str]]


def _shipped(**replaced: str) -> str:
    """The shipped system.yaml with the values of some keys replaced wherever they stand."""
    text = (resource("config") / "system.yaml").read_text()
    for key, value in replaced.items():
        text, count = re.subn(rf"\b{key}: \d+", f"{key}: {value}", text)
        assert count, key
    return text


def test_a_worker_is_given_the_limits_of_the_file(install: Install) -> None:
    environ = install(system=_shipped(send_limit_seconds="12", lease_seconds="20", timeout_seconds="3"))
    timing = load_timing(environ)
    assert (timing.send_limit_seconds, timing.soft_send_limit_seconds, timing.lease_seconds) == (12, 10, 20)
    settings = load_settings(channels={name: kind.settings for name, kind in KINDS.items()}, environ=environ)
    assert settings.delivery.timing == timing


def test_a_file_without_them_or_a_broken_one_leaves_the_defaults(install: Install) -> None:
    assert load_timing(install(system="delivery: {timing: {lease_seconds: soon}}\n")) == Timing()
    assert load_timing(install(system="delivery: {}\n")) == Timing()
    assert load_timing({"PRECOG_CONFIG_DIR": "/nowhere"}) == Timing()


def test_the_shipped_file_says_the_defaults() -> None:
    assert load_timing({}) == Timing()


def test_a_channel_that_may_outlast_its_send_is_refused(install: Install) -> None:
    environ = install(system=_shipped(timeout_seconds="31")) | {"SLACK_WEBHOOK_URL": "https://hooks.slack.com/x"}
    with pytest.raises(ConfigError) as caught:
        load_settings(channels={name: kind.settings for name, kind in KINDS.items()}, environ=environ)
    [(place, problem)] = caught.value.problems
    assert place.endswith("notifications.slack.timeout_seconds")
    assert problem == "is 31; at most 30, half of delivery.timing.send_limit_seconds"


@pytest.mark.parametrize(
    ("limit", "lease", "latest_start"), [(60, 90, 10), (6, 8, 2), (60, 61, 1)], ids=["shipped", "short", "close"]
)
def test_a_send_that_begins_at_the_last_moment_ends_before_its_lease(limit: int, lease: int, latest_start: int) -> None:
    timing = Timing(send_limit_seconds=limit, lease_seconds=lease)
    assert timing.latest_start_seconds == latest_start
    assert timing.latest_start_seconds + timing.send_limit_seconds <= lease


@pytest.mark.parametrize("send_limit", [2, 3, 12, 60, 600])
def test_a_round_leaves_its_last_send_nearly_all_of_the_limit(send_limit: int) -> None:
    timing = Timing(send_limit_seconds=send_limit, lease_seconds=send_limit + 1)
    assert 0 < timing.round_seconds <= timing.soft_send_limit_seconds / 20
    assert timing.round_seconds <= 0.5
