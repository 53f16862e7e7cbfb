"""Calls that come while others are at the same work are done together: one round trip and one commit for all of them.

One that comes alone waits for nobody, and two may be at it side by side. Who comes then waits until one of them is done
or as many wait as the other is working for; the first of those who wait then works for all. That pays twice: who
waits takes no turn of the interpreter, and a server works off eight in one message in half the time of eight messages.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

log = logging.getLogger("precog.group_commit")

Item = TypeVar("Item")
Result = TypeVar("Result")

_PATIENCE_SECONDS = 0.05
"""Who is in no group by then goes alone: what befalls others must not hold up an alert."""
_FORGOTTEN_AFTER_SECONDS = 10.0
"""A group that is at work for longer has lost its first call to a signal, just when that was to begin."""
_SIDE_BY_SIDE = 2
_MOST = 16
"""In one group: what they lock, they hold until all are done."""


class NoAnswer(Exception):
    """Not a TimeoutError: a caller may have set a limit of its own by a signal, which raises that."""


class _Call(Generic[Item, Result]):
    """One caller, and what has become of it so far."""

    __slots__ = ("group", "item", "joined", "result", "thread", "woken")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.thread = threading.get_ident()
        self.joined = False
        """Whether others may have it."""
        self.group: _Group[Item, Result] | None = None
        self.result: tuple[Result] | None = None
        self.woken = threading.Lock()
        """Released for the first of a group when that begins, and for the others when it has ended."""
        self.woken.acquire()

    def led(self) -> "_Group[Item, Result] | None":
        """The group that it works for."""
        return self.group if self.group is not None and self.group.calls[0] is self else None


class _Group(Generic[Item, Result]):
    __slots__ = ("began", "calls", "results")

    def __init__(self, calls: list[_Call[Item, Result]]) -> None:
        self.calls = calls
        self.results: Sequence[Result] | None = None
        """Of all its calls, as soon as they are committed."""
        self.began = time.monotonic()


class GroupCommit(Generic[Item, Result]):
    """`commit` does the work for some items within so many seconds, for all of them or, with an exception, for none; it
    must be one that may run twice. `follow` is what comes after for the same items, while others may commit already.
    `interrupts` are exceptions that a signal's handler raises: they end the call of the thread that they strike, and
    say nothing of the work that it does for others.

    A child of a fork needs one of its own.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Item], float], Sequence[Result]],
        follow: Callable[[Sequence[Item], Sequence[Result]], None],
        *,
        interrupts: tuple[type[Exception], ...] = (),
    ) -> None:
        self._commit, self._follow, self._interrupts = commit, follow, interrupts
        self._lock = threading.Lock()
        self._waiting: deque[_Call[Item, Result]] = deque()
        self._at_work: list[_Group[Item, Result]] = []

    def do(self, item: Item, *, within: float) -> Result:
        """What `commit` returned for the item, once `follow` is done as well.

        Who waits in vain for others to `follow` has its result all the same. Raises what `commit` raises for it alone;
        NoAnswer when others got none in so many seconds.
        """
        answer_by = time.monotonic() + within
        call: _Call[Item, Result] = _Call(item)
        try:
            if self._joins(call):
                self._wait(call, answer_by)
                if (group := call.led()) is not None:
                    self._work(group, answer_by)
        finally:
            try:
                self._let_go(call)
            except BaseException:  # an interrupt in the middle of it, which others must not wait for
                self._let_go(call)
                raise
        return call.result[0] if call.result else self._alone(item, answer_by)

    def _joins(self, call: _Call[Item, Result]) -> bool:
        """Not while the lock is taken, perhaps by this very thread: a finalizer runs in the middle of anything.

        The lock is asked first and then taken by `with`, since an interrupt may come between `acquire` and a `try`.
        """
        if self._lock.locked():
            return False
        with self._lock:
            if any(each.thread == call.thread for each in self._waiting):
                return False  # a signal's handler: the first of their group could not begin before it returns
            call.joined = True
            self._waiting.append(call)
            self._begin_if_it_is_time()
        return True

    def _begin_if_it_is_time(self) -> None:
        """Under the lock."""
        if not self._waiting or len(self._at_work) >= _SIDE_BY_SIDE:
            return
        if any(len(group.calls) > len(self._waiting) for group in self._at_work):
            return
        group = _Group([self._waiting.popleft() for _ in range(min(_MOST, len(self._waiting)))])
        for each in group.calls:
            each.group = group
        self._at_work.append(group)
        group.calls[0].woken.release()

    def _wait(self, call: _Call[Item, Result], answer_by: float) -> None:
        """Until it is to work for its group, or that has ended, or it is in none."""
        if call.woken.acquire(timeout=min(_PATIENCE_SECONDS, _left(answer_by))) or self._withdrawn(call):
            return
        if call.led() is not None:  # an interrupt befell whoever was to wake it
            return
        if call.woken.acquire(timeout=_left(answer_by)):
            return
        if call.group is None or call.group.results is None:
            raise NoAnswer("the call that worked for this one as well got no answer")
        call.result = (call.group.results[call.group.calls.index(call)],)

    def _withdrawn(self, call: _Call[Item, Result]) -> bool:
        """Whether no group has it, and none will."""
        with self._lock:
            if call.group is not None:
                return False
            with suppress(ValueError):  # it has withdrawn before
                self._waiting.remove(call)
            forgotten = time.monotonic() - _FORGOTTEN_AFTER_SECONDS
            self._at_work = [group for group in self._at_work if group.began > forgotten]
            self._begin_if_it_is_time()
            return True

    def _work(self, group: _Group[Item, Result], answer_by: float) -> None:
        items = [each.item for each in group.calls]
        try:
            results = self._commit(items, _left(answer_by))
        except Exception as error:
            if len(items) == 1 or isinstance(error, self._interrupts):
                raise
            log.warning(
                "calls that were done together have failed, and each is done again alone",
                extra={"calls": len(items), "error": type(error).__name__},
            )
            return
        group.results = results
        self._end(group)
        self._follow(items, results)
        for each, result in zip(group.calls, results, strict=True):
            each.result = (result,)

    def _end(self, group: _Group[Item, Result]) -> None:
        with self._lock:
            if group in self._at_work:
                self._at_work.remove(group)
                self._begin_if_it_is_time()

    def _let_go(self, call: _Call[Item, Result]) -> None:
        """However its part ended, an interrupt included: nobody waits for it any more. May be done twice."""
        if not call.joined or self._withdrawn(call):
            return
        if (group := call.led()) is not None:
            self._end(group)
            for each in group.calls[1:]:
                if each.woken.locked():
                    each.woken.release()

    def _alone(self, item: Item, answer_by: float) -> Result:
        if not (seconds := _left(answer_by)):
            raise NoAnswer("the call that worked for this one as well failed, and no time is left to try alone")
        results = self._commit([item], seconds)
        self._follow([item], results)
        return results[0]


def _left(moment: float) -> float:
    """Seconds until then, 0 if it has passed."""
    return max(0.0, moment - time.monotonic())
