"""Rate limits of data sources: this process's requests counted, and an alert before the limit is used up."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from decimal import Decimal

from precog import arguments, intake
from precog.domain.alerts import NewAlert
from precog.domain.nearest import did_you_mean
from precog.errors import ConfigError, Problem
from precog.sources.thresholds import current_thresholds

log = logging.getLogger("precog.sources")

_QUIET_SECONDS = 300.0
"""After telling of a usage, for so long only a higher step is told of."""
_STEP = Decimal("0.0001")


class RateMeter:
    """Counts the requests of this process to one source of data_sources.yaml. Safe across threads."""

    def __init__(self, source: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises ConfigError for a source that data_sources.yaml does not name."""
        data_sources = current_thresholds().data_sources
        known = data_sources.sources
        if source not in known:
            hint = did_you_mean(source, known)
            raise ConfigError([Problem("source", f"{source!r} is none of data_sources.yaml{hint}: {', '.join(known)}")])
        self._name, self._source, self._rule = source, known[source], data_sources.usage_alert
        self._clock = clock
        self._lock = threading.Lock()
        self._requests: deque[float] = deque()
        self._told: tuple[int, float] | None = None
        """The step that was told of, and when."""

    def request(self) -> Decimal:
        """Count one request that is sent now; how much of the limit is used up then, 1 being all.

        Tells of a usage that reaches the configured part, which takes as long as `log_alert()`. Never raises.
        """
        limit, now = self._source.rate_limit, self._clock()
        with self._lock:
            self._requests.append(now)
            while self._requests[0] <= now - limit.seconds:
                self._requests.popleft()
            usage = (Decimal(len(self._requests)) / limit.requests).quantize(_STEP)
        if usage >= self._rule.at:
            self._tell(usage, now)
        return usage

    def _tell(self, usage: Decimal, now: float) -> None:
        try:
            alert = self._alert(usage)
            with self._lock:
                if self._told is not None and alert.band <= self._told[0] and now < self._told[1] + _QUIET_SECONDS:
                    return
                self._told = (alert.band, now)
            intake.accept(alert)
        except Exception as error:  # noqa: BLE001 - counting must not be why a request is not sent
            log.error("a rate limit that is nearly used up is not told of", extra={"error": str(error)})

    def _alert(self, usage: Decimal) -> NewAlert:
        limit = self._source.rate_limit
        return arguments.new_alert(
            alert_type="rate_limit_usage",
            severity=self._rule.severity,
            component=self._source.component,
            message=f"{usage:.0%} of the rate limit of {self._name} is used up:"
            f" {limit.requests} requests in {limit.seconds} seconds",
            details={"source": self._name, "usage": usage, "requests": limit.requests, "seconds": limit.seconds},
            notify=True,
        )
