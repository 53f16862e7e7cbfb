"""The journal's file: durable, whole, of this account only, and emptied by nothing but what was stored."""

import multiprocessing
import os
import resource
import signal
import stat
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from precog import journal
from precog.domain.alerts import Category, Environment, NewAlert, Severity
from precog.domain.sanitize import safe_details, safe_text
from precog.errors import AlertStoreUnavailable, ConfigError, IdempotencyConflict, JournalError, Problem
from precog.journal import Kept, files

pytestmark = pytest.mark.unit

DEMO = Environment.DEMO


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "state" / "journal"
    monkeypatch.setenv("PRECOG_JOURNAL_DIR", str(directory))
    return directory


def _alert(message: str = "boom", **changes: object) -> NewAlert:
    fields: dict[str, object] = {
        "alert_uuid": uuid4(),
        "alert_type": "api_failures",
        "severity": Severity.HIGH,
        "category": Category.SYSTEM,
        "component": "kalshi_api",
        "message": message,
        "details": {"platform": "kalshi"},
        "source_table": None,
        "source_id": None,
        "fingerprint": "0" * 32,
        "band": 0,
        "environment": DEMO,
        "tags": {},
        "occurred_at": datetime(2026, 11, 23, 3, 3, 37, 123456, tzinfo=UTC),
        "notify": True,
        "window_minutes": 60,
        "request_hash": "1" * 32,
    }
    return NewAlert(**fields | changes)  # type: ignore[arg-type]


def _utc(alert: NewAlert) -> datetime:
    assert alert.occurred_at is not None
    return alert.occurred_at.astimezone(UTC)


def _messages() -> list[str]:
    return [each.message for each in journal.waiting(DEMO)]


def _of(kept: Kept) -> NewAlert:
    assert kept.alert is not None
    return kept.alert


def _away(_: Kept) -> None:
    raise AlertStoreUnavailable("away")


def _only(message: str, error: Exception) -> Callable[[Kept], None]:
    """A store that takes every alert but this one."""

    def store(kept: Kept) -> None:
        if _of(kept).message == message:
            raise error

    return store


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=50)
@given(
    details=st.dictionaries(
        st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists)
    ),
    message=st.text(),
    category=st.none() | st.sampled_from(Category),
    moment=st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2199, 1, 1), timezones=st.timezones()),  # noqa: DTZ001
)
def test_an_alert_comes_back_as_it_was_kept(
    details: dict[str, object], message: str, category: Category | None, moment: datetime
) -> None:
    text = safe_text(message, limit_bytes=1000)
    instant = moment.astimezone(UTC)  # two zones' times of a doubled hour are never equal in Python
    alert = _alert(text, details=safe_details(details), category=category, occurred_at=moment)
    journal.keep(alert)
    seen: list[Kept] = []
    journal.replay(DEMO, seen.append)
    assert [replace(_of(each), occurred_at=_utc(_of(each))) for each in seen] == [replace(alert, occurred_at=instant)]


def test_an_alert_that_names_no_time_is_kept_with_the_time_it_was_kept_at() -> None:
    before = datetime.now(UTC)
    journal.keep(_alert(occurred_at=None))
    [kept] = journal.waiting(DEMO)
    assert kept.occurred_at is not None
    assert before <= kept.occurred_at <= datetime.now(UTC)


def test_nothing_is_there_until_an_alert_is_kept(place: Path) -> None:
    assert journal.waiting(DEMO) == ()
    assert journal.replay(DEMO, _away).left == 0
    assert not journal.holds_any(DEMO)


def test_looking_makes_no_directory(place: Path) -> None:
    assert not journal.holds_any(DEMO)
    assert journal.waiting(DEMO) == ()
    assert not place.exists()


def test_each_environment_has_a_journal_of_its_own() -> None:
    journal.keep(_alert(environment=Environment.PROD))
    assert not journal.holds_any(DEMO)
    assert journal.holds_any(Environment.PROD)


def test_nobody_else_may_read_it(place: Path) -> None:
    journal.keep(_alert())
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in place.iterdir()} == {0o600}


def test_a_link_in_its_place_is_not_followed(place: Path, tmp_path: Path) -> None:
    place.mkdir(parents=True)
    (tmp_path / "precious").write_text("as it was\n")
    journal.journal_file(DEMO).symlink_to(tmp_path / "precious")
    with pytest.raises(JournalError):
        journal.keep(_alert())
    assert (tmp_path / "precious").read_text() == "as it was\n"


def test_a_pipe_in_its_place_holds_nobody_up(place: Path) -> None:
    place.mkdir(parents=True)
    os.mkfifo(journal.journal_file(DEMO))
    with pytest.raises(JournalError, match="PRECOG_JOURNAL_DIR must name a directory"):
        journal.keep(_alert())


def test_a_place_that_is_no_directory_is_an_error_that_names_it(place: Path) -> None:
    place.parent.mkdir()
    place.write_text("")
    with pytest.raises(JournalError, match=r"demo\.jsonl cannot be used"):
        journal.keep(_alert())


def test_what_is_stored_goes_and_what_is_not_stays() -> None:
    for message in ("one", "two", "three"):
        journal.keep(_alert(message))
    report = journal.replay(DEMO, _only("two", AlertStoreUnavailable("gone again")))
    assert (report.stored, report.left) == (1, 2)
    assert report.problem is not None
    assert "gone again" in report.problem
    assert _messages() == ["two", "three"]


def test_a_replay_while_the_store_is_away_keeps_all() -> None:
    journal.keep(_alert("one"))
    before = journal.journal_file(DEMO).read_bytes()
    assert journal.replay(DEMO, _away).left == 1
    assert journal.journal_file(DEMO).read_bytes() == before


def test_a_replay_that_cannot_even_begin_to_store_sets_nothing_aside() -> None:
    journal.keep(_alert("one"))
    unset = ConfigError([Problem("DATABASE_URL", "is not set")])
    assert journal.replay(DEMO, _only("one", unset)).left == 1
    assert not journal.refused_file(DEMO).exists()


def test_what_breaks_unforeseen_costs_no_alert() -> None:
    journal.keep(_alert("one"))
    with pytest.raises(ZeroDivisionError):
        journal.replay(DEMO, _only("one", ZeroDivisionError()))
    assert _messages() == ["one"]


def test_a_replay_takes_no_more_than_it_may() -> None:
    for number in range(5):
        journal.keep(_alert(str(number)))
    assert journal.replay(DEMO, lambda _: None, most=2).left == 3
    assert _messages() == ["2", "3", "4"]


def test_a_replay_in_a_hurry_begins_no_alert_after_its_time() -> None:
    journal.keep(_alert("one"))
    journal.keep(_alert("two"))
    assert journal.replay(DEMO, lambda _: time.sleep(0.02), seconds=0.01).left == 1
    assert _messages() == ["two"]


@pytest.mark.parametrize("error", [psycopg2.IntegrityError("check"), IdempotencyConflict("order-77", 12)])
def test_an_alert_that_is_refused_for_good_is_set_aside_and_holds_up_nobody(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    for message in ("one", "secret text", "three"):
        journal.keep(_alert(message))
    report = journal.replay(DEMO, _only("secret text", error))
    assert (report.stored, report.refused, report.left) == (2, 1, 0)
    assert "secret text" in journal.refused_file(DEMO).read_text()
    assert "set aside" in caplog.text
    assert "secret text" not in caplog.text


def test_a_line_that_was_torn_costs_no_other() -> None:
    journal.keep(_alert("one"))
    with journal.journal_file(DEMO).open("ab") as file:
        file.write(b'{"alert_uuid": "c0ffee')  # its writer was killed
    journal.keep(_alert("two"))
    assert _messages() == ["one", "two"]
    report = journal.replay(DEMO, lambda _: None)
    assert (report.stored, report.refused, report.left) == (2, 1, 0)
    assert journal.refused_file(DEMO).read_bytes() == b'{"alert_uuid": "c0ffee\n'


def test_what_is_kept_during_a_replay_stays_for_the_next() -> None:
    journal.keep(_alert("one"))
    assert journal.replay(DEMO, lambda _: journal.keep(_alert("meanwhile"))).left == 1
    assert _messages() == ["meanwhile"]


def test_two_replays_at_once_are_one() -> None:
    journal.keep(_alert("one"))
    inner: list[journal.Report] = []
    journal.replay(DEMO, lambda _: inner.append(journal.replay(DEMO, _away)))
    assert [each.problem for each in inner] == ["another process replays it at this moment"]


def _keep_many(letter: str) -> None:
    for number in range(25):
        journal.keep(_alert(f"{letter}{number} " + letter * 5000))


def test_several_processes_and_a_replay_lose_nothing_between_them() -> None:
    seen: list[Kept] = []
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_keep_many, args=(letter,)) for letter in "abc"]
    for each in writers:
        each.start()
    while any(each.is_alive() for each in writers):
        journal.replay(DEMO, seen.append)
    journal.replay(DEMO, seen.append)
    assert [each.exitcode for each in writers] == [0, 0, 0]
    expected = sorted(f"{letter}{number}" for letter in "abc" for number in range(25))
    assert sorted(_of(each).message.split()[0] for each in seen) == expected


def test_a_full_journal_refuses_aloud_and_keeps_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    journal.keep(_alert("one"))
    monkeypatch.setattr(journal, "MOST_BYTES", 1000)
    with pytest.raises(JournalError, match="it is full"):
        journal.keep(_alert("two" * 200))
    assert _messages() == ["one"]


def _keep_on_a_full_disk() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = journal.journal_file(DEMO).stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, size + 100))  # half a line
    with pytest.raises(JournalError, match="File too large"):
        journal.keep(_alert("two"))


def test_a_disk_that_fills_in_the_middle_of_a_line_leaves_nothing_of_it() -> None:
    journal.keep(_alert("one"))
    as_it_was = journal.journal_file(DEMO).read_bytes()
    child = multiprocessing.get_context("fork").Process(target=_keep_on_a_full_disk)
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert journal.journal_file(DEMO).read_bytes() == as_it_was


def test_a_lock_that_is_never_given_back_holds_nobody_up_for_long() -> None:
    with files.locked(DEMO), pytest.raises(JournalError, match="another process keeps it locked"):
        journal.keep(_alert())


def test_a_process_looks_once_and_again_when_it_has_kept_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_unlooked", set(Environment))
    looks = partial(journal.worth_a_look, DEMO)
    assert [looks(), looks()] == [False, False]
    journal.keep(_alert())
    assert [looks(), looks()] == [True, False]
