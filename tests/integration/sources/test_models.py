"""Model degradation over real edges and settlements."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import pytest

from precog import get_unresolved_alerts
from precog.domain.trading import Edge, Settlement
from precog.sources import check_models
from precog.sources.model_rules import Standing
from precog.store import trading
from precog.store.trading_versions import record_edge, record_market
from tests.integration.trading.conftest import a_market

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAME = "test_model@v1.0"


@pytest.fixture
def predict(method: int, sql: Run) -> Callable[..., None]:
    """`predict(3, of=4, days_ago=40)`: four markets, each given 0.70, three of which settled YES."""
    sql("UPDATE probability_models SET status = 'active'")
    markets = iter(range(10_000))

    def predict(right: int, *, of: int, days_ago: float, probability: str = "0.7") -> None:
        settled = NOW - timedelta(days=days_ago)
        for number in range(of):
            market_id = f"M{next(markets)}"
            record_market(a_market(market_id), at=settled - timedelta(hours=4))
            _edge(market_id, method, probability, settled - timedelta(hours=3))
            _settle(market_id, "yes" if number < right else "no", settled)

    return predict


def _edge(market_id: str, method_id: int, probability: str, at: datetime) -> None:
    edge = Edge(
        market_id=market_id,
        method_id=method_id,
        expected_value=Decimal("0.1"),
        true_win_probability=Decimal(probability),
        market_implied_probability=Decimal("0.5"),
        market_price=Decimal("0.5"),
        confidence_level="high",
        recommended_action="alert",
    )
    record_edge(edge, at=at)


def _settle(market_id: str, outcome: Literal["yes", "no", "other"], at: datetime) -> None:
    trading.add_settlement(
        Settlement(market_id=market_id, platform_id="kalshi", outcome=outcome, payout=Decimal(0)), at=at
    )


def test_a_model_that_became_worse_is_told_of_once_a_day_until_it_is_better(
    predict: Callable[..., None], sql: Run
) -> None:
    predict(56, of=80, days_ago=45)
    predict(14, of=40, days_ago=10)

    assert check_models(now=NOW) == {NAME: Standing.DEGRADED}
    assert check_models(now=NOW) == {NAME: Standing.DEGRADED}
    [alert] = get_unresolved_alerts()
    assert (alert["alert_type"], alert["severity"], alert["component"]) == ("model_degraded", "high", "test_model")
    assert (alert["source_table"], alert["source_id"]) == ("probability_models", "1")
    assert alert["details"]["accuracy"] == "0.3500"
    assert alert["details"]["compared_accuracy"] == "0.7000"
    assert alert["details"]["predictions"] == 40

    predict(80, of=80, days_ago=1, probability="0.9")
    assert check_models(now=NOW) == {NAME: Standing.AS_BEFORE}
    assert get_unresolved_alerts() == []


def test_ten_games_raise_nothing(predict: Callable[..., None]) -> None:
    predict(56, of=80, days_ago=45)
    predict(0, of=10, days_ago=10)
    assert check_models(now=NOW) == {NAME: Standing.TOO_FEW}
    assert get_unresolved_alerts() == []


def test_a_young_model_is_compared_with_its_validation(predict: Callable[..., None], sql: Run) -> None:
    sql("UPDATE probability_models SET validation_accuracy = 0.70, validation_sample_size = 400")
    predict(14, of=40, days_ago=10)
    assert check_models(now=NOW) == {NAME: Standing.DEGRADED}
    assert get_unresolved_alerts()[0]["details"]["compared_with"] == "validation"


def test_a_model_that_is_not_in_use_is_not_judged(predict: Callable[..., None], sql: Run) -> None:
    predict(0, of=40, days_ago=10)
    sql("UPDATE probability_models SET status = 'deprecated'")
    assert check_models(now=NOW) == {}


def test_a_prediction_is_the_first_word_of_a_model_on_a_market_against_its_newest_settlement(
    method: int, sql: Run
) -> None:
    for market_id in ("LATER", "CORRECTED", "OTHER", "OPEN"):
        record_market(a_market(market_id), at=NOW - timedelta(hours=9))
        _edge(market_id, method, "0.7", NOW - timedelta(hours=5))
    _edge("LATER", method, "0.1", NOW - timedelta(hours=4))
    _settle("LATER", "yes", NOW - timedelta(hours=2))
    _settle("CORRECTED", "yes", NOW - timedelta(hours=2))
    _settle("CORRECTED", "no", NOW - timedelta(hours=1))
    _settle("OTHER", "other", NOW - timedelta(hours=2))

    assert sql("SELECT market_id, model_id, probability, came_yes FROM model_predictions ORDER BY market_id") == [
        ("CORRECTED", 1, Decimal("0.7"), False),
        ("LATER", 1, Decimal("0.7"), True),
    ]
