"""Places that are taken and given back: as many as there are, whoever drops one."""

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
