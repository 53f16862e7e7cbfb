"""An alert for programs: the one JSON form that the file and the webhook share."""

import json

from precog.domain.alerts import Json
from precog.domain.bands import Figure
from precog.domain.deliveries import Message
from precog.render.facts import show
from precog.render.visible import cut

WEBHOOK_LIMIT = 20_000
"""Bytes: the Standard Webhooks specification asks receivers for no more."""


def jsonline(message: Message) -> bytes:
    """One line for the alert file. A newline inside the text is escaped, so that no text can forge an entry."""
    return _dumps(_fields(message)) + b"\n"


def webhook_payload(message: Message) -> bytes:
    """The body of a webhook, below 20 kB: what does not fit is left out and said so."""
    fields = _fields(message)
    envelope: dict[str, Json] = {
        "type": "alert.notified",
        "timestamp": message.triggered_at.isoformat(),
        "data": fields,
    }
    if len(whole := _dumps(envelope)) < WEBHOOK_LIMIT:
        return whole
    fields["details"] = {"_truncated": f"read them with: {show(message)}"}
    if len(without_details := _dumps(envelope)) < WEBHOOK_LIMIT:
        return without_details
    fields |= {"message": cut(message.message, 1000), "folded": []}
    return _dumps(envelope)


def _fields(message: Message) -> dict[str, Json]:
    return {
        "alert_id": message.alert_id,
        "alert_uuid": str(message.alert_uuid),
        "incident_id": message.incident_id,
        "delivery_id": str(message.delivery_id),
        "attempt": message.attempt,
        "environment": message.environment.value,
        "severity": message.severity.value,
        "alert_type": message.alert_type,
        "component": message.component,
        "message": message.message,
        "details": dict(message.details),
        "triggered_at": message.triggered_at.isoformat(),
        "suppressed_before": message.suppressed_before,
        "worse": _worse(message),
        "folded": list(message.folded),
    }


def _worse(message: Message) -> Json:
    """From what to what, numbers as they stand in `details`; null where it is no worse than what was told before."""
    if message.worse is None:
        return None
    return {
        "than_alert_id": message.worse.than_alert_id,
        "severity_before": message.worse.severity_before.value,
        "figure": _figure(message.worse.figure),
    }


def _figure(figure: Figure | None) -> Json:
    if figure is None:
        return None
    return {"field": figure.field, "before": figure.before, "now": figure.now, "step": f"{figure.step:f}"}


def _dumps(value: Json) -> bytes:
    """Compact JSON. ASCII only: no reader's encoding, no direction mark and no lone surrogate can spoil it."""
    return json.dumps(value, separators=(",", ":"), default=str).encode("ascii")
