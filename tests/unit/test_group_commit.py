"""Calls that come together are done together, and none ever depends on another for its result or its end."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from precog import group_commit
from precog.group_commit import GroupCommit
from tests.waiting import eventually


class TimeLimit(Exception):
    """As Celery's, raised by the handler of a signal."""


class Desk:
    """Where the work is done: what it was given at once, and a gate that all work waits at while it is shut."""

    def __init__(self) -> None:
        self.given: list[list[str]] = []
        self.followed: list[list[str]] = []
        self.gate = threading.Event()
        self.follow_gate = threading.Event()
        self.follow_gate.set()
        self.together = GroupCommit(self._commit, self._follow, interrupts=(TimeLimit,))
        self.threads = ThreadPoolExecutor(32)

    def _commit(self, items: Sequence[str], seconds: float) -> list[str]:
        assert seconds > 0
        self.given.append(sorted(items))
        assert self.gate.wait(30)
        if "refused" in items:
            raise ValueError("refused")
        if "interrupted" in items and len(items) > 1:
            raise KeyboardInterrupt
        if "out of time" in items and len(items) > 1:
            raise TimeLimit
        return [f"{item} is done" for item in items]

    def _follow(self, items: Sequence[str], results: Sequence[str]) -> None:
        assert results == [f"{item} is done" for item in items]
        assert self.follow_gate.wait(30)
        self.followed.append(sorted(items))

    def call(self, item: str, *, within: float = 30.0) -> "Future[str]":
        return self.threads.submit(self.together.do, item, within=within)

    def calls_at_work(self, *items: str) -> list["Future[str]"]:
        """Each alone, and at the gate."""
        called = []
        for item in items:
            called.append(self.call(item))
            eventually(lambda item=item: [item] in self.given)  # type: ignore[misc]
        return called

    def calls_that_wait(self, *items: str) -> list["Future[str]"]:
        called = []
        for item in items:
            before = self.waiting()
            called.append(self.call(item))
            eventually(lambda before=before: self.waiting() == before + 1)  # type: ignore[misc]
        return called

    def waiting(self) -> int:
        return len(self.together._waiting)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(group_commit, "_PATIENCE_SECONDS", 20.0)
    opened = Desk()
    yield opened
    opened.gate.set()
    opened.follow_gate.set()
    opened.threads.shutdown()


def _all(called: Sequence["Future[str]"]) -> list[str]:
    return [each.result(30) for each in called]


def test_a_call_that_comes_alone_is_done_alone(desk: Desk) -> None:
    desk.gate.set()
    assert _all([desk.call("a")]) == ["a is done"]
    assert desk.given == desk.followed == [["a"]]


def test_two_are_at_work_side_by_side_and_those_who_come_meanwhile_are_done_together(desk: Desk) -> None:
    called = desk.calls_at_work("a", "b") + desk.calls_that_wait("c", "d", "e")
    desk.gate.set()
    assert _all(called) == [f"{item} is done" for item in "abcde"]
    assert desk.given == [["a"], ["b"], ["c", "d", "e"]]
    assert sorted(desk.followed) == [["a"], ["b"], ["c", "d", "e"]]


def test_who_comes_while_many_are_at_work_waits_until_as_many_have_come(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "_SIDE_BY_SIDE", 1)
    called = desk.calls_at_work("a") + desk.calls_that_wait("b", "c", "d")
    let_them_go(desk)
    eventually(lambda: ["b", "c", "d"] in desk.given)
    monkeypatch.setattr(group_commit, "_SIDE_BY_SIDE", 2)
    called += desk.calls_that_wait("e", "f")
    called.append(desk.call("g"))
    eventually(lambda: ["e", "f", "g"] in desk.given)
    desk.gate.set()
    assert _all(called) == [f"{item} is done" for item in "abcdefg"]


def let_them_go(desk: Desk) -> None:
    """Those at the gate pass, and who comes next finds it shut."""
    passed, desk.gate = desk.gate, threading.Event()
    passed.set()


def test_no_group_is_larger_than_sixteen(desk: Desk) -> None:
    called = desk.calls_at_work("a", "b") + desk.calls_that_wait(*(f"c{number:02}" for number in range(20)))
    desk.gate.set()
    _all(called)
    assert [len(each) for each in desk.given][:3] == [1, 1, 16]


def test_one_that_is_refused_costs_the_others_nothing(desk: Desk) -> None:
    called = desk.calls_at_work("a", "b") + desk.calls_that_wait("c", "refused", "d")
    desk.gate.set()
    *others, refused, last = called
    assert _all([*others, last]) == ["a is done", "b is done", "c is done", "d is done"]
    with pytest.raises(ValueError, match="refused"):
        refused.result(30)


@pytest.mark.parametrize(("item", "interrupt"), [("interrupted", KeyboardInterrupt), ("out of time", TimeLimit)])
def test_an_interrupt_of_the_one_who_works_for_others_leaves_them_to_themselves(
    desk: Desk, item: str, interrupt: type[BaseException]
) -> None:
    called = desk.calls_at_work("a", "b")
    leading, *others = desk.calls_that_wait(item, "c", "d")
    desk.gate.set()
    assert _all([*called, *others]) == [f"{item} is done" for item in "abcd"]
    with pytest.raises(interrupt):
        leading.result(30)
    assert _all([desk.call("e")]) == ["e is done"]


def test_who_is_in_no_group_for_long_goes_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "_PATIENCE_SECONDS", 0.01)
    stuck = desk.calls_at_work("a", "b")
    alone = desk.call("c")
    eventually(lambda: ["c"] in desk.given)
    let_them_go(desk)
    assert _all([*stuck, alone]) == ["a is done", "b is done", "c is done"]
    assert not desk.waiting()


def test_who_is_in_a_group_that_gets_no_answer_is_told_so_in_its_own_time(desk: Desk) -> None:
    called = desk.calls_at_work("a", "b") + desk.calls_that_wait("c")
    late = desk.call("d", within=1.0)
    eventually(lambda: desk.waiting() == 2)
    let_them_go(desk)
    with pytest.raises(group_commit.NoAnswer):
        late.result(30)
    desk.gate.set()
    assert _all(called) == ["a is done", "b is done", "c is done"]


def test_who_waits_no_longer_for_what_comes_after_the_commit_has_its_result_all_the_same(desk: Desk) -> None:
    """Told otherwise, its caller would put into the journal, and send, what is stored and rung for."""
    called = desk.calls_at_work("a", "b") + desk.calls_that_wait("c")
    impatient = desk.call("d", within=1.0)
    eventually(lambda: desk.waiting() == 2)
    desk.follow_gate.clear()
    desk.gate.set()
    assert impatient.result(30) == "d is done"
    assert not any(each.done() for each in called)
    desk.follow_gate.set()
    assert _all(called) == ["a is done", "b is done", "c is done"]


def test_an_interrupt_of_what_comes_after_the_commit_leaves_the_others_to_do_it_themselves(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = desk.calls_at_work("a", "b")
    leading, *others = desk.calls_that_wait("c", "d", "e")
    monkeypatch.setattr(desk.together, "_follow", _interrupted_for_several(desk.together._follow))
    desk.gate.set()
    assert _all([*called, *others]) == ["a is done", "b is done", "d is done", "e is done"]
    with pytest.raises(KeyboardInterrupt):
        leading.result(30)
    assert sorted(desk.followed) == [["a"], ["b"], ["d"], ["e"]]


Follow = Callable[[Sequence[str], Sequence[str]], None]


def _interrupted_for_several(follow: Follow) -> Follow:
    def interrupted(items: Sequence[str], results: Sequence[str]) -> None:
        if len(items) > 1:
            raise KeyboardInterrupt
        follow(items, results)

    return interrupted


def test_the_next_commit_while_the_first_are_followed_up_and_nobody_returns_before(desk: Desk) -> None:
    desk.gate.set()
    desk.follow_gate.clear()
    called = [desk.call(item) for item in "abc"]
    eventually(lambda: sorted(desk.given) == [["a"], ["b"], ["c"]])
    assert not any(each.done() for each in called)
    desk.follow_gate.set()
    assert _all(called) == ["a is done", "b is done", "c is done"]


def test_a_finalizer_that_calls_in_the_middle_of_a_call_is_done_alone(desk: Desk) -> None:
    desk.gate.set()
    with desk.together._lock:
        assert desk.together.do("a", within=30.0) == "a is done"


def test_a_signal_handler_that_calls_in_the_middle_of_a_wait_waits_for_no_group_of_its_own_thread(desk: Desk) -> None:
    """The first of that group could not begin before its handler returns."""
    called = desk.calls_at_work("a", "b")
    found: list[str] = []

    def handle(*_: object) -> None:
        # Where it waits for a group it gets into one with the call below, which cannot work meanwhile.
        threading.Timer(0.2, desk.gate.set).start()
        found.append(desk.together.do("inner", within=5.0))

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        here = threading.get_ident()
        threading.Thread(target=_signal_who_waits, args=(desk, here)).start()
        assert desk.together.do("outer", within=10.0) == "outer is done"
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert found == ["inner is done"]
    assert _all(called) == ["a is done", "b is done"]


def _signal_who_waits(desk: Desk, thread: int) -> None:
    eventually(desk.waiting)
    signal.pthread_kill(thread, signal.SIGUSR1)


def test_a_group_whose_first_was_lost_is_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "_PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(group_commit, "_FORGOTTEN_AFTER_SECONDS", 0.0)
    lost = desk.calls_at_work("a", "b")
    desk.calls_at_work("c")
    assert not desk.together._at_work
    desk.gate.set()
    assert _all(lost) == ["a is done", "b is done"]


def test_each_of_many_gets_its_own_result_and_is_done_once(desk: Desk) -> None:
    desk.gate.set()
    items = [str(number) for number in range(2000)]
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(_calling(desk), items))
    assert found == [f"{item} is done" for item in items]
    assert sorted(item for given in desk.given for item in given) == sorted(items)


def _calling(desk: Desk) -> Callable[[str], str]:
    return lambda item: desk.together.do(item, within=30.0)
