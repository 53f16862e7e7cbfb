"""After one call that waited in vain the next ones fail at once, until one of them asks again."""

import pytest

from precog.errors import AlertStoreUnavailable
from precog.store import patience
from precog.store.patience import Patience

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def seconds(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Every failure was waited for, and others are spared for a minute, unless a test says otherwise."""
    monkeypatch.setattr(patience, "_IN_VAIN_SECONDS", 0.0)
    monkeypatch.setattr(patience, "SPARED_SECONDS", 60.0)
    return monkeypatch


def _asks(one: Patience, *, hangs: bool = False) -> bool:
    """Whether a caller gets as far as to ask."""
    asked = False
    try:
        with one.tried():
            asked = True
            if hangs:
                raise AlertStoreUnavailable("no answer")  # noqa: TRY301
    except AlertStoreUnavailable:
        pass
    return asked


def test_whoever_comes_after_one_that_waited_in_vain_does_not_ask() -> None:
    one = Patience()
    assert _asks(one, hangs=True)
    with pytest.raises(AlertStoreUnavailable, match="a call before this one waited in vain"), one.tried():
        raise AssertionError


def test_after_a_while_one_asks_again_and_the_others_do_not_wait_for_it(seconds: pytest.MonkeyPatch) -> None:
    one = Patience()
    seconds.setattr(patience, "SPARED_SECONDS", 0.0)
    assert _asks(one, hangs=True)
    seconds.setattr(patience, "SPARED_SECONDS", 60.0)
    with one.tried():
        assert not _asks(one), "the one that asks has no answer yet"
    assert _asks(one), "it got one"


def test_a_server_that_refuses_is_asked_every_time(seconds: pytest.MonkeyPatch) -> None:
    seconds.setattr(patience, "_IN_VAIN_SECONDS", 60.0)
    one = Patience()
    assert [_asks(one, hangs=True) for _ in range(3)] == [True, True, True]


def test_each_pool_has_patience_of_its_own() -> None:
    one, other = Patience(), Patience()
    _asks(one, hangs=True)
    assert _asks(other)
