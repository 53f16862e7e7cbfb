"""Raising an alert where nothing may fail: without a database the caller goes on, and the alert is told elsewhere."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from precog.domain.alerts import Json
from precog.json_lines import JsonLines
from precog.logger import AlertHandler, log_alert_helper

pytestmark = pytest.mark.unit

_NOT_RAISED = "an alert could not be raised"


@pytest.fixture(autouse=True)
def _no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("PRECOG_ENVIRONMENT", raising=False)


@pytest.fixture
def told() -> Iterator[io.StringIO]:
    """What the logger of last resort says."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    log = logging.getLogger("precog.logger")
    log.addHandler(handler)
    yield stream
    log.removeHandler(handler)


@pytest.fixture
def trading_log() -> Iterator[logging.Logger]:
    log = logging.getLogger("trading.executor")
    handler = AlertHandler()
    log.addHandler(handler)
    yield log
    log.removeHandler(handler)


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


def _alerts(told: io.StringIO) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in told.getvalue().splitlines()]
    assert all(line["level"] == "CRITICAL" and line["event"].startswith(_NOT_RAISED) for line in lines)
    return lines


def test_an_alert_that_cannot_be_raised_is_told_with_its_content_and_without_its_secrets(told: io.StringIO) -> None:
    details: dict[str, object] = {"market": "KXBTC", "api_key": "canary", "note": "Bearer canarycanary"}
    assert log_alert_helper("trade_failed", "high", "executor", "refused, token=canary", details) is None
    (alert,) = _alerts(told)
    assert (alert["alert_type"], alert["severity"], alert["component"]) == ("trade_failed", "high", "executor")
    assert alert["alert_message"] == "refused, token=***"
    assert alert["details"] == {"market": "KXBTC", "api_key": "***", "note": "Bearer ***"}
    assert "DATABASE_URL" in alert["error"]
    assert "canary" not in told.getvalue()


@pytest.mark.parametrize(
    ("severity", "message", "details"),
    [
        ("critcal", "x", None),
        ("high", "", None),
        ("high", None, None),
        ("high", "x", ["no mapping"]),
        (3, Unprintable(), 4),
    ],
)
def test_a_callers_mistake_is_told_and_not_raised(told: io.StringIO, severity: Any, message: Any, details: Any) -> None:
    assert log_alert_helper("x", severity, "executor", message, details) is None
    assert len(_alerts(told)) == 1


def test_without_any_logging_the_alert_is_told_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("precog.logger")
    log.disabled = True
    try:
        assert log_alert_helper("trade_failed", "high", "executor", "refused") is None
    finally:
        log.disabled = False
    alert = json.loads(capsys.readouterr().err)
    assert (alert["event"], alert["alert_message"]) == (_NOT_RAISED, "refused")


def test_a_log_handler_that_raises_does_not_reach_the_caller(
    told: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    class Raises(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError

    handler = Raises()
    logging.getLogger("precog.logger").addHandler(handler)
    try:
        assert log_alert_helper("trade_failed", "high", "executor", "refused") is None
    finally:
        logging.getLogger("precog.logger").removeHandler(handler)
    alert = json.loads(capsys.readouterr().err)
    assert (alert["event"], alert["alert_message"]) == (_NOT_RAISED, "refused")


def test_a_log_record_becomes_an_alert_of_its_logger(told: io.StringIO, trading_log: logging.Logger) -> None:
    error = ConnectionError("postgresql://u:canary@db/x refused")
    trading_log.error("order %s failed", "o-1", exc_info=error, extra={"market": "KXBTC", "secret": "canary"})
    (alert,) = _alerts(told)
    assert (alert["alert_type"], alert["severity"]) == ("log_record", "high")
    assert (alert["component"], alert["alert_message"]) == ("trading.executor", "order o-1 failed")
    details: dict[str, Json] = alert["details"]
    assert details["extra"] == {"market": "KXBTC", "secret": "***"}
    assert details["exception"] == {
        "type": "ConnectionError",
        "text": "ConnectionError: postgresql://***@db/x refused",
        "stack": alert["details"]["exception"]["stack"],
    }
    assert "canary" not in told.getvalue()


def test_of_a_long_stack_the_end_is_kept(told: io.StringIO, trading_log: logging.Logger) -> None:
    def sink(depth: int) -> None:
        if depth == 0:
            raise ValueError("at the bottom")
        sink_further(depth - 1)

    def sink_further(depth: int) -> None:  # two in turn: a traceback folds the repeats of one
        sink(depth)

    try:
        sink(200)
    except ValueError:
        trading_log.exception("sunk")
    stack = _alerts(told)[0]["details"]["exception"]["stack"]
    assert stack.rstrip().endswith("ValueError: at the bottom")
    assert stack.count("in sink") <= 20


@pytest.mark.parametrize(
    ("level", "severity"), [(logging.CRITICAL, "critical"), (logging.ERROR, "high"), (45, "high"), (60, "critical")]
)
def test_the_level_gives_the_severity(
    told: io.StringIO, trading_log: logging.Logger, level: int, severity: str
) -> None:
    trading_log.log(level, "x")
    assert _alerts(told)[0]["severity"] == severity


def test_below_its_level_nothing_becomes_an_alert(told: io.StringIO, trading_log: logging.Logger) -> None:
    trading_log.warning("only a warning")
    assert _alerts(told) == []


@pytest.mark.parametrize(
    ("message", "arguments", "told_as"),
    [
        ("bad %d", ("arguments",), "bad %d"),
        (Unprintable(), (), "<unprintable Unprintable>"),
        ("   ", (), "(a log record without text)"),
        ({"event": "tripped"}, (), "{'event': 'tripped'}"),
    ],
)
def test_strange_records_become_alerts_too(
    told: io.StringIO, message: object, arguments: tuple[object, ...], told_as: str
) -> None:
    AlertHandler().handle(logging.LogRecord("trading", logging.ERROR, "x.py", 1, message, arguments, None))
    assert [alert["alert_message"] for alert in _alerts(told)] == [told_as]


def test_a_record_that_lacks_everything_is_only_lost(capsys: pytest.CaptureFixture[str]) -> None:
    record = logging.LogRecord("trading", logging.ERROR, "x.py", 1, "canary", (), None)
    del record.levelno
    AlertHandler().handle(record)
    assert capsys.readouterr().err == "precog: a log record of trading was lost: AttributeError\n"


def test_a_handler_at_the_root_makes_no_alert_of_the_failure_to_raise_one(told: io.StringIO) -> None:
    handler = AlertHandler()
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        logging.getLogger("trading.executor").error("refused")
        logging.getLogger("precog.delivery").error("one of our own")
    finally:
        root.removeHandler(handler)
    assert [alert["alert_message"] for alert in _alerts(told)] == ["refused"]


def test_what_others_log_while_an_alert_is_raised_makes_no_further_alert(told: io.StringIO) -> None:
    class Talkative(dict[str, object]):
        """Stands for a driver that logs an error in the middle of our call."""

        def items(self) -> Any:
            logging.getLogger("redis").error("connection lost")
            return super().items()

    handler = AlertHandler()
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        log_alert_helper("trade_failed", "high", "executor", "refused", Talkative())
    finally:
        root.removeHandler(handler)
    assert [alert["alert_type"] for alert in _alerts(told)] == ["trade_failed"]
