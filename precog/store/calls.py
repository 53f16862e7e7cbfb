"""Calls of `log_alert()` in PostgreSQL: stored and decided about, each a duplicate or one that somebody is told of."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import psycopg2.extensions
from psycopg2.extras import RealDictCursor

from precog.domain.alerts import Environment, NewAlert
from precog.domain.deliveries import Doorbell
from precog.store.connection import Call, Connection, Row
from precog.store.pool import default_pool, run
from precog.store.queries import sql

LOG_SECONDS = 3.0
"""What a caller waits for PostgreSQL at most, with everything: a free connection, connecting, a second try."""
_LOCK_TOGETHER = "250ms"
"""What several calls in one transaction wait for a lock; each waits alone then, in what is left of its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """What became of a call of `log_alert()`."""

    alert_id: int
    planned: bool
    """False while nobody has decided who is told: there are no routes yet, or the caller has not committed."""
    duplicate_of: int | None
    doorbells: tuple[Doorbell, ...]
    """The deliveries to ring for: those that were to be rung for, and are due now."""
    stored_before_as: str | None
    """The request hash that stands under this uuid, where that was looked up; None for a row that is surely new."""


def log(alerts: Sequence[NewAlert], *, ring: bool, within: float = LOG_SECONDS) -> list[Logged]:
    """Store alerts and decide about each, in one round trip and one transaction; durable on return.

    Equals are decided about in their order. The uuids make it safe to repeat: a second call finds the first's rows.
    `within`: seconds for all of it. Raises StoreError, and whether they are stored nobody can tell then.
    """
    return default_pool().safely(lambda connection: log_in(connection, alerts, ring=ring), within=within)


def log_in(connection: Connection, alerts: Sequence[NewAlert], *, ring: bool) -> list[Logged]:
    uuids = [str(alert.alert_uuid) for alert in alerts]
    rows = _by_uuid(connection.run_each(_work(alerts, uuids, ring=ring)))
    if stood_before := [uuid for uuid in dict.fromkeys(uuids) if uuid not in rows]:
        rows |= _by_uuid(connection.run_each([_stored(stood_before)]))
    return [_logged(rows[uuid], ring=ring) for uuid in uuids]


def _work(alerts: Sequence[NewAlert], uuids: Sequence[str], *, ring: bool) -> list[Call]:
    """What stores them, in as few statements as there may be."""
    rounds = _rounds([alert for alert in alerts if alert.notify])
    silent = [alert for alert in alerts if not alert.notify]
    work: list[Call] = [(("alerts.log",), {"calls": _calls(some), "ring": ring}) for some in rounds]
    if silent:
        work.append((("alerts.write",), {"calls": _calls(silent)}))
    if len(work) > 1 or len(set(uuids)) < len(uuids):  # only the rows of the last statement come back
        work.append(_stored(list(dict.fromkeys(uuids))))
    if rounds:
        locks = [lock_name(alert.environment, alert.fingerprint) for alert in rounds[0]]
        work.insert(0, (("alerts.lock",), {"fingerprints": locks}))
    if len(alerts) > 1:
        work.insert(0, (("alerts.together",), {"lock_timeout": _LOCK_TOGETHER}))
    return work


def _rounds(alerts: Sequence[NewAlert]) -> list[list[NewAlert]]:
    """No equals in one, and each in a later one than the equal before it, which it must find; one of each in the first.

    Ordered by their locks, and so everywhere: of two groups with the same fingerprints one waits, and none for ever.
    """
    rounds: list[list[NewAlert]] = []
    seen: Counter[str] = Counter()
    for alert in sorted(alerts, key=lambda alert: (alert.environment, alert.fingerprint)):
        lock = lock_name(alert.environment, alert.fingerprint)
        if seen[lock] == len(rounds):
            rounds.append([])
        rounds[seen[lock]].append(alert)
        seen[lock] += 1
    return rounds


def lock_name(environment: Environment, fingerprint: str) -> str:
    """The name by which `alerts.lock` takes it."""
    return f"{environment}:{fingerprint}"


def _stored(uuids: list[str]) -> Call:
    return ("alerts.stored",), {"alert_uuids": uuids}


def _by_uuid(rows: Sequence[Row]) -> dict[str, list[Row]]:
    by_uuid: dict[str, list[Row]] = {}
    for row in rows:
        by_uuid.setdefault(row["alert_uuid"], []).append(row)
    return by_uuid


def _logged(rows: Sequence[Row], *, ring: bool) -> Logged:
    first = rows[0]
    return Logged(
        alert_id=first["alert_id"],
        planned=first["planned"],
        duplicate_of=first["duplicate_of"],
        doorbells=_doorbells(rows) if ring and first["delivery_id"] else (),
        stored_before_as=first.get("request_hash"),
    )


def _doorbells(rows: Sequence[Row]) -> tuple[Doorbell, ...]:
    return tuple([Doorbell(delivery_id=row["delivery_id"], channel=row["channel"]) for row in rows])


def join(connection: psycopg2.extensions.connection, alert: NewAlert) -> Logged:
    """Store the alert inside the caller's own transaction, undecided; recovery decides once they commit.

    psycopg2's errors pass through: the transaction is the caller's.
    """
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(sql("alerts.write"), {"calls": _calls([alert])})
        if not (rows := cast(list[Row], cursor.fetchall())):
            cursor.execute(sql("alerts.stored"), {"alert_uuids": [str(alert.alert_uuid)]})
            return _logged(cast(list[Row], cursor.fetchall()), ring=False)
        if alert.notify:
            cursor.execute(sql("alerts.announce"), {"environment": alert.environment})
        return _logged(rows, ring=False)


def _calls(alerts: Sequence[NewAlert]) -> str:
    """As the statements read them: in ASCII, which a caller's own connection can carry whatever its encoding."""
    return json.dumps([_call(alert) for alert in alerts])


def _call(alert: NewAlert) -> dict[str, Any]:
    return {
        "alert_uuid": str(alert.alert_uuid),
        "alert_type": alert.alert_type,
        "severity": alert.severity,
        "category": alert.category,
        "component": alert.component,
        "message": alert.message,
        "details": alert.details,
        "source_table": alert.source_table,
        "source_id": alert.source_id,
        "occurred_at": alert.occurred_at and alert.occurred_at.isoformat(),
        "fingerprint": alert.fingerprint,
        "band": alert.band,
        "environment": alert.environment,
        "tags": alert.tags,
        "request_hash": alert.request_hash,
        "window_minutes": alert.window_minutes,
        "notify": alert.notify,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplanned:
    alert_id: int
    alert_type: str
    fingerprint: str


def unplanned(environment: Environment, *, most: int) -> list[Unplanned]:
    """Alerts nobody has decided about yet, oldest first; none while the environment has no routes."""
    return [Unplanned(**row) for row in run("alerts.unplanned", environment=environment, most=most)]


def plan(alert: Unplanned, environment: Environment, *, window_minutes: int) -> tuple[Doorbell, ...]:
    """Decide about a stored alert as `log` would have; its deliveries, none for a duplicate."""
    rows = run(
        "alerts.lock",
        "alerts.plan",
        fingerprints=[lock_name(environment, alert.fingerprint)],
        alert_id=alert.alert_id,
        window_minutes=window_minutes,
    )
    return _doorbells(rows)


def would_suppress(environment: Environment, fingerprint: str, *, window_minutes: int) -> bool:
    rows = run("alerts.forecast", environment=environment, fingerprint=fingerprint, window_minutes=window_minutes)
    return bool(rows[0]["suppressed"])
