"""The ground of the trading rows, and a route, so that equal alerts are known as duplicates."""

import pytest

from precog.domain.alerts import Environment, Severity
from precog.domain.routes import Route
from precog.store import channels
from tests.integration.trading.conftest import ground, market, method, sql

__all__ = ["ground", "market", "method", "sql"]


@pytest.fixture(autouse=True)
def routes(precog_env: pytest.MonkeyPatch) -> None:
    everything = (
        Route(environment=Environment.DEMO, severity=severity, channel="file", recipient="alerts.jsonl")
        for severity in Severity
    )
    channels.write_routes(Environment.DEMO, frozenset(everything))
