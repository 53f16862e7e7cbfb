"""The limits that the sources work by: the YAML files, and the overrides of the database over them."""

import logging
import math
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from precog import arguments
from precog.errors import AlertValueError, ConfigError, Problem
from precog.settings import process
from precog.settings.load import load_thresholds
from precog.settings.thresholds import Override, Thresholds, overridden
from precog.store import trading_overrides

log = logging.getLogger("precog.sources")


def current_thresholds(*, now: datetime | None = None, within: float = math.inf) -> Thresholds:
    """As they are at this moment. The files are read once a process; an override holds from the next call on.

    An override that fits nowhere, or whose value is not allowed, is logged once and ignored. `within`: seconds that
    the database is given. Raises ConfigError for the files, StoreError for the overrides.
    """
    limits, problems = overridden(file_thresholds(), trading_overrides.active(now=now, within=within))
    for problem in problems:
        _say_once(problem)
    return limits


def file_thresholds() -> Thresholds:
    """Without what holds over them. Raises ConfigError."""
    return _of_files(process.config_directory())


def set_override(
    config_key: str,
    value: bool | int | Decimal | str,  # noqa: FBT001 - one of the kinds of values
    *,
    by: str,
    reason: str | None = None,
    until: datetime | None = None,
) -> int:
    """Let a value hold in place of that of the YAML files, until then or until it is ended; its override_id.

    config_key: the file and the path in it, such as trading.circuit_breakers.rapid_loss.dollars.
    It takes the place of another one of this key. Raises ConfigError where it would be ignored, and RowRefused.
    """
    if until is not None and until.utcoffset() is None:
        raise AlertValueError("until", f"{until.isoformat()} has no time zone; use datetime.now(UTC)")
    override = Override(override_id=0, config_key=config_key, value=value, data_type=_data_type(config_key, value))
    _, problems = overridden(file_thresholds(), [override])
    if problems:
        raise ConfigError([Problem(config_key, each.text) for each in problems])
    return trading_overrides.put(
        config_key,
        value,
        override.data_type,
        reason=arguments.optional_text("reason", reason, arguments.NOTES_BYTES),
        by=arguments.text("by", by, arguments.NAME_BYTES),
        until=until,
    )


def end_override(config_key: str) -> bool:
    """Let the YAML file's value hold again; whether another one held. Raises StoreError."""
    return trading_overrides.end(config_key)


def _data_type(config_key: str, value: object) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case Decimal():
            return "decimal"
        case str():
            return "string"
        case float():
            raise ConfigError(
                [Problem(config_key, f'{value} is a float, which is not exact; write Decimal("{value}")')]
            )
    raise ConfigError([Problem(config_key, f"{type(value).__name__} is none of bool, int, Decimal, str")])


@lru_cache
def _of_files(directory: Path) -> Thresholds:
    return load_thresholds({"PRECOG_CONFIG_DIR": str(directory)})


@lru_cache(maxsize=100)
def _say_once(problem: Problem) -> None:
    log.warning("%s is ignored: %s", problem.place, problem.text)
