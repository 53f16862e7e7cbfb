"""How each kind of Python value looks in JSON: a number or a text where it can be one, else its fields or its items.

Only the form is decided here; texts may still be too long or hold what PostgreSQL refuses (`sanitize` sees to that).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set, ValuesView
from dataclasses import fields, is_dataclass
from datetime import date, time
from decimal import Decimal
from enum import Enum
from functools import lru_cache, singledispatch
from math import nan
from typing import NamedTuple, TypeAlias

EXACT_IN_JSON = 2**53
"""Integers up to here survive every JSON reader; larger ones travel as text."""

_LONGEST_BYTES = 32_768
_LONGEST_TYPE_NAME = 100
_MOST_BITS_IN_DECIMAL = 2_000
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_name_of_type = type.__dict__["__name__"].__get__  # past any metaclass that answers for itself


class Fields(NamedTuple):
    """A value with named parts. The pairs are read only when the walk comes to them."""

    pairs: Iterable[tuple[object, object]]
    size: int


class Items(NamedTuple):
    """A value with parts in a row."""

    values: Iterable[object]
    size: int
    unordered: bool = False


Scalar: TypeAlias = bool | int | float | str | None
Form: TypeAlias = Scalar | Fields | Items


def type_name(value: object) -> str:
    return str(_name_of_type(type(value)))[:_LONGEST_TYPE_NAME]


def form_of(value: object) -> Form:
    """The JSON form of any object. A float may still be NaN or infinite. Never raises."""
    if type(value) in _AS_THEY_ARE:
        return value  # type: ignore[return-value]
    try:
        return _reader(type(value))(value)
    except Exception:  # noqa: BLE001  a stranger's __str__ may raise anything
        return f"<unprintable {type_name(value)}>"


def key_text(key: object) -> str:
    """The name of a key in a JSON object; a tuple shows its parts, as `(KXBTC, 2)`."""
    if isinstance(key, tuple):
        return f"({', '.join(_part_text(part) for part in key[:16])})"
    return _part_text(key)


def in_order(items: list[object]) -> list[object]:
    """The items of a set in an order that is the same in every process: by number or text, mixed kinds by text."""
    kinds = {type(item) for item in items}
    if kinds in ({int}, {str}):
        return sorted(items)  # type: ignore[type-var]
    return sorted(items, key=lambda item: (type_name(item), key_text(item)))


def _part_text(part: object) -> str:
    form = form_of(part)
    if isinstance(form, (Fields, Items)):
        return f"<{type_name(part)} of {form.size}>"
    if form is None or isinstance(form, bool):
        return {None: "null", True: "true", False: "false"}[form]
    return str(form)


@singledispatch
def _form(value: object) -> Form:
    if is_dataclass(value) and not isinstance(value, type):
        return Fields(_attributes(value), len(fields(value)))
    return _ADDRESS.sub("", str(value))  # an address would make two equal alerts look different


_AS_THEY_ARE = frozenset({str, bool, float, type(None)})
_reader: Callable[[type], Callable[[object], Form]] = lru_cache(maxsize=512)(_form.dispatch)


def _attributes(value: object) -> Iterator[tuple[object, object]]:
    for field in fields(value):  # type: ignore[arg-type]
        yield field.name, getattr(value, field.name, None)


@_form.register
def _(value: str) -> str:
    return str.__str__(value)


@_form.register
def _(value: int) -> int | str:
    number = int.__int__(value)
    if -EXACT_IN_JSON <= number <= EXACT_IN_JSON:
        return number
    # Python refuses to print thousands of digits in decimal, and is slow before it refuses.
    return str(number) if number.bit_length() <= _MOST_BITS_IN_DECIMAL else hex(number)


@_form.register
def _(value: float) -> float:
    return float.__float__(value)


@_form.register
def _(value: Decimal) -> str | float:
    if value.is_finite():
        return str(value)
    return nan if value.is_nan() else float(value)


@_form.register(date)
@_form.register(time)
def _(value: date | time) -> str:
    return value.isoformat()


@_form.register
def _(value: Enum) -> str:
    return value.value if isinstance(value.value, str) else value.name


@_form.register(bytes)
@_form.register(bytearray)
@_form.register(memoryview)
def _(value: bytes | bytearray | memoryview) -> str:
    shown = repr(bytes(value[:_LONGEST_BYTES]))
    return shown if len(value) <= _LONGEST_BYTES else f"{shown}… [cut from {len(value)} bytes]"


@_form.register
def _(value: BaseException) -> str:
    return f"{type_name(value)}: {value}"


@_form.register
def _(value: Mapping) -> Fields:  # type: ignore[type-arg]
    return Fields(value.items(), len(value))


@_form.register(Sequence)
@_form.register(ValuesView)
def _(value: Sequence[object] | ValuesView[object]) -> Items:
    return Items(value, len(value))


@_form.register
def _(value: Set) -> Items:  # type: ignore[type-arg]
    return Items(value, len(value), unordered=True)
