"""One JSON object a log line: when, how bad, who, what happened, and its fields, without secrets."""

import json
import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS, BaseJsonFormatter, merge_record_extra

from precog.domain.alerts import Json
from precog.domain.forms import key_text
from precog.domain.redact import redact
from precog.domain.sanitize import safe_details

_NOT_EXTRA = frozenset([*RESERVED_ATTRS, "taskName"])
_encoded = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


class JsonLines(BaseJsonFormatter):
    """Masks `secrets` and everything that looks like one. Never raises, whatever was logged."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__(rename_fields={"exc_info": "exception", "stack_info": "stack"})
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        try:
            return super().format(record)
        except Exception:  # noqa: BLE001  arguments that do not fit the message, a stranger's __str__
            return super().format(_as_far_as_it_goes(record))

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        log_data["timestamp"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data["level"] = record.levelname
        log_data["logger"] = record.name
        log_data["event"] = record.message or message_dict.pop("event", "")
        for name, value in {**extra_fields(record), **message_dict}.items():
            shown = self.rename_fields.get(name, name)
            log_data[f"extra_{shown}" if shown in log_data else shown] = value

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        return _encoded(masked(log_data, self._secrets))


def extra_fields(record: logging.LogRecord) -> dict[str, object]:
    """What the caller passed as `extra={...}`."""
    return merge_record_extra(record, {}, reserved=_NOT_EXTRA)


def event_of(record: logging.LogRecord) -> str:
    """The record's message, or its bare template where the arguments do not fit it."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  see JsonLines.format
        return template_of(record)


def template_of(record: logging.LogRecord) -> str:
    """The message without its arguments: the same text for every record of one line of code."""
    return key_text(record.msg)


def masked(fields: Mapping[str, object], secrets: Iterable[str] = ()) -> dict[str, Json]:
    """The fields as safe JSON, with `redact` applied to every text in them."""
    return {name: _redacted(value, secrets) for name, value in safe_details(fields).items()}


def _redacted(value: Json, secrets: Iterable[str]) -> Json:
    if isinstance(value, str):
        return redact(value, secrets)
    if isinstance(value, list):
        return [_redacted(item, secrets) for item in value]
    if isinstance(value, dict):
        return {redact(name, secrets): _redacted(item, secrets) for name, item in value.items()}
    return value


def _as_far_as_it_goes(record: logging.LogRecord) -> logging.LogRecord:
    bare = {**record.__dict__, "msg": event_of(record), "args": (), "log_arguments": record.args}
    return logging.makeLogRecord(bare)
