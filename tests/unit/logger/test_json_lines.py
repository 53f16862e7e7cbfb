"""Every record becomes one JSON object that a program can read, and no secret is in it."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.domain.alerts import Severity
from precog.errors import ConfigError
from precog.json_lines import JsonLines
from precog.logger import configure_logging
from precog.settings.model import LoggingSettings

pytestmark = pytest.mark.unit

SLACK = "https://hooks.slack.com/services/T0AAAAAAA/B0BBBBBBB/canarycanary"


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield root
    for handler in [handler for handler in root.handlers if handler not in before]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


def _line(record: logging.LogRecord, secrets: tuple[str, ...] = ()) -> dict[str, Any]:
    text = JsonLines(secrets).format(record)
    assert "\n" not in text
    parsed = json.loads(text)
    assert isinstance(parsed, dict)
    return parsed


def _record(message: object = "sent", *args: object, **fields: object) -> logging.LogRecord:
    record = logging.LogRecord("precog.delivery", logging.INFO, "x.py", 1, message, args, None)
    record.__dict__.update(fields)
    return record


def test_a_line_says_when_how_bad_who_and_what() -> None:
    record = _record("sent %d of %d", 1, 2, delivery_id=UUID(int=7), seconds=Decimal("0.0500"), severity=Severity.HIGH)
    record.created = datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC).timestamp()
    assert _line(record) == {
        "timestamp": "2026-03-01T12:00:00.123+00:00",
        "level": "INFO",
        "logger": "precog.delivery",
        "event": "sent 1 of 2",
        "delivery_id": "00000000-0000-0000-0000-000000000007",
        "seconds": "0.0500",
        "severity": "high",
    }


def test_an_exception_is_one_field_of_the_line() -> None:
    record = _record("failed", exc_info=(ValueError, ValueError("no such market"), None))
    assert _line(record)["exception"].endswith("ValueError: no such market")


def test_a_field_named_like_ours_does_not_replace_it() -> None:
    line = _line(_record("sent", event="mine", level="deep"))
    assert (line["event"], line["extra_event"], line["level"], line["extra_level"]) == ("sent", "mine", "INFO", "deep")


def test_a_mapping_as_message_becomes_fields() -> None:
    line = _line(_record({"event": "tripped", "loss": Decimal("1.10")}))
    assert (line["event"], line["loss"]) == ("tripped", "1.10")


def test_arguments_that_do_not_fit_cost_only_the_formatting() -> None:
    line = _line(_record("sent %d", "many", alert_id=3))
    assert (line["event"], line["log_arguments"], line["alert_id"]) == ("sent %d", ["many"], 3)


@pytest.mark.parametrize(
    "record", [_record(Unprintable()), _record("x", thing=Unprintable()), _record("%s", Unprintable())]
)
def test_what_cannot_be_printed_is_named(record: logging.LogRecord) -> None:
    assert "<unprintable Unprintable>" in json.dumps(_line(record))


def test_secrets_are_masked_in_event_fields_and_exception() -> None:
    record = _record("posting to %s", SLACK, url=SLACK, nested=[{"note": 'the "hunter2" key'}], password="plain")
    record.exc_info = (OSError, OSError(f"refused: {SLACK} with hunter2"), None)
    text = json.dumps(_line(record, ("hunter2",)))
    assert "canary" not in text
    assert "hunter2" not in text
    assert "plain" not in text


def test_a_secret_with_quotes_and_accents_is_masked_though_json_would_escape_it() -> None:
    secret = 'pä"ss\\word'
    assert _line(_record("x", note=f"it is {secret}!"), (secret,))["note"] == "it is ***!"


_values = st.recursive(
    st.none() | st.floats() | st.integers() | st.text(st.characters(codec=None)) | st.binary() | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(_values, st.lists(_values, max_size=2))
def test_no_record_is_too_strange(message: object, arguments: list[object]) -> None:
    assert _line(_record(message, *arguments, extra_value=arguments))["logger"] == "precog.delivery"


def test_the_whole_process_logs_to_the_stream_once_however_often_it_is_configured(root: logging.Logger) -> None:
    stream = io.StringIO()
    configure_logging(LoggingSettings(level="WARNING"), stream=io.StringIO())
    configure_logging(LoggingSettings(level="INFO"), stream=stream, secrets=["hunter2"])
    logging.getLogger("some.part").info("the key is hunter2")
    logging.getLogger("some.part").debug("not said")
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["event"] == "the key is ***"


def test_handlers_of_others_stay(root: logging.Logger) -> None:
    theirs = logging.NullHandler()
    root.addHandler(theirs)
    configure_logging(LoggingSettings(), stream=io.StringIO())
    assert theirs in root.handlers


def test_libraries_that_print_whole_urls_stay_quiet_at_debug(root: logging.Logger) -> None:
    stream = io.StringIO()
    configure_logging(LoggingSettings(level="DEBUG"), stream=stream)
    logging.getLogger("urllib3.connectionpool").debug("POST /secret-path")
    logging.getLogger("twilio.http_client").info("POST /Accounts")
    assert stream.getvalue() == ""


def test_a_file_that_was_moved_away_is_begun_again(root: logging.Logger, tmp_path: Path) -> None:
    file = tmp_path / "precog.jsonl"
    configure_logging(LoggingSettings(file=file))
    logging.getLogger("x").info("before")
    file.rename(tmp_path / "precog.jsonl.1")
    logging.getLogger("x").info("after — é")
    assert [json.loads(line)["event"] for line in file.read_text("utf-8").splitlines()] == ["after — é"]


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing/precog\.jsonl cannot be opened"):
        configure_logging(LoggingSettings(file=tmp_path / "missing" / "precog.jsonl"))


def test_a_stream_that_fails_costs_the_line_and_shows_nothing_of_it(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = io.StringIO()
    broken.close()
    configure_logging(LoggingSettings(), stream=broken)
    logging.getLogger("some.part").info("canary %s", "canary")
    assert capsys.readouterr().err == "precog: a log record of some.part was lost: ValueError\n"
