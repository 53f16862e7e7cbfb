"""Places that are taken and given back: as many as there are, whoever drops one."""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from precog.store.places import Place, Places

pytestmark = pytest.mark.unit


def _every(places: Places) -> list[Place]:
    taken = []
    while (place := places.take(0.0)) is not None:
        taken.append(place)
    return taken


def test_there_are_as_many_as_were_asked_for_and_each_is_free_again_once_given_back() -> None:
    places = Places(3)
    for _ in range(2):
        taken = _every(places)
        assert len(set(taken)) == 3
        for each in taken:
            each.give_back()


def test_one_that_its_taker_dropped_is_replaced_when_none_is_free() -> None:
    places = Places(3)
    taken = _every(places)
    assert places.take(0.0) is None
    del taken[:2]
    again = _every(places)
    assert len(again) == 2
    assert taken[0] not in again


def test_who_waits_gets_what_another_gives_back() -> None:
    places = Places(1)
    place = places.take(0.0)
    assert place is not None
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(places.take, 30.0)
        place.give_back()
        assert waiting.result() is place


def test_who_was_called_and_finds_nothing_waits_no_longer_than_it_may() -> None:
    """As long as this thread has the interpreter, the other only knows that it was called. SimpleQueue.get, called in
    time and let on too late, then waits for ever."""
    places, begun, seconds = Places(1), threading.Event(), 0.1
    place = places.take(0.0)

    def wait() -> Place | None:
        begun.set()
        return places.take(seconds)

    before = sys.getswitchinterval()
    sys.setswitchinterval(5.0)
    try:
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(wait)
            assert begun.wait(10)
            assert place is not None
            place.give_back()
            place = places.take(0.0)
            assert place is not None
            over = time.monotonic() + 2 * seconds
            while time.monotonic() < over:
                pass
            try:
                assert waiting.result(3) is None
            finally:
                place.give_back()
    finally:
        sys.setswitchinterval(before)


def test_of_many_who_wait_each_gets_one_and_no_more_have_one_than_there_are() -> None:
    places = Places(3)
    having: list[Place] = []

    def come_and_go() -> int:
        most = 0
        for _ in range(500):
            place = places.take(30.0)
            assert place is not None
            having.append(place)
            most = max(most, len(having))
            having.remove(place)
            place.give_back()
        return most

    with ThreadPoolExecutor(12) as threads:
        at_once = [threads.submit(come_and_go) for _ in range(12)]
        assert max(each.result(60) for each in at_once) <= 3
    assert len(_every(places)) == 3
