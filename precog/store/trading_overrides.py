"""Values that hold over those of the YAML files until they expire or are ended."""

import json
import math
from datetime import datetime
from decimal import Decimal
from typing import cast

from precog.domain.methods import Config, canonical_json
from precog.settings.thresholds import Override
from precog.store.pool import default_pool, run
from precog.store.trading import refusals


def active(*, now: datetime | None = None, within: float = math.inf) -> list[Override]:
    """In the order in which they were made, whether they fit anywhere or not. `within`: seconds, whatever happens."""
    rows = default_pool().safely(lambda connection: connection.run("overrides.active", now=now), within=within)
    return [
        Override(
            override_id=row["override_id"],
            config_key=row["config_key"],
            value=json.loads(row["override_value"], parse_float=Decimal),
            data_type=row["data_type"],
        )
        for row in rows
    ]


def put(config_key: str, value: Config, data_type: str, *, reason: str | None, by: str, until: datetime | None) -> int:
    """In place of the one of this key that is active, if there is one; the new one's id. Raises RowRefused."""
    with refusals():
        rows = run(
            "trading.lock",
            "overrides.end",
            "overrides.set",
            thing=f"override {config_key}",
            config_key=config_key,
            value=canonical_json(value),
            data_type=data_type,
            reason=reason,
            by=by,
            until=until,
        )
    return cast(int, rows[0]["override_id"])


def end(config_key: str) -> bool:
    """Whether one was active."""
    return bool(run("trading.lock", "overrides.end", thing=f"override {config_key}", config_key=config_key))
