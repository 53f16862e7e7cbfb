"""Where alerts come from by themselves: breakers, health, failed orders, models, positions, rate limits.

Each is a function that a trading loop calls; `precog watch` calls those that look at the tables, on their intervals.
"""

from precog.sources.api_failures import requesting
from precog.sources.breakers import check_breakers, list_breakers, resolve_breaker
from precog.sources.checks import Check, run_checks
from precog.sources.health import check_health, report_health
from precog.sources.models import check_models
from precog.sources.positions import check_positions
from precog.sources.profit_and_loss import check_profit_and_loss
from precog.sources.rate_limits import RateMeter
from precog.sources.thresholds import current_thresholds, end_override, set_override
from precog.sources.trade_failures import Order, placing, tells_of_failures

__all__ = [
    "Check",
    "Order",
    "RateMeter",
    "check_breakers",
    "check_health",
    "check_models",
    "check_positions",
    "check_profit_and_loss",
    "current_thresholds",
    "end_override",
    "list_breakers",
    "placing",
    "report_health",
    "requesting",
    "resolve_breaker",
    "run_checks",
    "set_override",
    "tells_of_failures",
]
