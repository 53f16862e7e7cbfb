"""Where alerts come from by themselves: breakers, health, failed orders, models, gains and losses.

Each is a function that a trading loop calls; `precog watch` calls those that look at the tables, on their intervals.
"""

from precog.sources.breakers import check_breakers, list_breakers, resolve_breaker
from precog.sources.thresholds import current_thresholds, end_override, set_override

__all__ = [
    "check_breakers",
    "current_thresholds",
    "end_override",
    "list_breakers",
    "resolve_breaker",
    "set_override",
]
