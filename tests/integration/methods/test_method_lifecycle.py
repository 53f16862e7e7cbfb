"""Where a method may go and what that needs, tried past all of Python, and through it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from psycopg2 import errors as pg

from precog.domain.methods import MOVES, Method, MethodStatus
from precog.errors import MethodInvalid, MethodRefused, UnknownMethod
from precog.methods import (
    activate_method,
    deactivate_method,
    deprecate_method,
    get_method,
    list_methods,
    start_testing,
)
from precog.store import methods as store
from tests.integration.methods.refusals import INSERT, refused

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]
Make = Callable[..., Method]
Trade = Callable[..., None]


# 006: the lifecycle


@pytest.mark.parametrize("there", MethodStatus)
@pytest.mark.parametrize("here", MethodStatus)
def test_006_only_legal_moves_are_made(proven: Make, sql: Run, here: MethodStatus, there: MethodStatus) -> None:
    method = proven() if here is not MethodStatus.DRAFT else _draft_with_a_past(sql)
    for step in {"active": ["active"], "inactive": ["active", "inactive"], "deprecated": ["deprecated"]}.get(here, []):
        sql("UPDATE methods SET status = %s", step)
    if here is there:
        return
    if there in MOVES[here]:
        sql("UPDATE methods SET status = %s", there)
        assert get_method(method.method_id).status is there
        return
    with refused(f"may not move from {here} to {there}", "methods_moves_trg"):
        sql("UPDATE methods SET status = %s", there)
    with pytest.raises(MethodRefused, match=f"may not move from {here} to {there}"):
        store.move(method.method_id, there)


def _draft_with_a_past(sql: Run) -> Method:
    sql(INSERT.format(columns="", values=""))
    return get_method("raw@v1.0")


def test_006_a_method_goes_all_the_way(proven: Make) -> None:
    method = proven()
    assert method.status is MethodStatus.TESTING
    active = activate_method("kelly@v1.0").method
    assert (active.status, active.activated_at is None, active.deactivated_at) == ("active", False, None)
    inactive = deactivate_method("kelly@v1.0")
    assert inactive.deactivated_at is not None
    again = activate_method("kelly@v1.0").method
    assert again.deactivated_at is None
    assert again.activated_at is not None
    assert active.activated_at is not None
    assert again.activated_at > active.activated_at
    assert deprecate_method("kelly@v1.0").status is MethodStatus.DEPRECATED
    with pytest.raises(MethodRefused, match=r"may not move from deprecated to active.*a new version"):
        activate_method("kelly@v1.0")


def test_006_a_repeat_changes_nothing(proven: Make) -> None:
    proven()
    first = activate_method("kelly@v1.0").method
    assert activate_method("kelly@v1.0").method == first


@pytest.mark.usefixtures("ground")
@pytest.mark.parametrize(
    ("column", "value"),
    [("status", "'active'"), ("status", "'testing'"), ("paper_trades_count", "10"), ("paper_roi", "0.1"),
     ("activated_at", "clock_timestamp()"), ("deactivated_at", "'2000-01-01'"), ("live_win_rate", "1")],
)  # fmt: skip
def test_006_a_method_is_born_a_draft_without_a_past(sql: Run, column: str, value: str) -> None:
    with refused("begins as a draft", "methods_begins_trg"):
        sql(INSERT.format(columns=f", {column}", values=f", {value}"))


@pytest.mark.usefixtures("ground")
def test_006_an_unknown_status_is_refused(sql: Run) -> None:
    sql(INSERT.format(columns="", values=""))
    with refused("may not move from draft to retired"):
        sql("UPDATE methods SET status = 'retired'")


def test_006_the_list_leaves_out_what_is_deprecated_unless_asked(new_method: Make) -> None:
    new_method("v1.9")
    new_method("v1.10")
    deprecate_method("kelly@v1.9")
    assert [each.name.version for each in list_methods()] == ["v1.10"]
    assert [each.name.version for each in list_methods(deprecated=True)] == ["v1.10", "v1.9"]
    assert [each.name.version for each in list_methods(status="deprecated")] == ["v1.9"]


def test_006_a_method_that_is_not_there_is_said_with_one_that_may_be_meant(new_method: Make) -> None:
    new_method()
    with pytest.raises(UnknownMethod, match=r"no method kely@v1\.0; did you mean 'kelly@v1\.0'\?"):
        get_method("kely@v1.0")
    with pytest.raises(UnknownMethod, match="no method 999"):
        get_method("999")
    with pytest.raises(MethodInvalid, match=r"neither a number nor written like name@v1\.0"):
        get_method("kelly")


# 007: what activation needs


def test_007_nine_paper_trades_are_too_few_and_live_ones_do_not_count(new_method: Make, trade: Trade, sql: Run) -> None:
    method = start_testing(new_method().method_id)
    for _ in range(9):
        trade(method.method_id, is_paper=True)
    for _ in range(12):
        trade(method.method_id, is_paper=False)
    with refused("it has 9 of 10 paper trades", "methods_moves_trg"):
        sql("UPDATE methods SET status = 'active'")
    with pytest.raises(MethodRefused, match=r"9 of 10 paper trades.*at least 10 paper trades"):
        activate_method(method.method_id)
    trade(method.method_id, is_paper=True)
    assert activate_method(method.method_id).method.status == "active"


@pytest.mark.parametrize(("fees", "roi"), [(1, "0.0000"), (2, "-0.2500")])
def test_007_a_paper_roi_of_zero_or_less_is_not_enough(
    new_method: Make, trade: Trade, sql: Run, fees: int, roi: str
) -> None:
    """Of ten bets of 4.00 five win 6.00; fees of 1.00 a bet eat the gain, of 2.00 more than that."""
    method = start_testing(new_method().method_id)
    for number in range(10):
        trade(method.method_id, "M-YES" if number < 5 else "M-NO", is_paper=True, fees=fees)
    with refused(f"paper ROI of {roi}"):
        sql("UPDATE methods SET status = 'active'")
    with pytest.raises(MethodRefused, match=f"paper ROI of {roi}"):
        activate_method(method.method_id)


def test_007_bets_that_are_open_prove_nothing(new_method: Make, trade: Trade, sql: Run) -> None:
    method = start_testing(new_method().method_id)
    for _ in range(10):
        trade(method.method_id, "M-OPEN", is_paper=True)
    with refused("paper ROI of nothing decided"):
        sql("UPDATE methods SET status = 'active'")
    with pytest.raises(MethodRefused, match="paper ROI of nothing decided"):
        activate_method(method.method_id)


def test_007_a_gain_too_small_to_show_is_a_gain(new_method: Make, trade: Trade) -> None:
    method = start_testing(new_method().method_id)
    for number in range(10):
        trade(method.method_id, "M-YES" if number < 5 else "M-NO", is_paper=True, fees=0, price="0.5", quantity=1000)
    trade(method.method_id, "M-YES", is_paper=True, price="0.9999", quantity="0.01", fees=0)
    assert activate_method(method.method_id).method.status == "active"
    assert store.performance([method.method_id])[method.method_id, True].roi == Decimal("0.0000")


@pytest.mark.parametrize(
    "change",
    ["paper_trades_count = 10, paper_roi = 0.5", "activated_at = clock_timestamp()", "live_roi = 9", "paper_sharpe = 1",
     "deactivated_at = '2000-01-01'"],
)  # fmt: skip
def test_007_measures_and_times_are_not_written_by_hand(new_method: Make, sql: Run, change: str) -> None:
    new_method()
    for status in ("", ", status = 'testing'"):
        with refused("is not written by hand", "methods_measures_itself_trg"):
            sql(f"UPDATE methods SET {change}{status}")


def test_007_a_move_writes_down_what_the_method_had_earned(proven: Make, sql: Run) -> None:
    activate_method(proven().method_id)
    measures = "paper_trades_count, paper_roi, paper_win_rate, paper_sharpe, live_trades_count, live_roi, live_win_rate"
    assert sql(f"SELECT {measures} FROM methods") == [
        (10, Decimal("0.5000"), Decimal("0.6000"), Decimal("0.3873"), 0, None, None)
    ]


# 013: a new version takes the place of the older ones


def test_013_activating_deprecates_the_older_versions_of_that_name(proven: Make, new_method: Make, sql: Run) -> None:
    for version in ("v1.0", "v1.10"):
        proven(version)
    activate_method("kelly@v1.0")
    for version in ("v1.9", "v2.0"):
        new_method(version)
    new_method("v1.0", name="another")
    activated = activate_method("kelly@v1.10")
    assert [str(name) for name in activated.deprecated] == ["kelly@v1.0", "kelly@v1.9"]
    assert {str(each.name): str(each.status) for each in list_methods(deprecated=True)} == {
        "another@v1.0": "draft", "kelly@v2.0": "draft", "kelly@v1.10": "active",
        "kelly@v1.9": "deprecated", "kelly@v1.0": "deprecated",
    }  # fmt: skip
    assert get_method("kelly@v1.0").deactivated_at is not None


def test_013_psql_deprecates_them_too_unless_it_says_otherwise(proven: Make, sql: Run) -> None:
    for version in ("v1.0", "v1.1", "v1.2"):
        proven(version)
    sql("UPDATE methods SET status = 'active' WHERE method_version = 'v1.0'")
    sql(
        "BEGIN; SET LOCAL precog.keep_older_methods = 'on';"
        " UPDATE methods SET status = 'active' WHERE method_version = 'v1.1'; COMMIT"
    )
    assert sql("SELECT count(*) FROM active_methods") == [(2,)]
    sql("UPDATE methods SET status = 'active' WHERE method_version = 'v1.2'")
    assert sql("SELECT method_version FROM active_methods") == [("v1.2",)]


def test_013_for_an_a_b_run_the_older_ones_go_on(proven: Make) -> None:
    proven("v1.0")
    proven("v1.1")
    activate_method("kelly@v1.0")
    assert activate_method("kelly@v1.1", keep_older=True).deprecated == ()
    assert {each.status for each in list_methods()} == {MethodStatus.ACTIVE}


# 014: kept for five years


def _deactivated(sql: Run, ago: str) -> None:
    """As if time had passed: triggers are off for one statement."""
    sql(
        "BEGIN; SET LOCAL session_replication_role = replica;"
        f" UPDATE methods SET deactivated_at = clock_timestamp() - interval '{ago}'; COMMIT"
    )


DELETE_IN_RETENTION = "BEGIN; SET LOCAL precog.retention = 'on'; DELETE FROM methods; COMMIT"


def test_014_a_deprecated_method_is_kept_for_five_years(new_method: Make, sql: Run) -> None:
    new_method()
    deprecate_method("kelly@v1.0")
    _deactivated(sql, "5 years -1 hour")
    for statement in ("DELETE FROM methods", DELETE_IN_RETENTION):
        with refused("is kept; DELETE is refused", "methods_stays_trg"):
            sql(statement)
        sql("ROLLBACK")
    _deactivated(sql, "5 years 1 hour")
    with refused("SET LOCAL precog.retention"):
        sql("DELETE FROM methods")
    sql(DELETE_IN_RETENTION)
    assert sql("SELECT count(*) FROM methods") == [(0,)]


@pytest.mark.parametrize("status", ["testing", "active", "inactive"])
def test_014_what_is_not_deprecated_is_kept_however_old(proven: Make, sql: Run, status: str) -> None:
    proven()
    for step in {"testing": [], "active": ["active"], "inactive": ["active", "inactive"]}[status]:
        sql("UPDATE methods SET status = %s", step)
    if status == "inactive":
        _deactivated(sql, "6 years")
    with refused(f"It is {status}"):
        sql(DELETE_IN_RETENTION)


def test_014_the_five_years_begin_when_it_was_taken_out_of_use(proven: Make, sql: Run) -> None:
    activate_method(proven().method_id)
    inactive = deactivate_method("kelly@v1.0")
    assert deprecate_method("kelly@v1.0").deactivated_at == inactive.deactivated_at


def test_014_a_draft_goes_at_once_unless_something_names_it(new_method: Make, trade: Trade, sql: Run) -> None:
    new_method()
    sql("DELETE FROM methods")
    trade(new_method().method_id)
    with pytest.raises(pg.ForeignKeyViolation, match="trades_method_id_fkey"):
        sql("DELETE FROM methods")


def test_014_methods_are_never_truncated(new_method: Make, sql: Run) -> None:
    new_method()
    with refused("TRUNCATE is refused"):
        sql("BEGIN; SET LOCAL precog.retention = 'on'; TRUNCATE methods CASCADE")
