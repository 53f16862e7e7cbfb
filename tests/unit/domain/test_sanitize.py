"""Whatever a caller puts into an alert, what comes out can be stored, sent and read."""

import json
import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.domain.alerts import Json, Severity
from precog.domain.sanitize import MAX_BYTES, MAX_DEPTH, MAX_ENTRIES, is_secret_name, safe_details, safe_text
from precog.errors import AlertTypeError

pytestmark = pytest.mark.unit


class Side(Enum):
    YES = 1


class Step(IntEnum):
    SECOND = 2


@dataclass
class Order:
    market: str
    price: Decimal
    api_key: str


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


class Speechless:
    def __str__(self) -> str:
        raise RuntimeError


class Broken(Mapping[str, object]):
    def __getitem__(self, key: str) -> object:
        raise OSError

    def __iter__(self) -> Iterator[str]:
        raise OSError

    def __len__(self) -> int:
        return 3


class Pretender:
    @property  # type: ignore[misc]
    def __class__(self) -> type:
        raise RuntimeError


def as_json(details: Mapping[str, object]) -> str:
    return json.dumps(safe_details(details), allow_nan=False, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("text", "text"),
        (None, None),
        (True, True),
        (12, 12),
        (0.25, 0.25),
        (Decimal("0.1000"), "0.1000"),
        (Decimal("1E-10"), "1E-10"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (b"\x00ab", "b'\\x00ab'"),
        ({"b", "a"}, ["a", "b"]),
        (frozenset({10, 9}), [9, 10]),
        ({10, "b", 9, "a"}, [10, 9, "a", "b"]),
        ((1, "x"), [1, "x"]),
        (deque([1]), [1]),
        (range(3), [0, 1, 2]),
        ({"a": 1}.keys(), ["a"]),
        ({"a": 1}.values(), [1]),
        (Severity.HIGH, "high"),
        (Side.YES, "YES"),
        (Step.SECOND, 2),
        (Path("/var/log/x"), "/var/log/x"),
        (ValueError("no such market"), "ValueError: no such market"),
        (Order("KXBTC", Decimal("0.55"), "k-1"), {"market": "KXBTC", "price": "0.55", "api_key": "***"}),
        (Unprintable(), "<unprintable Unprintable>"),
        (2**53, 2**53),
        (2**53 + 1, "9007199254740993"),
        (-(2**64), "-18446744073709551616"),
    ],
)
def test_each_kind_of_value_has_an_exact_form(value: object, stored: Json) -> None:
    result = safe_details({"value": value})
    if isinstance(value, Broken):
        assert result == {
            "value": {},
            "_truncated": result["_truncated"],
            "_notes": ["value: Broken could not be read"],
        }
    else:
        assert result == {"value": stored}


def test_an_object_shows_no_address_because_equal_alerts_must_look_equal() -> None:
    assert safe_details({"x": object()}) == safe_details({"x": object()}) == {"x": "<object object>"}


@pytest.mark.parametrize(
    "number", [math.nan, math.inf, -math.inf, Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity")]
)
def test_a_number_json_has_no_word_for_becomes_null_with_a_note(number: object) -> None:
    result = safe_details({"pnl": {"ratios": [1, number]}})
    assert result["pnl"] == {"ratios": [1, None]}
    assert str(result["_notes"]).startswith("['pnl.ratios[1]: ")


def test_an_integer_of_200_000_digits_is_text_and_quick() -> None:
    assert str(safe_details({"n": 10**200_000})["n"]).startswith("0x")


def test_nul_and_lone_surrogates_are_replaced_in_names_and_values() -> None:
    assert safe_details({"a\0\ud800": "x\0\udfff"}) == {"a\ufffd\ufffd": "x\ufffd\ufffd"}


def test_two_halves_of_a_character_become_the_character() -> None:
    assert safe_text("\ud83d\ude00", limit_bytes=10) == "😀"


def test_a_long_text_is_cut_between_characters_and_names_its_length() -> None:
    text = safe_text("é" * 10_000_000, limit_bytes=101)
    assert text == "é" * 33 + "… [cut from 10000000 characters]"
    assert len(text.encode()) <= 101


@given(st.text(st.characters(codec=None), max_size=200), st.integers(0, 300))
def test_safe_text_always_encodes_within_its_limit(text: str, limit: int) -> None:
    safe = safe_text(text, limit_bytes=limit)
    assert len(safe.encode()) <= limit
    assert "\0" not in safe


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert safe_text(text, limit_bytes=10_000) == text


def test_keys_that_read_the_same_are_kept_apart() -> None:
    assert safe_details({1: "number", "1": "text", "1 (int)": "sly"}) == {  # type: ignore[dict-item]
        "1 (int)": "number",
        "1": "text",
        "1 (int) #2": "sly",
    }
    assert safe_details({(1, "a"): 1, None: 2, True: 3, 1.5: 4}) == {"(1, a)": 1, "null": 2, "true": 3, "1.5": 4}  # type: ignore[dict-item]


def test_long_keys_with_one_beginning_are_all_named() -> None:
    assert len(safe_details({"k" * 300 + str(number): None for number in range(100)})) == 100


@pytest.mark.parametrize(
    "name",
    ["password", "DB_PASSWORD", "passwd", "client-secret", "API Key", "apiKey", "x_api_key_id", "Authorization",
     "token", "access_token", "privateKey", "proxy-authorization", "aws_credentials", "seed phrase",
     "password_hash", "jwt"],
)  # fmt: skip
def test_a_secret_looking_field_is_masked_wherever_it_lies(name: str) -> None:
    assert safe_details({"a": [{name: "hunter2"}], name: {"inner": "hunter2"}}) == {"a": [{name: "***"}], name: "***"}


@pytest.mark.parametrize(
    "name", ["token_id", "token_count", "tokens", "market", "pass_rate", "key", "author", "cookies_total"]
)
def test_a_field_of_the_trade_is_not_taken_for_a_secret(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize("value", [None, True, False])
def test_whether_a_secret_is_set_is_no_secret(value: object) -> None:
    assert safe_details({"password": value}) == {"password": value}


def test_a_cycle_ends_in_a_placeholder_and_a_shared_value_does_not() -> None:
    shared = {"x": 1}
    circular: dict[str, object] = {"one": shared, "two": shared}
    circular["me"] = [circular]
    assert safe_details(circular) == {"one": {"x": 1}, "two": {"x": 1}, "me": ["<circular reference>"]}


def test_depth_beyond_the_cap_is_cut_with_a_marker_and_without_a_look_below_it() -> None:
    read: list[int] = []
    result = safe_details(_Bottomless(read, depth=1))
    assert len(read) == 20
    assert "<_Bottomless of 1, deeper than 20>" in json.dumps(result)
    assert result["_truncated"] == {"entries": 21, "entries_kept": 20, "texts_cut": 0, "first_cut": ".".join("a" * 20)}


def test_a_mapping_that_is_deeper_than_the_stack_costs_no_alert() -> None:
    deep: dict[str, object] = {}
    inner = deep
    for _ in range(50_000):
        inner["a"] = inner = {}
    assert "<dict of 1, deeper than 20>" in json.dumps(safe_details(deep))


def test_of_a_million_keys_no_more_than_the_cap_are_read_and_their_number_is_told() -> None:
    million = _Counting({f"k{number}": number for number in range(1_000_000)})
    truncated = safe_details(million)["_truncated"]
    assert isinstance(truncated, dict)
    assert truncated["entries"] == 1_000_000
    assert million.read <= MAX_ENTRIES


class _Bottomless(Mapping[str, object]):
    """Holds another of its kind, without end; notes each that is read."""

    def __init__(self, read: list[int], depth: int) -> None:
        self._read, self._depth = read, depth

    def __getitem__(self, key: str) -> object:
        self._read.append(self._depth)
        return _Bottomless(self._read, self._depth + 1)

    def __iter__(self) -> Iterator[str]:
        return iter("a")

    def __len__(self) -> int:
        return 1


class _Counting(Mapping[str, object]):
    """Counts the entries that are read of it."""

    def __init__(self, entries: Mapping[str, object]) -> None:
        self._entries, self.read = entries, 0

    def __getitem__(self, key: str) -> object:
        self.read += 1
        return self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def test_one_giant_text_pushes_no_small_field_out() -> None:
    result = safe_details({"log": "x" * 10_000_000, "market": "KXBTC", "inner": {"log": "y" * 10_000_000, "id": 7}})
    assert result["market"] == "KXBTC"
    assert isinstance(result["inner"], dict)
    assert result["inner"]["id"] == 7
    assert str(result["log"]).endswith("… [cut from 10000000 characters]")
    assert result["_truncated"] == {"entries": 5, "entries_kept": 5, "texts_cut": 2, "first_cut": "log"}


def test_outer_fields_are_kept_before_deep_ones() -> None:
    result = safe_details({"market": {"id": 7}, "book": {"orders": [["x" * 50] * 20] * 1_000}})
    assert result["market"] == {"id": 7}
    assert "_truncated" in result


@pytest.mark.parametrize("character", ["\x01", "\n", "é", "😀", '"'])
def test_the_byte_cap_holds_whatever_the_characters(character: str) -> None:
    details = {f"{character}{number}": [character * 50_000] * 3 for number in range(500)}
    assert len(as_json(details).encode()) <= MAX_BYTES


def test_the_byte_cap_holds_for_notes_too() -> None:
    details = {'\x01"\\' * 50 + str(number): [math.nan, "x" * 60_000] for number in range(500)}
    assert len(as_json(details).encode()) <= MAX_BYTES
    assert safe_details(details)["_notes"][-1] == "there are more"  # type: ignore[index]


def test_a_key_that_finds_no_room_is_not_even_named() -> None:
    named: list[int] = []
    result = safe_details({_LongKey(named, number): number for number in range(MAX_ENTRIES)})  # type: ignore[misc]
    kept = len(result) - 1
    assert 0 < kept < 300
    assert len(named) == kept + 1


class _LongKey:
    """Notes each time that its name is made."""

    def __init__(self, named: list[int], number: int) -> None:
        self._named, self._number = named, number

    def __str__(self) -> str:
        self._named.append(self._number)
        return "é" * 300 + str(self._number)


def test_a_field_named_like_a_marker_is_kept_beside_the_marker() -> None:
    result = safe_details({"_notes": "mine", "pnl": math.nan})
    assert result == {"_notes": "mine", "pnl": None, "__notes": ["pnl: nan became null"]}


@pytest.mark.parametrize("details", [["a"], "text", 3, Unprintable()])
def test_details_that_are_no_mapping_are_the_callers_mistake(details: object) -> None:
    with pytest.raises(AlertTypeError, match="details: expected a mapping"):
        safe_details(details)  # type: ignore[arg-type]


def test_details_that_cannot_be_read_do_not_cost_the_alert() -> None:
    assert safe_details(Broken())["_notes"] == ["details: Broken could not be read"]
    inside = safe_details({"inner": Broken(), "market": "KXBTC"})
    assert inside["market"] == "KXBTC"
    assert inside["_notes"] == ["inner: Broken could not be read"]


def test_an_object_that_hides_its_class_is_named() -> None:
    assert safe_details({"x": Pretender()}) == {"x": "<unprintable Pretender>"}


_scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text(st.characters(codec=None))
    | st.binary() | st.datetimes() | st.uuids() | st.timedeltas()
    | st.sampled_from([*Severity, Side.YES, Speechless(), Broken()])
)  # fmt: skip
_keys = (
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec=None)) | st.tuples(st.integers(), st.text())
)
_anything = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner) | st.dictionaries(_keys, inner) | st.tuples(inner, inner) | st.sets(st.integers() | st.text())
    ),
    max_leaves=15,
)


def _depth(value: Json) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0) if isinstance(value, dict | list) else 0


@given(st.dictionaries(_keys, _anything, max_size=8))
def test_anything_becomes_json_within_the_caps_and_stays_as_it_is(details: dict[str, object]) -> None:
    result = safe_details(details)
    text = as_json(details)
    assert json.loads(text) == result
    assert len(text.encode()) <= MAX_BYTES
    assert "\0" not in text
    assert _depth(result) <= MAX_DEPTH + 1
    assert len(result) <= MAX_ENTRIES + 2
    if "_truncated" not in result:
        assert len(result) - ("_notes" in result) == len(details)
        assert safe_details(result) == result
