"""What a caller says, checked and made safe to store: from the arguments of a call to a value that is right."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid4, uuid5

from precog.domain.alerts import Category, Environment, Json, NewAlert, Severity
from precog.domain.fingerprint import fingerprint_of, key_details_of, request_hash
from precog.domain.nearest import did_you_mean
from precog.domain.sanitize import safe_details, safe_text
from precog.errors import AlertTypeError, AlertValueError, ConfigError
from precog.settings import process
from precog.settings.alert_rules import AlertRules
from precog.settings.load import load_rules

log = logging.getLogger("precog.arguments")

Choice = TypeVar("Choice", bound=StrEnum)

NAME_BYTES = 200
MESSAGE_BYTES = 20_000
NOTES_BYTES = 10_000
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
        "occurred_at": moment.isoformat() if moment else None,
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
    return value.astimezone(UTC)  # Python knows offsets of up to a day, PostgreSQL of less than sixteen hours


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
