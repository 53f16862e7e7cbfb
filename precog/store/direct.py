"""What was sent without PostgreSQL, written down afterwards as if it had been there: attempts with their true times."""

from collections.abc import Sequence
from typing import Any

from precog.domain.alerts import NewAlert
from precog.domain.deliveries import AttemptOutcome, DeliveryStatus
from precog.domain.direct import DirectTry
from precog.store import calls
from precog.store.calls import Logged
from precog.store.connection import Connection
from precog.store.pool import default_pool

_LEASE_SECONDS = 90.0
"""After its start a try that has not ended runs no more: no channel takes so long."""
_LOOK_UP_AFTER_SECONDS = 30.0
"""A provider lists a message only a while after it took it."""


def log(alert: NewAlert, tries: Sequence[DirectTry], *, ring: bool) -> Logged:
    """As `calls.log`, with the tries in the same transaction: no worker finds a delivery due that was made already.

    Safe to repeat. Raises StoreError.
    """
    with default_pool().transaction() as connection:
        [logged] = calls.log_in(connection, [alert], ring=ring)
        for each in tries:
            _write(connection, logged.alert_id, each)
        return logged


def write(tries: Sequence[DirectTry]) -> bool:
    """The tries of one alert that is stored already. False when it is not. Safe to repeat. Raises StoreError."""
    with default_pool().transaction() as connection:
        found = connection.run("direct.alert", alert_uuid=str(tries[0].alert_uuid))
        for each in tries if found else ():
            _write(connection, found[0]["alert_id"], each)
        return bool(found)


def _write(connection: Connection, alert_id: int, one: DirectTry) -> None:
    status = _standing_after(one)
    parameters: dict[str, Any] = {
        "alert_id": alert_id,
        "delivery_id": str(one.delivery_id),
        "channel": one.channel,
        "recipient": one.recipient,
        "worker": one.worker,
        "started_at": one.started_at,
        "finished_at": one.finished_at,
        "outcome": one.outcome,
        "surely_not_sent": one.surely_not_sent,
        "error_code": one.error_code,
        "error": one.error,
        "provider_message_id": one.provider_message_id,
        "receipt": one.receipt,
        "status": status,
        "lease_seconds": _LEASE_SECONDS,
        "delay_seconds": _LOOK_UP_AFTER_SECONDS if status is DeliveryStatus.UNKNOWN else 0.0,
    }
    connection.run(
        "alerts.hold_row",
        "direct.add",
        "direct.free",
        "direct.begin",
        "direct.end_attempt",
        "direct.end",
        "alerts.summarise",
        **parameters,
    )


def _standing_after(one: DirectTry) -> DeliveryStatus:
    """An SMS that may have been sent is looked up at its provider; whatever else was not accepted is sent as usual."""
    if one.outcome is AttemptOutcome.ACCEPTED:
        return DeliveryStatus.SENT
    lost = one.outcome is AttemptOutcome.UNKNOWN and one.channel == "sms"
    return DeliveryStatus.UNKNOWN if lost else DeliveryStatus.PENDING
