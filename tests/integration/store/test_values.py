"""What Precog reads from PostgreSQL is what psycopg2 itself reads, value by value."""

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import psycopg2.extensions
import pytest
from psycopg2.extras import RealDictCursor

import precog
from precog.domain.alerts import Environment, Severity
from precog.domain.deliveries import AttemptOutcome, DeliveryStatus
from precog.store import alerts
from precog.store.connection import Connection, connect

pytestmark = pytest.mark.integration

PlainConnection = psycopg2.extensions.connection


@pytest.fixture
def ours(database_url: str) -> Iterator[Connection]:
    with closing(connect(database_url)) as connection:
        yield connection


@pytest.fixture
def plain(database_url: str) -> Iterator[PlainConnection]:
    with closing(psycopg2.connect(database_url, options="-c timezone=UTC")) as connection:
        connection.autocommit = True
        yield connection


@pytest.mark.parametrize(
    "expression",
    [
        "NULL::timestamptz",
        "'2026-11-27 10:00:00+00'::timestamptz",
        "'2026-11-27 10:00:00.5+00'::timestamptz",
        "'2026-11-27 10:00:00.12345+02'::timestamptz",
        "'1850-01-01 00:00:00+00'::timestamptz",
        "'9998-12-31 23:59:59.999999+00'::timestamptz",
        "'infinity'::timestamptz",
        "ARRAY['2026-11-27 10:00:00.5+00', NULL]::timestamptz[]",
        "NULL::jsonb",
        "'null'::jsonb",
        "'{}'::jsonb",
        '\'[1, {"a": [null, true, "\\u00e4\\n"]}]\'::jsonb',
        "'\"text\"'::jsonb",
        "'1.50'::jsonb",
        "'12345678901234567890'::jsonb",
        "'1e400'::jsonb",
        "ARRAY['{\"a\": 1}', NULL]::jsonb[]",
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Africa/Monrovia"])
def test_a_value_is_the_same(expression: str, zone: str, ours: Connection, plain: PlainConnection) -> None:
    """Monrovia's clock went 43 minutes and 8 seconds after London's in 1850."""
    assert repr(_read(ours, expression, zone)) == repr(_read(plain, expression, zone))


def _read(connection: PlainConnection, expression: str, zone: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('timezone', %s, false)", (zone,))
        cursor.execute(f"SELECT {expression}")
        return cursor.fetchall()


def test_a_time_that_python_cannot_hold_is_refused_as_psycopg2_refuses_it(
    ours: Connection, plain: PlainConnection
) -> None:
    said = set()
    for connection in (ours, plain):
        with pytest.raises(ValueError, match="year") as caught:
            _read(connection, "'0044-03-15 12:00:00+00 BC'::timestamptz", "UTC")
        said.add(str(caught.value))
    assert len(said) == 1


def test_a_list_shows_each_alert_as_it_is_stored(precog_env: pytest.MonkeyPatch, plain: PlainConnection) -> None:
    _, told, _ = [
        precog.log_alert("rapid_loss", "high", "risk", "Lost 200", details={"loss": "200.5", "by": [1, None, {}]})
        for _ in range(3)
    ]
    precog.log_alert("api_failures", "low", "kalshi_api", "boom", source_table="trades", source_id="7")
    alerts.update(told, Environment.DEMO, tags={"desk": "nfl"}, notification_errors={"sms": "refused"})
    precog.acknowledge_alert(told, "ann", "on it")
    precog.resolve_alert(told, "ann", "fixed", "done")

    with plain.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute("SELECT * FROM alert_records ORDER BY triggered_at DESC, alert_id DESC")
        stored = [dict(row) for row in cursor.fetchall()]
    listed = alerts.newest(Environment.DEMO, duplicates=True)

    assert len(stored) == 4
    assert [repr(each) for each in listed] == [repr(each) for each in stored]
    assert [repr(alerts.get(each["alert_id"], Environment.DEMO)) for each in listed] == [repr(each) for each in stored]


def test_an_enum_is_written_as_its_text(ours: Connection, plain: PlainConnection) -> None:
    for each in (Environment.DEMO, Severity.HIGH, DeliveryStatus.SENT, AttemptOutcome.ACCEPTED):
        with ours.cursor() as cursor, plain.cursor() as bare:
            assert cursor.mogrify("%s", [each]) == bare.mogrify("%s", [each.value])
