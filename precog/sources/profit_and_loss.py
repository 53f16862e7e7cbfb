"""Gains and losses of single positions: told of once for each step that a position reaches."""

from datetime import datetime
from decimal import Decimal

from precog.domain.alerts import Severity
from precog.settings import process
from precog.settings.thresholds import Thresholds
from precog.settings.trading import ProfitAndLoss
from precog.sources.raising import LATELY, Record, alert_about, end_those_of_ended_positions, raise_if_worse
from precog.sources.thresholds import current_thresholds
from precog.store import sources, trading
from precog.store.sources import Held

TABLE = "positions"
TYPES = ("loss_alert", "gain_alert")


def check_profit_and_loss(*, now: datetime | None = None, thresholds: Thresholds | None = None) -> list[int]:
    """Tell of each position whose gain or loss reached its limit or a further step; the ids of the alerts.

    Not again when it falls back and comes again. An alert ends an hour after its position.
    Raises StoreError, ConfigError.
    """
    rules = (thresholds or current_thresholds()).trading.profit_and_loss
    moment = now or trading.now()
    end_those_of_ended_positions(TYPES, process.environment(), now=moment)
    raised = (_see_to(held, rules, at=now) for held in sources.positions(ended_after=moment - LATELY))
    return [alert_id for alert_id in raised if alert_id is not None]


def _see_to(held: Held, rules: ProfitAndLoss, *, at: datetime | None) -> int | None:
    reached = reached_by(held.pnl, rules)
    if reached is None:
        return None
    alert_type, number, severity, limit = reached
    return raise_if_worse(
        alert_about(
            Record(table=TABLE, id=held.position_id),
            alert_type=alert_type,
            severity=severity,
            component="risk_manager",
            message=f"Position {held.position_id} on {held.market_id} has a {number} of {abs(held.pnl):.2f} dollars",
            details={
                "position_id": held.position_id,
                "market_id": held.market_id,
                "platform_id": held.platform_id,
                "side": held.side,
                "quantity": held.quantity,
                "status": held.status,
                number: abs(held.pnl),
                "limit": limit,
            },
            occurred_at=at,
        )
    )


def reached_by(pnl: Decimal, rules: ProfitAndLoss) -> tuple[str, str, Severity, Decimal] | None:
    """The alert's type, the name of its number, its severity and the limit that was reached; None below both."""
    if -pnl >= rules.loss_alert.dollars:
        return "loss_alert", "loss", rules.loss_alert.severity, rules.loss_alert.dollars
    if pnl >= rules.gain_alert.dollars:
        return "gain_alert", "gain", rules.gain_alert.severity, rules.gain_alert.dollars
    return None
