"""Checks that ask a component how it fares, and do not wait for one that hangs."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from precog import queue
from precog.domain.alerts import Json
from precog.domain.health import HealthStatus
from precog.settings import process
from precog.sources.health import DATABASE, report_health
from precog.store import trading


@dataclass(slots=True, kw_only=True)
class Check:
    """`ask` returns when the component is well, and raises whatever it likes when it is not."""

    component: str
    ask: Callable[[], object]
    _running: threading.Thread | None = field(default=None, init=False, repr=False)

    def run(self, seconds: float) -> tuple[HealthStatus, dict[str, Json]]:
        """How it fares, within this time. One that still hangs from the last time is down, and is not asked again."""
        if self._running is not None and self._running.is_alive():
            return HealthStatus.DOWN, {"error": "the last check has not come back yet"}
        failures: list[BaseException] = []
        began = time.monotonic()
        self._running = threading.Thread(
            target=self._ask, args=(failures,), daemon=True, name=f"check {self.component}"
        )
        self._running.start()
        self._running.join(seconds)
        took = round((time.monotonic() - began) * 1000)
        if self._running.is_alive():
            return HealthStatus.DOWN, {"error": f"no answer within {seconds:g} s"}
        if failures:
            return HealthStatus.DOWN, {"error": f"{type(failures[0]).__name__}: {failures[0]}", "took_ms": took}
        return HealthStatus.HEALTHY, {"took_ms": took}

    def _ask(self, failures: list[BaseException]) -> None:
        try:
            self.ask()
        except BaseException as failure:  # noqa: BLE001 - this is the answer
            failures.append(failure)


def own_checks() -> list[Check]:
    """Of the two servers that everything here needs."""
    return [
        Check(component=DATABASE, ask=trading.now),
        Check(component="redis", ask=lambda: queue.client(process.redis_url()).ping()),
    ]


def run_checks(checks: Sequence[Check], *, seconds: float) -> dict[str, HealthStatus]:
    """Ask each and write down what it answered. Raises StoreError where that cannot be written."""
    found = {}
    for check in checks:
        status, details = check.run(seconds)
        report_health(check.component, status, details)
        found[check.component] = status
    return found
