"""Precog: durable alerts for a trading system, delivered once, with every attempt on record."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from precog.fork_gate import no_fork

if TYPE_CHECKING:
    from precog.alert_manager import (
        acknowledge_alert,
        get_unresolved_alerts,
        log_alert,
        resolve_alert,
        suppress_duplicate_alerts,
    )

__all__ = ["acknowledge_alert", "get_unresolved_alerts", "log_alert", "resolve_alert", "suppress_duplicate_alerts"]


def __getattr__(name: str) -> Any:
    """The public names, loaded when they are first used: importing Precog costs and starts nothing."""
    if name in __all__:
        with no_fork:
            return getattr(import_module("precog.alert_manager"), name)
    raise AttributeError(f"module 'precog' has no attribute {name!r}")
