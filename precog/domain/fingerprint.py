"""Identities: which alerts are the same trouble, which calls are the same call, which delivery is which."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from precog.domain.alerts import Json
from precog.domain.sanitize import safe_details, safe_text

_LONGEST_BYTES = 1_024
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: Json) -> str:
    """One text for equal values: keys sorted, no spaces, characters as they are."""
    return _CANONICAL.encode(value)


def calculate_fingerprint(alert_type: str, component: str, key_details: Mapping[str, object] | None = None) -> str:
    """The MD5, in hex, under which equal alerts are duplicates of each other."""
    return fingerprint_of(
        safe_text(alert_type, limit_bytes=_LONGEST_BYTES),
        safe_text(component, limit_bytes=_LONGEST_BYTES),
        safe_details(key_details, field="key_details"),
    )


def fingerprint_of(alert_type: str, component: str, key_details: dict[str, Json]) -> str:
    """The same, of what has been made safe already."""
    identity: Json = [alert_type, component, key_details]
    return hashlib.md5(canonical_json(identity).encode(), usedforsecurity=False).hexdigest()


def key_details_of(
    alert_type: str,
    details: Mapping[str, Json],
    *,
    key_details: Mapping[str, object] | None,
    fingerprint_keys: Mapping[str, Sequence[str]],
    source_table: str | None,
    source_id: str | None,
) -> dict[str, Json]:
    """What, besides type and component, tells this trouble from another; the first of these that says anything.

    The caller's own `key_details`; the fields of `details` that the configuration names for this type, where an empty
    list says that nothing tells them apart; the source record; nothing.
    """
    if key_details is not None:
        return safe_details(key_details, field="key_details")
    names = fingerprint_keys.get(alert_type)
    named = {name: details[name] for name in names or () if name in details}
    if named or (names is not None and not names):
        return named
    if source_table is not None and source_id is not None:
        return {"source_table": source_table, "source_id": source_id}
    return {}


def request_hash(arguments: dict[str, Json]) -> str:
    """The SHA-256, in hex, of a call's sanitized arguments: tells a repeated call from another under the same key."""
    return hashlib.sha256(canonical_json(arguments).encode()).hexdigest()


def delivery_id(alert_uuid: UUID, channel: str, recipient: str) -> UUID:
    """Equal to md5(alert_uuid::text || E'\\x1f' || channel || E'\\x1f' || recipient)::uuid in PostgreSQL."""
    identity = f"{alert_uuid}\x1f{channel}\x1f{recipient}"
    return UUID(hashlib.md5(identity.encode(), usedforsecurity=False).hexdigest())
