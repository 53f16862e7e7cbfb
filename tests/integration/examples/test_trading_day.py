"""The trading day of examples/: the same alerts whatever the dice do, to the last one."""

from collections.abc import Callable
from typing import Any

import pytest
from trading_day import every_alert, live_through

import config
from precog import methods
from precog.domain.alerts import Environment
from precog.sources import list_breakers
from precog.store.interlock import write_rules
from tests.integration.sources.conftest import routes, sql

__all__ = ["routes", "sql"]

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]

ALERTS = [
    ("trade_failed", "high", "order_router"),
    ("trade_failed", "high", "order_router"),
    ("data_stale", "high", "market_feed"),
    ("health_degraded", "high", "kalshi_api"),
    ("api_failures", "high", "kalshi_api"),
    ("consecutive_losses", "high", "strategy_monitor"),
    ("rate_limit_usage", "medium", "kalshi_api"),
    ("edge_anomaly", "high", "edge_detector"),
    ("unusual_activity", "high", "order_router"),
    ("position_oversized", "high", "position_manager"),
    ("gain_alert", "low", "risk_manager"),
    ("loss_alert", "high", "risk_manager"),
    ("rapid_loss", "critical", "risk_manager"),
    ("loss_alert", "high", "risk_manager"),
    ("rapid_loss", "critical", "risk_manager"),
    ("daily_loss_limit", "critical", "risk_manager"),
    ("loss_alert", "high", "risk_manager"),
    ("model_degraded", "high", "elo_nfl"),
]
STILL_OPEN = {"trade_failed", "rate_limit_usage", "position_oversized", "gain_alert", "loss_alert"}


@pytest.fixture
def interlocked(precog_env: pytest.MonkeyPatch, database_url: str) -> None:
    """The shipped rules of what blocks orders."""
    precog_env.setenv("PRECOG_OWNER_URL", database_url)
    write_rules(Environment.DEMO, config.settings().trading.interlock.rules())
    precog_env.delenv("PRECOG_OWNER_URL")


@pytest.mark.parametrize("seed", [2026, 7])
def test_the_day_raises_exactly_these_alerts(seed: int, routes: None, interlocked: None, sql: Run) -> None:
    said: list[str] = []
    live_through(seed, said.append)

    found = every_alert()
    assert sorted((each["alert_type"], each["severity"], each["component"]) for each in found) == sorted(ALERTS)
    assert {each["alert_type"] for each in found if each["resolved_at"] is None} == STILL_OPEN | {"model_degraded"}
    bands = {
        kind: [each["band"] for each in found if each["alert_type"] == kind] for kind in ("loss_alert", "rapid_loss")
    }
    assert bands == {"loss_alert": [1, 2, 3], "rapid_loss": [1, 2]}
    assert [each["suppressed"] for each in found if each["alert_type"] == "trade_failed"] == [False, True]
    assert list_breakers() == []
    assert len(list_breakers(resolved=True)) == 7
    assert [line.split("  ", 1)[1] for line in said if "is not bought" in line] == [
        "  14:18  kalshi is halted: cheap is not bought",
        "  14:56  blocked by rapid_loss: more is not bought",
        "  14:57  blocked by daily_loss_limit: again is not bought",
    ]
    assert all(each["source_table"] for each in found if each["alert_type"] not in {"trade_failed", "rate_limit_usage"})
    versions = methods.compare_methods(["kelly_nfl@v1.0", "kelly_nfl@v1.1"], since=None, until=None).versions
    assert [(str(each.method.name), each.bets) for each in versions] == [("kelly_nfl@v1.0", 1), ("kelly_nfl@v1.1", 9)]
    gaps = sql("SELECT count(*) FROM (SELECT row_start_ts <> lag(row_end_ts) OVER"
               " (PARTITION BY position_id ORDER BY row_start_ts) AS gap FROM positions) AS v WHERE gap")  # fmt: skip
    assert gaps == [(0,)]
