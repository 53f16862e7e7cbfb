"""trading.yaml: when trading is stopped, and which gains and losses somebody hears of."""

from zoneinfo import ZoneInfo

from precog.domain.alerts import Severity
from precog.settings.interlock import Interlock
from precog.settings.types import Dollars, Fraction, Minutes, Name, Positive, Seconds, Section, Table, TimeZone


class CountBreaker(Section):
    """Trips at `count` occurrences within the window."""

    severity: Severity
    count: Positive
    window_minutes: Minutes


class StreakBreaker(Section):
    """Trips at `count` occurrences in a row."""

    severity: Severity
    count: Positive


class StaleBreaker(Section):
    """Trips when a live market had no update for this long."""

    severity: Severity
    seconds: Seconds


class EdgeBreaker(Section):
    """Trips at `count` edges larger than `above` within the window: more likely a fault in the data than a gift."""

    severity: Severity
    count: Positive
    above: Fraction
    window_minutes: Minutes


class RapidLossBreaker(Section):
    severity: Severity
    dollars: Dollars
    window_minutes: Minutes


class DailyLossBreaker(Section):
    severity: Severity
    dollars: Dollars
    timezone: TimeZone = ZoneInfo("UTC")
    """The day begins at its midnight."""


class CircuitBreakers(Section):
    api_failures: CountBreaker
    data_stale: StaleBreaker
    edge_anomaly: EdgeBreaker
    rapid_loss: RapidLossBreaker
    unusual_activity: CountBreaker
    daily_loss_limit: DailyLossBreaker
    consecutive_losses: StreakBreaker


class Threshold(Section):
    severity: Severity
    dollars: Dollars


class ProfitAndLoss(Section):
    loss_alert: Threshold
    gain_alert: Threshold


class TradeFailures(Section):
    severity: Severity


class Execution(Section):
    max_spread: Fraction
    """Between the yes and the no price: a market wider than this is not traded."""


class TradingGroup(Section):
    execution: Execution


class TradingFile(Section):
    check_interval_seconds: Seconds = 15
    circuit_breakers: CircuitBreakers
    profit_and_loss: ProfitAndLoss
    trade_failures: TradeFailures
    interlock: Interlock
    groups: Table[Name, TradingGroup]
