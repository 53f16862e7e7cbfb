"""Whatever a call says is stored as it was made safe, by whatever connection."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import psycopg2
import psycopg2.extensions
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import precog
from precog import arguments
from precog.domain.alerts import Environment, NewAlert
from precog.store import alerts, calls

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor
on_real_servers = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)

_COLUMNS = (
    *("alert_type", "severity", "category", "component", "message", "details", "source_table", "source_id"),
    *("occurred_at", "fingerprint", "band", "environment", "tags", "request_hash"),
)
_FOREIGN = "Żubr \N{SOCCER BALL} 2:1"
_TRAPS = [
    "null",
    "{}",
    '"',
    "\\",
    "\\u0041",
    "%s %(calls)s %%",
    "$1",
    "'; --",
    "\uffff",
    "\ud800",
    "\0\x01\x1f",
    "1e400",
]
_NUMBERS = [-0.0, 5e-324, 1e308, 2**53, 2**64, -(2**63), Decimal("1e400"), True, None]

texts = st.text(st.characters(), min_size=1) | st.sampled_from(_TRAPS)
names = texts.filter(str.strip)
values = st.recursive(
    texts | st.integers() | st.floats() | st.decimals() | st.sampled_from(_NUMBERS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
)
fields = st.dictionaries(texts, values, max_size=5)
moments = st.builds(
    lambda utc, offset: utc.replace(tzinfo=UTC).astimezone(timezone(offset)),
    st.datetimes(datetime(1970, 1, 1), datetime(2199, 1, 1)),  # noqa: DTZ001 - the strategy takes no other
    st.timedeltas(timedelta(hours=-23, minutes=-59), timedelta(hours=23, minutes=59)),
)
everything_said = st.fixed_dictionaries(
    {"alert_type": names, "severity": st.sampled_from(["critical", "low"]), "component": names, "message": names},
    optional={"category": st.just("risk"), "tags": fields, "occurred_at": moments, "source_table": names},
)


@on_real_servers
@given(said=everything_said, details=fields)
def test_what_is_said_is_stored_whether_it_comes_alone_or_with_others(
    precog_env: pytest.MonkeyPatch, db_cursor: Cursor, said: dict[str, Any], details: dict[str, Any]
) -> None:
    some = [arguments.new_alert(**said, details=details, notify=notify) for notify in (True, False, True)]
    logged = [*calls.log(some[:2], ring=False), *calls.log(some[2:], ring=False)]
    for alert, one in zip(some, logged, strict=True):
        assert _stored(db_cursor, one.alert_id) == _made(alert)


def _stored(cursor: Cursor, alert_id: int) -> dict[str, Any]:
    cursor.execute(f"SELECT {', '.join(_COLUMNS)} FROM alerts WHERE alert_id = %s", (alert_id,))
    [row] = cursor.fetchall()
    return _comparable(dict(zip(_COLUMNS, row, strict=True)))


def _made(alert: NewAlert) -> dict[str, Any]:
    return _comparable({name: getattr(alert, name) for name in _COLUMNS})


def _comparable(columns: dict[str, Any]) -> dict[str, Any]:
    """JSON knows one kind of number."""
    documents = {name: json.loads(json.dumps(columns[name]), parse_int=float) for name in ("details", "tags")}
    return {**columns, **documents}


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "SJIS", "UTF8"])
def test_a_connection_of_the_callers_own_may_speak_any_encoding(
    encoding: str, precog_env: pytest.MonkeyPatch, database_url: str
) -> None:
    with closing(psycopg2.connect(database_url)) as connection, connection:
        connection.set_client_encoding(encoding)
        alert_id = precog.log_alert(
            "score", "low", "feed", _FOREIGN, details={_FOREIGN: _FOREIGN}, connection=connection
        )
    stored = alerts.get(alert_id, Environment.DEMO)
    assert (stored["message"], stored["details"]) == (_FOREIGN, {_FOREIGN: _FOREIGN})


def test_the_encoding_that_the_environment_names_for_other_programs_costs_no_alert(
    precog_env: pytest.MonkeyPatch,
) -> None:
    """libpq takes it for every connection that names none."""
    precog_env.setenv("PGCLIENTENCODING", "LATIN1")
    alert_id = precog.log_alert("score", "low", "feed", _FOREIGN, details={_FOREIGN: _FOREIGN})
    assert [each["message"] for each in alerts.newest(Environment.DEMO)] == [_FOREIGN]
    assert alerts.get(alert_id, Environment.DEMO)["details"] == {_FOREIGN: _FOREIGN}
