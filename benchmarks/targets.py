"""What is measured, and how far from its floor it may be. The table of docs/PERFORMANCE.md is made of these lines."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    line: str
    what: str
    must: float
    aim: float
    at_most: bool = True
    """False where more is better."""

    def meets(self, value: float, bound: float) -> bool:
        return value <= bound if self.at_most else value >= bound


TARGETS: Final = {
    each.line: each
    for each in (
        Target(line="1", what="log_alert p50 with 4 channels, x the floor", must=3.5, aim=2.5),
        Target(line="2", what="its p99, x the floor's p99", must=3.0, aim=2.0),
        Target(line="3", what="log_alert p50 without channels, x the floor", must=1.8, aim=1.4),
        Target(line="4", what="ringing 4 deliveries, x four apply_async", must=0.2, aim=0.12),
        Target(line="5a", what="alerts/s from 8 threads, x psycopg2 and the CTE", must=0.45, aim=0.6, at_most=False),
        Target(line="5b", what="the same, x the CTE planned once", must=0.45, aim=0.6, at_most=False),
        Target(line="6a", what="log_alert p50 with Redis refused, x its normal p50", must=1.3, aim=1.0),
        Target(line="6b", what="log_alert p50 with Redis hung, x its normal p50", must=1.3, aim=1.0),
        Target(line="6c", what="alerts lost while Redis was away", must=0, aim=0),
        Target(line="7", what="a duplicate p50, x the floor", must=1.0, aim=0.6),
        Target(line="8a", what="200 concurrent equals: more or less than one notified", must=0, aim=0),
        Target(line="8b", what="200 concurrent equals: errors", must=0, aim=0),
        Target(line="9", what="webhook deliveries/s, x Celery no-op tasks/s", must=0.6, aim=1.0, at_most=False),
        Target(line="10a", what="log_alert to the webhook's receipt p50, x the naive worker's", must=0.4, aim=0.2),
        Target(line="10b", what="its p99, x the naive worker's p99", must=0.6, aim=0.3),
        Target(line="11a", what="10 million alerts: is it a duplicate, p99 ms", must=2, aim=0.5),
        Target(line="11b", what="the slowest newest-100 list, p50 ms", must=2, aim=0.6),
        Target(line="11c", what="the slowest newest-100 list, p99 ms", must=10, aim=3),
        Target(line="11d", what="count of unacknowledged, ms", must=30, aim=15),
        Target(line="11e", what="counts of 24 hours, ms", must=150, aim=5),
        Target(line="12", what="memory of a worker child after many deliveries, x after 1,000", must=1.1, aim=1.02),
        Target(line="13", what="import precog, x import psycopg2 and celery", must=1.5, aim=1.1),
    )
}
