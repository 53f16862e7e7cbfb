"""The alert that everything here stores, ours and the floors alike: a breaker that tripped, with what it saw."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from precog import log_alert

DETAILS: dict[str, Any] = {
    "loss": "512.3000",
    "limit": "500.0000",
    "positions": 3,
    "market": "KXNFL-2026-11-23",
    "side": "yes",
    "prices": ["0.5100", "0.4900"],
    "window": {"minutes": 15, "trades": 12},
}
MESSAGE = "Lost 512.30 dollars in 15 minutes, the limit is 500.00"

_numbers: Iterator[int] = count()


def log(severity: str = "critical", *, notify: bool = True, same: bool = False) -> int:
    """A call of its own fingerprint, or of the one that all with `same` share."""
    return log_alert(
        "rapid_loss",
        severity,
        "risk_manager",
        MESSAGE,
        DETAILS,
        notify,
        key_details={"call": "the same" if same else next(_numbers)},
    )
