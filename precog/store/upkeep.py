"""What recovery asks of PostgreSQL: statements that any number of recoveries may run at once."""

from collections.abc import Collection, Sequence

from precog.domain.alerts import Environment
from precog.domain.deliveries import Doorbell
from precog.store.connection import Row
from precog.store.pool import default_pool, run


def due(
    environment: Environment, *, not_channels: Collection[str], again_after_seconds: float, most: int
) -> list[Doorbell]:
    """Due deliveries that nobody was told of lately, most urgent first, stamped as told."""
    rows = run(
        "recovery.due",
        environment=environment,
        not_channels=list(not_channels),
        again_after_seconds=again_after_seconds,
        most=most,
    )
    urgent_first = sorted(rows, key=lambda row: (-row["urgency"], row["next_attempt_at"]))
    return [_doorbell(row) for row in urgent_first]


def unknown(environment: Environment, *, again_after_seconds: float, most: int) -> list[Doorbell]:
    """Messages whose answer was lost and whose provider can be asked by now; the next look is put off."""
    rows = run("recovery.unknown", environment=environment, again_after_seconds=again_after_seconds, most=most)
    return [_doorbell(row) for row in rows]


def awaiting_receipts(
    environment: Environment, *, ages: Sequence[float], max_age_seconds: float, not_channels: Collection[str], most: int
) -> list[Doorbell]:
    """Messages whose provider is to be asked now. `ages`: the seconds after the sending at which one is asked about."""
    rows = run(
        "receipts.awaited",
        environment=environment,
        ages=list(ages),
        max_age_seconds=max_age_seconds,
        not_channels=list(not_channels),
        most=most,
    )
    return [_doorbell(row) for row in rows]


def _doorbell(row: Row) -> Doorbell:
    return Doorbell(delivery_id=row["delivery_id"], channel=row["channel"])


def expire(environment: Environment, max_ages: tuple[float, ...], *, most: int) -> int:
    """Fail what could not be sent in its time. `max_ages`: seconds, for low, medium, high, critical."""
    return _move("recovery.expire", environment=environment, max_ages=list(max_ages), most=most)


def hold_paused(environment: Environment, *, most: int) -> int:
    """Let the due deliveries of paused channels wait with them."""
    return _move("recovery.hold_paused", environment=environment, most=most)


def free_held(environment: Environment, *, most: int) -> int:
    """Make held deliveries due whose limit frees or whose channel goes on; several SMS to one number as one digest."""
    return _move("limits.lock", "recovery.fold_held", "recovery.free_held", environment=environment, most=most)


def settle_folded(environment: Environment, *, most: int) -> int:
    """Let what digests carried share their fate."""
    return _move("recovery.settle_folded", environment=environment, most=most)


def cancel_needless(environment: Environment, *, most: int) -> int:
    """Cancel the stand-ins that are not sent yet and that nobody needs any more."""
    return _move("stand_ins.cancel_needless", environment=environment, most=most)


def _move(*statements: str, **parameters: object) -> int:
    """Run statements whose last one moves deliveries and returns their alerts, then bring those alerts up to date."""
    with default_pool().transaction() as connection:
        moved = [row["alert_id"] for row in connection.run(*statements, **parameters)]
        for alert_id in sorted(set(moved)):
            connection.run("alerts.summarise", alert_id=alert_id)
        return len(moved)
