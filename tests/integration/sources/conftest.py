"""The ground of the trading rows, and routes, so that whoever asks sees what is told."""

from tests.integration.trading.conftest import ground, market, method, sql

__all__ = ["ground", "market", "method", "sql"]
