"""docs/ALERT_SOURCES.md: its program runs, and its figures are those that the sources work by."""

import pytest

from precog import get_unresolved_alerts
from precog.domain.lifecycles import MODEL_MOVES, STRATEGY_MOVES
from precog.settings.load import load_thresholds
from precog.sources import current_thresholds
from precog.trading import current_market
from tests.documents import CHECKOUT, blocks, table_under, text_of

pytestmark = pytest.mark.integration

GUIDE = "docs/ALERT_SOURCES.md"


def test_the_program_of_the_guide_runs(routes: None) -> None:
    [program] = [block.text for block in blocks(CHECKOUT / GUIDE) if block.language == "python"]
    exec(compile(program, GUIDE, "exec"), {"__name__": "guide"})

    assert current_market("KC-WINS") is not None
    assert get_unresolved_alerts() == []
    assert current_thresholds() == load_thresholds({})


def test_the_moves_of_the_guide_are_those_that_are_made() -> None:
    rows = [row[1:] for row in table_under(GUIDE, "## Strategies and models in use")]
    moves = [*STRATEGY_MOVES.items(), *MODEL_MOVES.items()]
    assert rows == [[here, ", ".join(ahead)] for here, ahead in moves if ahead]


def test_the_figures_of_the_guide_are_the_shipped_ones() -> None:
    limits = load_thresholds({})
    breakers, health = limits.trading.circuit_breakers, limits.health
    pnl, models = limits.trading.profit_and_loss, limits.probability_models.degradation
    edges = breakers.edge_anomaly
    assert {row[0].strip("`"): row[1] for row in table_under(GUIDE, "## Circuit breakers")} == {
        "api_failures": f"{breakers.api_failures.count} in {breakers.api_failures.window_minutes} minutes",
        "data_stale": f"{breakers.data_stale.seconds} seconds without an update",
        "edge_anomaly": f"{edges.count} edges above {edges.above} in {edges.window_minutes} minutes",
        "rapid_loss": f"{breakers.rapid_loss.dollars} dollars in {breakers.rapid_loss.window_minutes} minutes",
        "unusual_activity": f"{breakers.unusual_activity.count} trades in"
        f" {breakers.unusual_activity.window_minutes} minutes",
        "daily_loss_limit": f"{breakers.daily_loss_limit.dollars} dollars since midnight",
        "consecutive_losses": f"{breakers.consecutive_losses.count} in a row",
    }
    positions = limits.position_management.alerts
    assert {row[0].strip("`"): row[1] for row in table_under(GUIDE, "## Positions too large, and exits that fail")} == {
        "position_oversized": f"{positions.position_oversized.at} times the limit",
        "exit_failing": f"{positions.exit_failing.attempts} attempts in a row",
    }
    text = " ".join(text_of(GUIDE).split())
    for said in (
        f"{health.bad_reports} of its reports in {health.window_seconds} seconds",
        f"it has not reported for {health.stale_after_seconds} seconds",
        f"and nothing else, for {health.window_seconds} seconds",
        f"settled in the last {models.window_days} days",
        f"below {models.minimum_ratio} of what it was",
        f"by more than {models.calibration_margin}",
        f"With fewer than {models.minimum_sample} predictions",
        f"has lost {pnl.loss_alert.dollars} dollars, and `gain_alert` at {pnl.gain_alert.dollars}",
        f"at {limits.data_sources.usage_alert.at:.0%} of its limit".replace("%", " %"),
    ):
        assert said in text, said
