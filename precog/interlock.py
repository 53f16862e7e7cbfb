"""Whether an order may go: no, while a critical alert of its scope was not released, or while nobody can say.

    with interlock.guard("platform:kalshi", Scope.market(ticker), Scope.strategy(7)):
        kalshi.place(order)

Asked before each order that raises risk, with every scope that it touches. An exit that lowers risk never asks: nothing
here may keep a position open. docs/INTERLOCK.md says what is promised, and what is not.
"""

import inspect
import time
from collections.abc import Callable
from contextlib import ContextDecorator
from typing import Any, TypeVar

from precog import arguments, journal
from precog.domain.alerts import Environment
from precog.domain.interlock import Block, Release, Released, Scope, Verdict
from precog.errors import AlertTypeError, AlertValueError, OrdersBlocked
from precog.store import interlock as store

__all__ = ["Block", "Release", "Released", "Scope", "Verdict", "guard", "is_blocked", "ready", "release"]

ANSWER_SECONDS = 0.05
"""After so long without an answer, an order is blocked."""
READY_SECONDS = 3.0

_RUNNING_LATER = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)

Function = TypeVar("Function", bound=Callable[..., Any])


def is_blocked(*scopes: Scope | str, environment: str | None = None) -> Verdict:
    """Whether an order that touches these scopes is blocked now: the verdict is true where it is, and says why.

    A block of `all` blocks every order, and an order that touches `all` is blocked by every block. An alert that was
    committed before this call is seen. It answers within 50 ms; not knowing is blocked, too: PostgreSQL away, slow, a
    replica or without rules, or a critical alert in this machine's journal. Only a mistake in the call raises,
    AlertValueError or AlertTypeError.
    """
    asked = _asked(scopes)
    return _verdict(arguments.environment_named(environment), asked, until=time.monotonic() + ANSWER_SECONDS)


def ready(*, environment: str | None = None) -> None:
    """Connect and ask once, without the hurry of an order, so that the first order does not pay for it.

    Called at the start of a program and of each process that it forks. Raises StoreError when PostgreSQL cannot be
    asked.
    """
    store.ask(arguments.environment_named(environment), [Scope.all()], within=READY_SECONDS)


class guard(ContextDecorator):  # noqa: N801 - used as a word of the language: `with guard(...)`, `@guard(...)`
    """Around the placing of an order: OrdersBlocked is raised before the block, or the function, begins.

    It asks on entering and never again. A coroutine function is refused as one to decorate: use `with` inside it.
    """

    def __init__(self, *scopes: Scope | str, environment: str | None = None) -> None:
        self._scopes, self._environment = _asked(scopes), environment

    def __enter__(self) -> Verdict:
        verdict = is_blocked(*self._scopes, environment=self._environment)
        if verdict:
            raise _refusal(verdict)
        return verdict

    def __exit__(self, *failure: object) -> None:
        return None

    def __call__(self, function: Function) -> Function:
        if any(runs_later(function) for runs_later in _RUNNING_LATER):
            raise TypeError(f"{function.__qualname__} runs later than it is called: write `with guard(...)` inside it")
        return super().__call__(function)


def release(alert_id: int, *, actor: str, reason: str, environment: str | None = None) -> Released:
    """Let orders go on that this alert blocks, and those of its incident before it. What came later stands.

    actor: the person. What the database notes beside it, and decides by, is the role that is logged in.
    A repeat changes nothing and returns what stands. Raises UnknownAlert, NotBlocking, ReleaseRefused, AlertValueError,
    AlertTypeError, StoreError.
    """
    if isinstance(alert_id, bool) or not isinstance(alert_id, int):
        raise AlertTypeError("alert_id", alert_id, "int, as `precog interlock status` shows it")
    return store.release(
        alert_id,
        arguments.environment_named(environment),
        actor=arguments.text("actor", actor, arguments.NAME_BYTES),
        reason=arguments.text("reason", reason, arguments.NOTES_BYTES),
    )


def _asked(scopes: tuple[Scope | str, ...]) -> tuple[Scope, ...]:
    if not scopes:
        raise AlertValueError("scopes", "name every scope that the order touches, such as 'platform:kalshi'")
    return tuple(each if isinstance(each, Scope) else Scope.parse(each) for each in scopes)


def _verdict(environment: Environment, asked: tuple[Scope, ...], *, until: float) -> Verdict:
    try:
        # The journal first: what leaves it meanwhile is committed by then, and seen by the question that follows.
        if (waits := journal.waiting_critical(environment)) is not None:
            return Verdict(asked=asked, unknown=_in_journal(waits.alert_type))
        answer = store.ask(environment, asked, within=until - time.monotonic())
    except Exception as error:  # noqa: BLE001 - whatever keeps us from knowing blocks
        return Verdict(asked=asked, unknown=f"nobody can say what blocks: {error}")
    return Verdict(asked=asked, blocks=answer.blocks, unknown=_unsure(answer))


def _in_journal(alert_type: str) -> str:
    return (
        f"a critical alert {alert_type} waits in this machine's journal and PostgreSQL does not know of it; "
        f"`precog journal replay` stores it"
    )


def _unsure(answer: store.Answer) -> str | None:
    if answer.replica:
        return "DATABASE_URL leads to a replica, which may not know of the last alerts; name the primary"
    if not answer.configured:
        return "this environment has no rules of what blocks; run `precog config apply`"
    return None


def _refusal(verdict: Verdict) -> OrdersBlocked:
    return OrdersBlocked(
        [str(each) for each in verdict.asked],
        verdict.reasons,
        alert_ids=[each.alert_id for each in verdict.blocks],
        next_steps=[f"when it is safe: `{each}`" for each in verdict.release_commands],
    )
