"""What the alerts say about the records that raised them."""

from dataclasses import dataclass
from datetime import datetime

from precog.domain.alerts import NewAlert
from precog.store.pool import run


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was said so far about one record under one type."""

    band: int
    rank: int
    """Of the worst severity."""
    triggered_at: datetime
    """When last."""


def told(alert: NewAlert) -> Told | None:
    """Of this alert's type and record, in its environment."""
    row = run(
        "sources.told",
        source_table=alert.source_table,
        source_id=alert.source_id,
        alert_type=alert.alert_type,
        environment=alert.environment,
    )[0]
    return None if row["triggered_at"] is None else Told(**row)
