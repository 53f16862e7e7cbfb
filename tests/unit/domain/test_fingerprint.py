"""Equal trouble has one identity, other trouble another, in every process and in the database."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.domain.alerts import Json
from precog.domain.fingerprint import calculate_fingerprint, canonical_json, delivery_id, key_details_of, request_hash
from precog.errors import AlertTypeError

pytestmark = pytest.mark.unit

_KEYS = {"trade_failure": ("market", "strategy"), "health_degraded": ()}


def _key_details(
    details: dict[str, Json],
    key_details: dict[str, object] | None = None,
    source: tuple[str | None, str | None] = ("trades", "7"),
    alert_type: str = "trade_failure",
) -> dict[str, Json]:
    return key_details_of(
        alert_type,
        details,
        key_details=key_details,
        fingerprint_keys=_KEYS,
        source_table=source[0],
        source_id=source[1],
    )


def test_canonical_json_sorts_and_wastes_nothing() -> None:
    assert canonical_json({"b": [1, "é"], "a": None}) == '{"a":null,"b":[1,"é"]}'


def test_the_fingerprint_is_the_md5_of_the_canonical_json() -> None:
    # printf '["trade_failure","executor",{"market":"KXBTC","price":"0.5500"}]' | md5sum
    key_details = {"price": Decimal("0.5500"), "market": "KXBTC"}
    assert calculate_fingerprint("trade_failure", "executor", key_details) == "e823cece17289f5a493b1343c18707b1"


def test_no_key_details_and_empty_key_details_are_the_same() -> None:
    assert (
        calculate_fingerprint("a", "b") == calculate_fingerprint("a", "b", None) == calculate_fingerprint("a", "b", {})
    )


@given(st.dictionaries(st.text(), st.integers() | st.text(), min_size=2))
def test_the_order_of_the_key_details_does_not_matter(key_details: dict[str, object]) -> None:
    turned = dict(reversed(key_details.items()))
    assert calculate_fingerprint("a", "b", key_details) == calculate_fingerprint("a", "b", turned)


def test_what_moves_from_one_part_to_the_next_is_another_alert() -> None:
    assert calculate_fingerprint("ab", "c") != calculate_fingerprint("a", "bc")


def test_strange_key_details_still_have_a_fingerprint() -> None:
    assert len(calculate_fingerprint("a\0", "b\ud800", {"x": float("nan")})) == 32


def test_key_details_that_are_no_mapping_are_named_in_the_error() -> None:
    with pytest.raises(AlertTypeError, match="key_details: expected a mapping"):
        calculate_fingerprint("a", "b", ["market"])  # type: ignore[arg-type]


def test_the_callers_key_details_come_first_even_when_empty() -> None:
    assert _key_details({"market": "A"}, {"side": "yes"}) == {"side": "yes"}
    assert _key_details({"market": "A"}, {}) == {}


def test_then_the_fields_the_configuration_names() -> None:
    assert _key_details({"market": "A", "strategy": "S", "price": "1"}) == {"market": "A", "strategy": "S"}
    assert _key_details({"market": "A", "price": "1"}) == {"market": "A"}


def test_a_type_without_key_fields_is_one_trouble_for_each_component_whatever_its_records() -> None:
    assert _key_details({"market": "A"}, alert_type="health_degraded") == {}


def test_then_the_source_record_and_then_nothing() -> None:
    source: dict[str, Json] = {"source_table": "trades", "source_id": "7"}
    assert _key_details({"price": "1"}) == source
    assert _key_details({"market": "A"}, alert_type="other") == source
    assert _key_details({}, source=(None, None)) == {}


def test_a_request_hash_tells_contents_apart_and_not_their_order() -> None:
    assert request_hash({"a": 1, "b": 2}) == request_hash({"b": 2, "a": 1})
    assert request_hash({"a": 1}) != request_hash({"a": "1"})


def test_a_delivery_id_is_what_postgresql_computes() -> None:
    # SELECT md5('00000000-0000-0000-0000-000000000001' || E'\x1f' || 'email' || E'\x1f' || 'é@example.com')::uuid
    assert delivery_id(UUID(int=1), "email", "é@example.com") == UUID("90bf6e5b-6e81-4b06-81e2-fb1368f6c3b5")
