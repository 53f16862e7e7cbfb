import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.localstack.commands import WORKERS
from precog.localstack.supervisor import pause_after
from precog.queue import CHANNELS, queue_name

pytestmark = pytest.mark.unit


def test_the_pause_doubles_up_to_half_a_minute() -> None:
    assert [pause_after(ends) for ends in (1, 2, 3, 7, 8, 1000)] == [0.5, 1, 2, 30, 30, 30]


@given(st.integers(min_value=1))
def test_a_pause_is_never_shorter_than_the_one_before(ends: int) -> None:
    assert 0.5 <= pause_after(ends) <= pause_after(ends + 1) <= 30


def test_every_channel_has_exactly_one_kind_of_worker() -> None:
    queues = [queue for argv in WORKERS.values() for queue in argv[argv.index("--queues") + 1].split(",")]
    assert sorted(queues) == sorted(queue_name(channel) for channel in CHANNELS)
