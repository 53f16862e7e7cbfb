"""The table of moves says what the design says about a delivery's life."""

import pytest

from precog.domain.deliveries import MOVES, WORST_FIRST, DeliveryStatus

pytestmark = pytest.mark.unit

FINAL = (DeliveryStatus.SENT, DeliveryStatus.CANCELLED)


def _reachable(start: DeliveryStatus) -> set[DeliveryStatus]:
    seen: set[DeliveryStatus] = set()
    ahead = {start}
    while ahead:
        seen |= ahead
        ahead = {target for status in ahead for target in MOVES[status]} - seen
    return seen


def test_every_status_has_its_moves_and_its_rank() -> None:
    assert set(MOVES) == set(DeliveryStatus)
    assert sorted(WORST_FIRST) == sorted(DeliveryStatus)


def test_a_new_delivery_can_come_to_every_status() -> None:
    assert _reachable(DeliveryStatus.PENDING) == set(DeliveryStatus)


@pytest.mark.parametrize("status", [status for status in DeliveryStatus if status not in FINAL])
def test_nothing_gets_stuck_short_of_an_end(status: DeliveryStatus) -> None:
    assert DeliveryStatus.SENT in _reachable(status)


@pytest.mark.parametrize("status", FINAL)
def test_what_is_sent_or_cancelled_stays_so(status: DeliveryStatus) -> None:
    assert MOVES[status] == frozenset()


@pytest.mark.parametrize("status", DeliveryStatus)
def test_no_status_moves_to_itself(status: DeliveryStatus) -> None:
    assert status not in MOVES[status]


def test_only_a_pending_delivery_is_claimed() -> None:
    assert [status for status in DeliveryStatus if DeliveryStatus.SENDING in MOVES[status]] == [DeliveryStatus.PENDING]
