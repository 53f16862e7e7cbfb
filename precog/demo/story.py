"""The story: one afternoon of a prediction-market trader, in alerts that each show one thing."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from precog.domain.alerts import Severity


class Shows(Enum):
    """What an alert of the story is there to show."""

    SENT = "every delivery is sent at the first try"
    DUPLICATE = "it is suppressed"
    RETRIED = "its webhook is refused at first, and tried again"
    OVER_LIMIT = "its SMS is held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    shows: Shows
    point: str
    """The same in a person's words."""
    alert_type: str
    severity: Severity
    component: str
    message: str
    details: Mapping[str, object]


_MARKET = "KXNFLGAME-26NOV23-KC"


def _loss(amount: str, shows: Shows, point: str) -> Scene:
    return Scene(
        shows=shows,
        point=point,
        alert_type="rapid_loss",
        severity=Severity.CRITICAL,
        component="risk_manager",
        message=f"Lost {amount} USD on Kalshi within 10 minutes, new orders are stopped",
        details={"platform_id": "kalshi", "loss": Decimal(amount), "minutes": 10, "open_positions": 7},
    )


REJECTED = Scene(
    shows=Shows.RETRIED,
    point="the webhook refuses it at first, and gets it again",
    alert_type="trade_failed",
    severity=Severity.CRITICAL,
    component="order_router",
    message="Could not close 150 contracts at 0.62, the market is suspended",
    details={"market_id": _MARKET, "side": "sell", "price": Decimal("0.6200"), "quantity": 150},
)
LIMIT = Scene(
    shows=Shows.OVER_LIMIT,
    point="the sixth SMS of the hour, where five are allowed",
    alert_type="daily_loss_limit",
    severity=Severity.CRITICAL,
    component="risk_manager",
    message="Daily loss of 512.30 USD passes the limit of 500, trading is halted",
    details={"platform_id": "kalshi", "trading_day": "2026-11-23", "loss": Decimal("512.30"), "limit": 500},
)

AFTERNOON = (
    _loss("412.50", Shows.SENT, "critical goes to everybody, over every channel"),
    _loss("431.20", Shows.DUPLICATE, "the same again, a little worse: nobody is told twice"),
    Scene(
        shows=Shows.SENT,
        point="high goes over every channel but the webhook",
        alert_type="api_failures",
        severity=Severity.HIGH,
        component="kalshi_api",
        message="5 requests failed within 60 s, the last one with HTTP 503",
        details={"platform_id": "kalshi", "failures": 5, "endpoint": "/trade-api/v2/portfolio/orders"},
    ),
    REJECTED,
    Scene(
        shows=Shows.SENT,
        point="high: the fourth SMS of the hour",
        alert_type="consecutive_losses",
        severity=Severity.HIGH,
        component="strategy_monitor",
        message="Strategy halftime_entry lost 5 trades in a row",
        details={"strategy_id": 3, "losses": 5, "lost": Decimal("186.40")},
    ),
    Scene(
        shows=Shows.SENT,
        point="high: the fifth SMS of the hour, and its last",
        alert_type="health_degraded",
        severity=Severity.HIGH,
        component="position_monitor",
        message="No heartbeat for 95 s, 7 open positions are unwatched",
        details={"seconds": 95, "open_positions": 7},
    ),
    Scene(
        shows=Shows.SENT,
        point="medium wakes nobody: console, file and mail",
        alert_type="data_stale",
        severity=Severity.MEDIUM,
        component="market_feed",
        message=f"No price for {_MARKET} for 140 s",
        details={"market_id": _MARKET, "seconds": 140},
    ),
    Scene(
        shows=Shows.SENT,
        point="low is for reading later: the file alone",
        alert_type="model_degraded",
        severity=Severity.LOW,
        component="elo_nfl",
        message="Brier score of the last 50 games is 0.271, expected 0.240",
        details={"model_id": 2, "brier": Decimal("0.271"), "games": 50},
    ),
)
"""Five of these send an SMS, which uses up the hour; LIMIT follows when they have."""
