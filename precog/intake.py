"""From the arguments of a call to a stored alert with its deliveries rung: what every way into Precog goes through."""

import logging
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid4, uuid5

import psycopg2.extensions

from precog import journal, queue
from precog.domain.alerts import Category, Environment, Json, NewAlert, Severity
from precog.domain.deliveries import Doorbell
from precog.domain.direct import DirectTry
from precog.domain.fingerprint import canonical_json, fingerprint_of, key_details_of, request_hash
from precog.domain.nearest import did_you_mean
from precog.domain.redact import short_reason
from precog.domain.sanitize import safe_details, safe_text
from precog.errors import AlertTypeError, AlertValueError, ConfigError, IdempotencyConflict, StoreBusy, StoreError
from precog.json_lines import masked
from precog.settings import process
from precog.settings.alert_rules import AlertRules
from precog.settings.load import load_rules
from precog.store import alerts, deliveries
from precog.store import direct as direct_tries
from precog.store.pool import default_pool

log = logging.getLogger("precog.intake")

Choice = TypeVar("Choice", bound=StrEnum)

NAME_BYTES = 200
MESSAGE_BYTES = 20_000
NOTES_BYTES = 10_000
CATCH_UP, CATCH_UP_SECONDS = 20, 0.1
"""How many alerts of the journal a call stores besides its own, and for how long: to empty it soon and not be felt."""
_KEYS = UUID("6f9fa2e4-5b1d-5c1e-9a53-0c1f6f2f4a11")
"""The namespace of the uuids made from idempotency keys."""

_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def new_alert(  # noqa: PLR0913 - one argument a column; every one of them keyword-only
    *,
    alert_type: str,
    severity: str,
    component: str,
    message: str,
    details: Mapping[str, object] | None,
    notify: bool,
    category: str | None = None,
    source_table: str | None = None,
    source_id: str | int | None = None,
    key_details: Mapping[str, object] | None = None,
    tags: Mapping[str, object] | None = None,
    environment: str | None = None,
    occurred_at: datetime | None = None,
    idempotency_key: str | None = None,
    fingerprint: str | None = None,
) -> NewAlert:
    """A call's arguments, checked and made safe to store.

    A caller's mistake raises AlertValueError or AlertTypeError. Strange data in `details` never does: it is stored in
    a safe form. `fingerprint` replaces the computed one.
    """
    where = environment_named(environment)
    rules = _rules()
    kind = text("alert_type", alert_type, NAME_BYTES)
    origin = text("component", component, NAME_BYTES)
    safe = safe_details(details)
    table = optional_text("source_table", source_table, NAME_BYTES)
    record = _source_id(source_id, table)
    keys = key_details_of(
        kind,
        safe,
        key_details=key_details,
        fingerprint_keys=rules.fingerprint_keys,
        source_table=table,
        source_id=record,
    )
    identity = _identity(where, idempotency_key)
    level = choice("severity", severity, Severity)
    group = choice("category", category, Category) if category is not None else rules.category(kind)
    said = text("message", message, MESSAGE_BYTES)
    mark = fingerprint or fingerprint_of(kind, origin, keys)
    labels = safe_details(tags, field="tags")
    moment = _moment("occurred_at", occurred_at)
    arguments: dict[str, Json] = {
        "alert_type": kind,
        "severity": level,
        "category": group,
        "component": origin,
        "message": said,
        "details": safe,
        "source": [table, record],
        "fingerprint": mark,
        "tags": labels,
        "occurred_at": moment.astimezone(UTC).isoformat() if moment else None,
        "notify": bool(notify),
    }
    return NewAlert(
        alert_uuid=identity,
        alert_type=kind,
        severity=level,
        category=group,
        component=origin,
        message=said,
        details=safe,
        source_table=table,
        source_id=record,
        fingerprint=mark,
        band=rules.band_of(kind, safe),
        environment=where,
        tags=labels,
        occurred_at=moment,
        notify=bool(notify),
        window_minutes=rules.window_minutes(kind),
        request_hash=request_hash(arguments),
    )


def accept(alert: NewAlert, *, idempotency_key: str | None = None) -> alerts.Logged:
    """Store the alert and ring for its deliveries. Durable when it returns.

    Raises IdempotencyConflict, AlertStoreUnavailable and the other StoreErrors. Whatever kept PostgreSQL from taking
    the alert, a missing migration too, it is in the journal then, and the error says so in `journaled`. A critical or
    high one is sent directly where this process can, and `sent` says over which channels.
    """
    try:
        with default_pool().patience.tried():
            logged = _store(alert, idempotency_key)
    except StoreError as error:
        journaled = _journaled(alert)
        error.of_alert(str(alert.alert_uuid), journaled=journaled, sent=_sent_directly(alert, error, journaled))
        raise
    _catch_up(alert.environment)
    return logged


def replay_journal(environment: Environment, *, most: int | None = None, seconds: float = math.inf) -> journal.Report:
    """Store what the journal of this machine holds, each alert once, and ring. Raises JournalError."""
    return journal.replay(environment, _store_kept, most=most, seconds=seconds)


def _store_kept(kept: journal.Kept) -> None:
    if kept.alert is not None:
        _store(kept.alert, "of the journal", kept.tries)
    elif not direct_tries.write(kept.tries):
        raise journal.Refused


def _store(alert: NewAlert, idempotency_key: str | None, tries: Sequence[DirectTry] = ()) -> alerts.Logged:
    may_ring = queue.may_ring()
    logged = direct_tries.log(alert, tries, ring=may_ring) if tries else alerts.log(alert, ring=may_ring)
    _check_repeat(alert, logged, idempotency_key)
    if not logged.planned:
        log.warning(
            "the alert is stored, but this environment has no routes and nobody is told; run `precog config apply`",
            extra={"alert_id": logged.alert_id, "environment": alert.environment},
        )
    if may_ring:  # otherwise the rows say already that nobody was told
        _ring(logged.doorbells, alert.environment)
    return logged


def _journaled(alert: NewAlert) -> bool:
    """Whether the journal has it. Its own trouble must not hide the store's."""
    try:
        journal.keep(alert)
    except Exception as error:  # noqa: BLE001 - the caller is told in any case, and hears of the store
        _say_lost(alert, error)
        return False
    log.warning("PostgreSQL did not take an alert; the journal has it", extra={"alert_uuid": str(alert.alert_uuid)})
    return True


def _sent_directly(alert: NewAlert, error: StoreError, journaled: bool) -> tuple[str, ...]:  # noqa: FBT001
    """The channels that took it. Where only the connections are all in use, the journal is emptied in a moment."""
    if not alert.notify or alert.severity not in {Severity.CRITICAL, Severity.HIGH} or isinstance(error, StoreBusy):
        return ()
    try:
        from precog import direct  # the channels are loaded by whom they belong to, and here in need only

        return direct.send(alert, journaled=journaled)
    except Exception as trouble:  # noqa: BLE001 - the caller is told in any case, and hears of the store
        log.error(
            "an alert could not be sent directly", extra={"error": short_reason(f"{type(trouble).__name__}: {trouble}")}
        )
        return ()


def _say_lost(alert: NewAlert, error: Exception) -> None:
    """The last resort: with its facts, since they are nowhere else."""
    facts = {
        "severity": alert.severity,
        "alert_type": alert.alert_type,
        "component": alert.component,
        "text": alert.message,
        "details": alert.details,
        "error": error,
    }
    log.critical("an alert could be neither stored nor journaled: %s", canonical_json(masked(facts)))


def _catch_up(environment: Environment) -> None:
    """PostgreSQL is there: give it a few of the alerts that wait, and the next call a few more."""
    try:
        if not journal.worth_a_look(environment):
            return
        if replay_journal(environment, most=CATCH_UP, seconds=CATCH_UP_SECONDS).left:
            journal.look_again(environment)
    except Exception as error:  # noqa: BLE001 - the caller's own alert is stored
        log.error("the journal cannot be replayed", extra={"error": str(error)})


def accept_in(
    connection: psycopg2.extensions.connection, alert: NewAlert, *, idempotency_key: str | None = None
) -> alerts.Logged:
    """Store the alert in the caller's transaction; recovery plans once they commit. psycopg2's errors pass."""
    logged = alerts.join(connection, alert)
    _check_repeat(alert, logged, idempotency_key)
    return logged


def _ring(doorbells: tuple[Doorbell, ...], environment: Environment) -> None:
    """Ring, and take the stamp of the ring back where it failed: recovery then need not wait."""
    if doorbells and not queue.ring(doorbells, environment):
        try:
            deliveries.unring([bell.delivery_id for bell in doorbells])
        except Exception:  # the alert is committed: nothing may fail its call any more
            log.warning("a failed ring is not written down; recovery rings half a minute later", exc_info=True)


def _check_repeat(alert: NewAlert, logged: alerts.Logged, idempotency_key: str | None) -> None:
    if idempotency_key is not None and logged.stored_before_as not in {None, alert.request_hash}:
        raise IdempotencyConflict(idempotency_key, logged.alert_id)


def environment_named(name: str | None) -> Environment:
    """The environment a caller names, else this process's."""
    return process.environment() if name is None else choice("environment", name, Environment)


def choice(field: str, value: object, kind: type[Choice]) -> Choice:
    """The member of `kind` that `value` names, in whatever case and with whatever spaces around it."""
    if not isinstance(value, str):
        raise AlertTypeError(field, value, f"one of {', '.join(kind)}")
    try:
        return kind(value.strip().lower())
    except ValueError:
        hint = did_you_mean(value.strip().lower(), kind)
        raise AlertValueError(field, f"{value!r} is not one of {', '.join(kind)}{hint}") from None


def text(field: str, value: object, limit_bytes: int) -> str:
    """A text that says something, without what PostgreSQL refuses, cut at `limit_bytes` of UTF-8."""
    if not isinstance(value, str):
        raise AlertTypeError(field, value, "str; convert it with str(...)")
    safe = safe_text(value, limit_bytes=limit_bytes).strip()
    if not safe:
        raise AlertValueError(field, "must not be empty or blank")
    return safe


def whole_number(field: str, value: object, *, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise AlertTypeError(field, value, "int")
    if not least <= value <= most:
        raise AlertValueError(field, f"{value} is not between {least} and {most}")
    return value


def optional_text(field: str, value: object, limit_bytes: int) -> str | None:
    return None if value is None else text(field, value, limit_bytes)


def _source_id(value: object, table: str | None) -> str | None:
    if value is None:
        return None
    if table is None:
        raise AlertValueError("source_id", "needs source_table, the table whose record it names")
    return text("source_id", str(value) if isinstance(value, int) else value, NAME_BYTES)


def _moment(field: str, value: object) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise AlertTypeError(field, value, "datetime with a time zone")
    if value.tzinfo is None or value.utcoffset() is None:
        raise AlertValueError(field, f"{value.isoformat()} has no time zone; use datetime.now(UTC)")
    if not _EARLIEST <= value <= _LATEST:
        raise AlertValueError(field, f"{value.isoformat()} is not between {_EARLIEST:%Y} and {_LATEST:%Y}")
    return value


def _identity(environment: Environment, idempotency_key: str | None) -> UUID:
    if idempotency_key is None:
        return uuid4()
    return uuid5(_KEYS, f"{environment}:{text('idempotency_key', idempotency_key, 1000)}")


def _rules() -> AlertRules:
    """The rules about types of alerts. A broken file, or none, costs its own rules, never an alert."""
    try:
        directory = process.config_directory()
    except ConfigError as error:
        return _shipped_rules(str(error))
    return _rules_in(directory)


@lru_cache
def _rules_in(directory: Path) -> AlertRules:
    try:
        return load_rules({"PRECOG_CONFIG_DIR": str(directory)})
    except ConfigError as error:
        return _shipped_rules(str(error))


@lru_cache
def _shipped_rules(problems: str) -> AlertRules:
    """In place of those with these problems, which are said once."""
    log.error("the rules of alerts cannot be read and the shipped ones apply", extra={"problems": problems})
    return load_rules({})


def window_minutes(alert_type: str | None = None) -> int:
    """The configured duplicate window of a type, or the default one."""
    rules = _rules()
    return rules.default_window_minutes if alert_type is None else rules.window_minutes(alert_type)
