"""Questions to the interlock on a machine that may be too busy for 50 ms."""

import time
from collections.abc import Callable
from typing import TypeVar

from precog import interlock
from precog.errors import OrdersBlocked
from precog.interlock import Scope, Verdict

Result = TypeVar("Result")


def known(*scopes: Scope | str, environment: str | None = None) -> Verdict:
    """The answer of the database. Where none came in time it is asked again: a later question sees no less."""
    deadline = time.monotonic() + 20
    while (verdict := interlock.is_blocked(*scopes, environment=environment)).unknown is not None:
        assert time.monotonic() < deadline, verdict
    return verdict


def certainly(order: Callable[[], Result]) -> Result:
    """What placing an order comes to: OrdersBlocked only where an alert says so."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return order()
        except OrdersBlocked as refusal:
            if refusal.alert_ids or time.monotonic() > deadline:
                raise
