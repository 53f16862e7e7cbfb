"""The journal's lines: a JSON object for an alert, and one for a try to tell people of it without PostgreSQL."""

import json
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from precog.domain.alerts import Category, Environment, NewAlert, Severity
from precog.domain.deliveries import AttemptOutcome, ReceiptState
from precog.domain.direct import DirectTry


class Unreadable(Exception):
    """A line that is torn, or of another version."""


def line_of(kept: NewAlert | DirectTry) -> bytes:
    return json.dumps({each.name: getattr(kept, each.name) for each in fields(kept)}, default=str).encode()


def parsed(line: bytes) -> NewAlert | DirectTry:
    """Raises Unreadable."""
    try:
        columns: dict[str, Any] = json.loads(line)
        return _try(columns) if "started_at" in columns else _alert(columns)
    except (ValueError, TypeError, KeyError) as error:
        raise Unreadable from error


def _alert(columns: dict[str, Any]) -> NewAlert:
    happened, category = columns["occurred_at"], columns["category"]
    return NewAlert(
        **{
            **columns,
            "alert_uuid": UUID(columns["alert_uuid"]),
            "severity": Severity(columns["severity"]),
            "category": category and Category(category),
            "environment": Environment(columns["environment"]),
            "occurred_at": happened and datetime.fromisoformat(happened),
        }
    )


def _try(columns: dict[str, Any]) -> DirectTry:
    finished, outcome, receipt = columns["finished_at"], columns["outcome"], columns["receipt"]
    return DirectTry(
        **{
            **columns,
            "alert_uuid": UUID(columns["alert_uuid"]),
            "started_at": datetime.fromisoformat(columns["started_at"]),
            "finished_at": finished and datetime.fromisoformat(finished),
            "outcome": outcome and AttemptOutcome(outcome),
            "receipt": receipt and ReceiptState(receipt),
        }
    )
