"""What Python makes safe, PostgreSQL takes; what both compute comes out the same."""

import json
import math
from uuid import UUID

import psycopg2.extensions
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from precog.domain.fingerprint import canonical_json, delivery_id
from precog.domain.sanitize import safe_details, safe_text

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor
_one_database = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

_text = st.text(st.characters(codec=None), max_size=20)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | _text | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text | st.integers(), inner, max_size=4),
    max_leaves=10,
)


@_one_database
@given(details=st.dictionaries(_text, _values, max_size=5))
def test_jsonb_takes_whatever_the_sanitizer_gives_and_gives_it_back(
    db_cursor: Cursor, details: dict[str, object]
) -> None:
    text = canonical_json(safe_details(details))
    db_cursor.execute("SELECT (%s::jsonb)::text", (text,))
    (stored,) = db_cursor.fetchone() or ("",)
    assert json.loads(stored, parse_int=float) == json.loads(text, parse_int=float)  # jsonb writes 1e16 out in full


@pytest.mark.parametrize(
    "details",
    [
        {"n": 10**200_000, "f": 1.7e308, "tiny": 5e-324, "nan": math.nan},
        {"x" * 100_000: "y" * 10_000_000},
        {f"k{number}": ["\0\ud800"] * 3 for number in range(100_000)},
    ],
)
def test_jsonb_takes_the_extremes(db_cursor: Cursor, details: dict[str, object]) -> None:
    db_cursor.execute("SELECT %s::jsonb IS NOT NULL", (canonical_json(safe_details(details)),))
    assert db_cursor.fetchone() == (True,)


@_one_database
@given(alert=st.uuids(), channel=st.sampled_from(["email", "sms"]), recipient=_text)
def test_both_sides_compute_the_same_delivery_id(db_cursor: Cursor, alert: UUID, channel: str, recipient: str) -> None:
    recipient = safe_text(recipient, limit_bytes=200)
    db_cursor.execute(
        r"SELECT md5(%s::uuid::text || E'\x1f' || %s || E'\x1f' || %s)::uuid::text", (str(alert), channel, recipient)
    )
    assert db_cursor.fetchone() == (str(delivery_id(alert, channel, recipient)),)
