"""Strange data never costs the alert: whatever a caller puts into it becomes something PostgreSQL and JSON accept.

The walk over `details` goes level by level, so that when room runs out the outer fields are kept and the deep ones
lost, and it is bounded by caps on depth, entries and bytes, whatever the size of the original.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from json.encoder import encode_basestring
from math import isfinite
from typing import Any, NamedTuple, TypeAlias, cast

from precog.domain.alerts import Json
from precog.domain.forms import EXACT_IN_JSON, Fields, Form, Items, form_of, in_order, key_text, type_name
from precog.domain.redact import MASK
from precog.errors import AlertTypeError

MAX_DEPTH = 20
MAX_ENTRIES = 10_000
MAX_BYTES = 65_536
"""Of the compact JSON text in UTF-8."""

_NOTES_BYTES = 6_144
_MOST_NOTES = 16
_KEY_BYTES = 256
_PATH_BYTES = 120
_NOTE_BYTES = 160
_PLAIN_LENGTH, _PLAIN_ENTRIES, _PLAIN_DEPTH = 200, 50, 5
"""Far inside all caps, even where every character is a quotation mark."""
_PLAIN_CONTAINERS = frozenset({dict, list, tuple})
_CONTROL = re.compile("[\x00-\x1f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
# `token` counts at the end only: a token_id names an outcome at Polymarket, a token_count is a number.
_SECRET_NAME = re.compile(
    "passw(or)?d|passphrase|secret|apikey|privatekey|accesskey|signingkey|authorization|credential|mnemonic|seedphrase"
    "|(token|pwd|jwt|cookie)$"
)


def safe_text(value: str, *, limit_bytes: int) -> str:
    """Text that PostgreSQL stores and every channel can encode, in at most `limit_bytes` of UTF-8.

    NUL and lone surrogates become U+FFFD. A longer text is cut between characters and ends in a marker that names its
    length. The time taken depends on the limit, not on the text.
    """
    return _cut(value, limit_bytes)[0]


def safe_details(details: Mapping[str, object] | None, *, field: str = "details") -> dict[str, Json]:
    """`details` as JSON that jsonb accepts, within the caps and with secret-looking fields masked.

    What could not be kept as it was is told inside: `_truncated` (how much was there and is kept, the first place of a
    cut) and `_notes` (a NaN that became null, a mapping that could not be read). Raises `AlertTypeError` naming `field`
    when `details` is no mapping, and nothing else.
    """
    if details is None:
        return {}
    if not issubclass(type(details), Mapping):
        raise AlertTypeError(field, details, "a mapping of field names to values, or None")
    plain = _plain_copy(details)
    return _Walk().over(details) if plain is None else plain


class _NotPlain(Exception):
    pass


def _plain_copy(details: object) -> dict[str, Json] | None:
    """What the walk would make of it, at a quarter of its cost, where all of it is small and plain JSON; else None."""
    try:
        return (
            cast(dict[str, Json], _copied(details, _PLAIN_DEPTH, [_PLAIN_ENTRIES])) if type(details) is dict else None
        )
    except _NotPlain:
        return None


def _copied(value: Any, depth: int, room: list[int]) -> Json:
    kind = type(value)
    if kind not in _PLAIN_CONTAINERS:
        if not _is_plain(value):
            raise _NotPlain
        return cast(Json, value)
    if depth == 0:
        raise _NotPlain
    room[0] -= len(value)
    if room[0] < 0:
        raise _NotPlain
    if kind is dict:
        copy: dict[str, Json] = {}
        for name, each in list(value.items()):  # at once: another thread may change it meanwhile
            if type(name) is not str or not _is_plain_name(name):
                raise _NotPlain
            copy[name] = _copied(each, depth - 1, room)
        return copy
    return [_copied(each, depth - 1, room) for each in tuple(value)]


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is str:
        return bool(len(value) <= _PLAIN_LENGTH and value.isascii() and value.isprintable())
    if kind is int:
        return bool(-EXACT_IN_JSON <= value <= EXACT_IN_JSON)
    if kind is float:
        return isfinite(value)
    return value is None or kind is bool


@lru_cache(maxsize=4_096)
def _is_plain_name(name: str) -> bool:
    return _is_plain(name) and not is_secret_name(name)


@lru_cache(maxsize=4_096)
def is_secret_name(name: str) -> bool:
    """Whether a field of this name is likely to hold a secret, in any spelling: `API-Key`, `apiKey`, `api_key`."""
    return _SECRET_NAME.search(re.sub("[^a-z0-9]", "", name.lower())) is not None


def _cut(text: str, limit_bytes: int) -> tuple[str, bool]:
    """The safe text, and whether it had to be cut."""
    kept = text[:limit_bytes]
    if not kept.isascii():
        kept = _without_lone_surrogates(kept)
    kept = kept.replace("\0", "\ufffd")
    if len(text) <= limit_bytes and (kept.isascii() or len(kept.encode()) <= limit_bytes):
        return kept, False
    marker = f"… [cut from {len(text)} characters]"
    room = max(limit_bytes - len(marker.encode()), 0)
    return _first_bytes(kept, room) + _first_bytes(marker, limit_bytes), True


def _without_lone_surrogates(text: str) -> str:
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")  # a pair becomes its character


def _first_bytes(text: str, limit: int) -> str:
    return text.encode()[:limit].decode(errors="ignore")


def _json_bytes(value: Json) -> int:
    if type(value) is str:
        shown = encode_basestring(value)
        return len(shown) if shown.isascii() else len(shown.encode())
    return len(repr(value)) + 1  # True and None are as long as true and null; an empty {} or [] is 2


_Target: TypeAlias = "dict[str, Json] | list[Json]"


class _Place(NamedTuple):
    """A container on the walk: where it came from and the empty JSON container that takes its entries."""

    origin: object
    content: Fields | Items
    target: _Target
    name: str | int
    parent: "_Place | None"
    depth: int

    def path(self, *more: str | int) -> str:
        """Where this is, or an entry of it, as in `orders[3].price`."""
        names, place = list(reversed(more)), self
        while place.parent is not None:
            names.append(place.name)
            place = place.parent
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in reversed(names))
        path = "".join(steps).removeprefix(".") or "details"
        return safe_text(_CONTROL.sub(" ", path), limit_bytes=_PATH_BYTES)

    def is_inside(self, value: object) -> bool:
        place: _Place | None = self
        while place is not None:
            if place.origin is value:
                return True
            place = place.parent
        return False


class _Walk:
    """One walk over one `details`: what is left of the caps, and what there is to tell."""

    def __init__(self) -> None:
        self._waiting: deque[_Place] = deque()
        self._bytes_left = MAX_BYTES - _NOTES_BYTES
        self._entries_left = MAX_ENTRIES
        self._entries_seen = 0
        self._entries_kept = 0
        self._texts_cut = 0
        self._first_cut: str | None = None
        self._notes: list[str] = []

    def over(self, details: Mapping[str, object]) -> dict[str, Json]:
        result: dict[str, Json] = {}
        form = form_of(details)
        if isinstance(form, Fields):
            self._waiting.append(_Place(details, form, result, "", None, 1))
        else:  # its len() or items() raised
            self._notes.append(f"details: {type_name(details)} could not be read")
        while self._waiting:
            self._fill(self._waiting.popleft())
        self._tell(result)
        return result

    def _fill(self, place: _Place) -> None:
        kept = 0
        for name, value in self._entries(place):
            form = form_of(value)
            plain = self._plain(form, value, name, place)
            if not self._put(plain, name, place.target):
                break
            kept += 1
            if isinstance(form, tuple) and not isinstance(plain, str):
                self._waiting.append(_Place(value, form, cast("_Target", plain), name, place, place.depth + 1))
        self._entries_seen += place.content.size
        self._entries_kept += kept
        if kept < place.content.size:
            self._cut_at(place)

    def _entries(self, place: _Place) -> Iterable[tuple[str | int, object]]:
        """Read at once, so that another thread cannot change the container meanwhile; named as they are taken."""
        content = place.content
        read: list[Any]
        try:
            if isinstance(content, Fields):
                read = list(islice(content.pairs, self._entries_left))
                texts = {key for key, _ in read if type(key) is str}
            else:
                read = list(islice(content.values, self._entries_left))
        except Exception:  # noqa: BLE001  a stranger's iterator may raise anything
            self._note(f"{type_name(place.origin)} could not be read", place)
            return ()
        self._entries_left -= len(read)
        if isinstance(content, Fields):
            return _named(read, texts)
        return enumerate(in_order(read) if content.unordered else read)

    def _plain(self, form: Form, value: object, name: str | int, place: _Place) -> Json:
        """The form, made to fit; a container is still empty."""
        if isinstance(form, str):
            return self._text(form, name, place)
        if isinstance(form, tuple):
            return self._container(value, form, name, place)
        if isinstance(form, float) and not isfinite(form):
            self._note(f"{form} became null", place, name)
            return None
        return form

    def _text(self, text: str, name: str | int, place: _Place) -> str:
        """One text takes at most half of the room left, so that it pushes nothing small out."""
        limit = self._bytes_left // 2
        safe, cut = _cut(text, limit)
        if len(safe) > limit // 6 and _json_bytes(safe) > 2 * limit:
            safe, cut = _cut(text, limit // 6)  # a control character is six bytes of JSON
        if cut:
            self._texts_cut += 1
            self._cut_at(place, name)
        return safe

    def _container(self, value: object, form: Fields | Items, name: str | int, place: _Place) -> Json:
        if place.is_inside(value):
            return "<circular reference>"
        if place.depth == MAX_DEPTH and form.size:
            self._entries_seen += form.size
            self._cut_at(place, name)
            return f"<{type_name(value)} of {form.size}, deeper than {MAX_DEPTH}>"
        return {} if isinstance(form, Fields) else []

    def _put(self, plain: Json, name: str | int, target: _Target) -> bool:
        """Add the entry if there is room for it."""
        cost = _json_bytes(plain) + 2  # a comma and a colon
        if isinstance(target, dict):
            cost += _json_bytes(name)
        if cost > self._bytes_left:
            return False
        self._bytes_left -= cost
        if isinstance(target, dict):
            target[str(name)] = plain
        else:
            target.append(plain)
        return True

    def _cut_at(self, place: _Place, *name: str | int) -> None:
        if self._first_cut is None:
            self._first_cut = place.path(*name)

    def _note(self, text: str, place: _Place, *name: str | int) -> None:
        if len(self._notes) < _MOST_NOTES:
            self._notes.append(safe_text(f"{place.path(*name)}: {text}", limit_bytes=_NOTE_BYTES))
        elif len(self._notes) == _MOST_NOTES:
            self._notes.append("there are more")

    def _tell(self, result: dict[str, Json]) -> None:
        if self._first_cut is not None:
            result[_free("_truncated", result)] = {
                "entries": self._entries_seen,
                "entries_kept": self._entries_kept,
                "texts_cut": self._texts_cut,
                "first_cut": self._first_cut,
            }
        if self._notes:
            result[_free("_notes", result)] = list[Json](self._notes)


def _free(name: str, result: Mapping[str, Json]) -> str:
    while name in result:
        name = f"_{name}"
    return name


def _named(pairs: list[tuple[object, object]], texts: set[str]) -> Iterator[tuple[str, object]]:
    """Each entry under a name of its own, secrets masked.

    A text keeps its name; a key of another kind that reads like one of `texts` gets its type added, and whatever then
    still reads the same a number.
    """
    taken: set[str] = set()
    repeats: dict[str, int] = {}
    for key, value in pairs:
        name = first = _name(key, texts)
        while name in taken:
            repeats[first] = repeats.get(first, 1) + 1
            name = f"{first} #{repeats[first]}"
        taken.add(name)
        yield name, MASK if is_secret_name(name) and value is not None and type(value) is not bool else value


def _name(key: object, texts: set[str]) -> str:
    if type(key) is str:
        return safe_text(key, limit_bytes=_KEY_BYTES)
    name = safe_text(key_text(key), limit_bytes=_KEY_BYTES)
    return f"{name} ({type_name(key)})" if name in texts else name
