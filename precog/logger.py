"""Logging for the programs around Precog: JSON lines, alerts that never raise, and alerts made of log records."""

import logging
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from precog.domain.alerts import Json, Severity
from precog.domain.fingerprint import canonical_json
from precog.domain.redact import redact
from precog.errors import ConfigError, Problem
from precog.json_lines import JsonLines, event_of, extra_fields, masked, template_of

if TYPE_CHECKING:  # a program that raises alerts need not load the settings' models
    from precog.settings.model import LoggingSettings

_log = logging.getLogger("precog.logger")
_TALKATIVE = ("urllib3", "twilio.http_client")  # below WARNING they print whole URLs and account ids
_STACK_ENTRIES = 20
_thread = threading.local()


class _Discreet(logging.Handler):
    """Where a record cannot be handled, says so on standard error without repeating what was in it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's name
        _say(f"precog: a log record of {record.name} was lost: {type(sys.exception()).__name__}")


class _StreamLines(_Discreet, logging.StreamHandler[TextIO]):
    pass


class _FileLines(_Discreet, WatchedFileHandler):
    pass


def configure_logging(
    settings: "LoggingSettings", *, stream: TextIO | None = None, secrets: Iterable[str] = ()
) -> None:
    """Send what is logged anywhere in this process as JSON lines to the configured file, else to `stream` or stderr.

    `secrets` are masked wherever they appear. A file that is moved away (logrotate) is begun again. A second call
    replaces the first; the handlers of others stay. Raises ConfigError when the file cannot be opened.
    """
    handler = _open(settings.file) if settings.file else _StreamLines(stream or sys.stderr)
    handler.setFormatter(JsonLines(secrets))
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, _StreamLines | _FileLines)]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(settings.level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def log_alert_helper(
    alert_type: str,
    severity: Severity | str,
    component: str,
    message: str,
    details: Mapping[str, object] | None = None,
) -> int | None:
    """`log_alert()` for places that must not fail, such as an except block: the alert's id, or None. Never raises.

    An alert that could not be raised is logged as CRITICAL, with its secrets masked.
    """
    return _raise_alert(alert_type, severity, component, message, details)


class AlertHandler(_Discreet):
    """Makes an alert of each record at or above `level`, as long as `log_alert()` takes. Never raises.

    Records of one logger and one message template are the same trouble, whatever their arguments. Left out are Precog's
    own records and whatever anybody logs in the course of raising an alert: they would go round in circles.
    """

    def __init__(self, level: int | str = logging.ERROR) -> None:
        super().__init__(level)

    def handle(self, record: logging.LogRecord) -> bool:
        """Without the handler's lock: a slow database must not hold up every other thread that logs."""
        passes = bool(self.filter(record))
        if passes:
            self.emit(record)
        return passes

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] == "precog" or getattr(_thread, "raising", False):
            return
        try:
            _raise_alert(
                "log_record",
                _severity(record.levelno),
                record.name,
                redact(event_of(record)).strip() or "(a log record without text)",
                _details(record),
                key_details={"logger": record.name, "template": template_of(record)},
            )
        except Exception:  # noqa: BLE001  a record that somebody made by hand may lack anything
            self.handleError(record)


def _raise_alert(
    alert_type: str,
    severity: Severity | str,
    component: str,
    message: str,
    details: Mapping[str, object] | None,
    key_details: Mapping[str, object] | None = None,
) -> int | None:
    with _raising():
        try:
            from precog.alert_manager import log_alert  # a program that only wants JSON lines needs no database driver

            return log_alert(alert_type, severity, component, message, details, key_details=key_details)
        except Exception as error:  # noqa: BLE001  that is the promise
            alert = {"alert_type": alert_type, "severity": severity, "component": component, "alert_message": message}
            _say_not_raised(masked({**alert, "details": details, "error": error}))
            return None


@contextmanager
def _raising() -> Iterator[None]:
    before = getattr(_thread, "raising", False)
    _thread.raising = True
    try:
        yield
    finally:
        _thread.raising = before


def _say_not_raised(alert: dict[str, Json]) -> None:
    """To whoever listens to the log, else to standard error: one of them hears of it."""
    event = "an alert could not be raised: {severity} {alert_type} of {component}: {alert_message} ({error})"
    with suppress(Exception):
        if _log.hasHandlers() and _log.isEnabledFor(logging.CRITICAL):
            _log.critical(event.format_map(alert), extra=alert)
            return
    _say(canonical_json({"event": "an alert could not be raised", **alert}))


def _say(text: str) -> None:
    with suppress(Exception):  # standard error may be closed, and there is nobody left to tell
        sys.stderr.write(f"{text}\n")


def _open(file: Path) -> _FileLines:
    try:
        return _FileLines(file, encoding="utf-8")
    except OSError as error:
        text = f"{file} cannot be opened for writing ({error.strerror}); make its directory, or name another file"
        raise ConfigError([Problem("logging.file in system.yaml", text)]) from error


def _severity(level: int) -> Severity:
    if level >= logging.CRITICAL:
        return Severity.CRITICAL
    if level >= logging.ERROR:
        return Severity.HIGH
    return Severity.MEDIUM if level >= logging.WARNING else Severity.LOW


def _details(record: logging.LogRecord) -> dict[str, Json]:
    details = {
        "level": record.levelname,
        "place": f"{record.pathname}:{record.lineno} in {record.funcName}",
        "thread": record.threadName,
        "process": record.process,
        "exception": _exception(record),
        "extra": extra_fields(record),
    }
    return masked({name: value for name, value in details.items() if value})


def _exception(record: logging.LogRecord) -> dict[str, object]:
    """Of a long stack the innermost part is kept: that is where it happened."""
    if not record.exc_info or record.exc_info[1] is None:
        return {}
    kind, error, place = record.exc_info
    stack = "".join(traceback.format_exception(kind, error, place, limit=-_STACK_ENTRIES))
    return {"type": type(error).__name__, "text": error, "stack": stack}
