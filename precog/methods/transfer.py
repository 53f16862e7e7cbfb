"""Methods as JSON documents, for backup and for sharing between databases."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from precog.domain.methods import CONFIGS, Config, Method, MethodConfigs, Versioned, canonical_json
from precog.errors import MethodInvalid, MethodRefused, Problem
from precog.methods.configs import configs_of, plain_config
from precog.methods.create import name_problems, named_part
from precog.methods.lifecycle import get_method
from precog.store import methods

SCHEMA_VERSION = 1
"""Of the document. Another one is refused."""

_KEYS: dict[str, type | tuple[type, ...]] = {
    "schema_version": int,
    "method_name": str,
    "method_version": str,
    "strategy": dict,
    "model": dict,
    "configs": dict,
    "config_hash": str,
    "description": (str, type(None)),
    "notes": (str, type(None)),
    "created_by": (str, type(None)),
}
_KINDS: dict[object, str] = {int: "a whole number", str: "a text", dict: "an object"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    method: Method
    created: bool
    """False when it was there already, equal in everything that makes it what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    name: Versioned
    strategy: Versioned
    strategy_hash: str
    model: Versioned
    model_hash: str
    configs: MethodConfigs
    description: str | None
    notes: str | None
    created_by: str | None


def export_method(reference: str | int) -> str:
    """What the method is, as a JSON document with exact numbers; not how it fared. Equal methods give equal documents.

    Strategy and model are named by name and version, with the hash of their own configs. Raises UnknownMethod.
    """
    method = get_method(reference)
    document: dict[str, Config] = {
        "schema_version": SCHEMA_VERSION,
        "method_name": method.name.name,
        "method_version": method.name.version,
        "strategy": _part(method.strategy, methods.strategy(method.strategy)),
        "model": _part(method.model, methods.model(method.model)),
        "configs": cast(Config, method.configs.as_json()),
        "config_hash": method.config_hash,
        "description": method.description,
        "notes": method.notes,
        "created_by": method.created_by,
    }
    return canonical_json(document, indent="  ") + "\n"


def _part(name: Versioned, part: methods.Part | None) -> dict[str, Config]:
    assert part is not None, "a foreign key keeps it"
    return {"name": name.name, "version": name.version, "config_hash": part.config_hash}


def import_method(text: str) -> Imported:
    """Store an exported method as a draft: what it earned elsewhere it has to earn here again.

    One that is here already is left as it is. Raises MethodInvalid with everything that is wrong with the document, its
    hash, its strategy and its model; MethodRefused when its name and version are taken by another; StoreError.
    """
    document = _read(text)
    problems: list[Problem] = []
    strategy = named_part("strategy", str(document.strategy), methods.strategy, methods.strategy_names, problems)
    model = named_part("model", str(document.model), methods.model, methods.model_names, problems)
    problems.extend(_differing("strategy", document.strategy, document.strategy_hash, strategy))
    problems.extend(_differing("model", document.model, document.model_hash, model))
    if problems or strategy is None or model is None:
        raise MethodInvalid(problems)
    present = methods.find(document.name)
    if present is None:
        return _stored(document, strategy_id=strategy.part_id, model_id=model.part_id)
    _refuse_another(present, document)
    return Imported(method=present, created=False)


def _differing(kind: str, name: Versioned, exported_hash: str, part: methods.Part | None) -> list[Problem]:
    if part is None or part.config_hash == exported_hash:
        return []
    text = f"{name} has another config here than where the method was exported: {part.config_hash}, not {exported_hash}"
    return [Problem(kind, text)]


def _stored(document: _Document, *, strategy_id: int, model_id: int) -> Imported:
    new = methods.NewMethod(
        name=document.name,
        strategy_id=strategy_id,
        model_id=model_id,
        configs=document.configs,
        description=document.description,
        notes=document.notes,
        created_by=document.created_by,
    )
    return Imported(method=methods.get(methods.add(new)), created=True)


def _refuse_another(present: Method, document: _Document) -> None:
    differing = [
        what
        for what, here, there in (
            ("strategy", present.strategy, document.strategy),
            ("model", present.model, document.model),
            ("configs", present.config_hash, document.configs.hash),
        )
        if here != there
    ]
    if differing:
        raise MethodRefused(
            f"{present.name} is here already with another {' and '.join(differing)}; "
            f"a version never changes: import it under a new method_version"
        )


def _read(text: str) -> _Document:
    """The document as a value. Raises MethodInvalid with everything that is wrong with it."""
    document = _object(text)
    problems = _shape_problems(document)
    plain_config(document, "", problems)
    if problems:
        raise MethodInvalid(problems)
    read = _Document(
        name=Versioned(document["method_name"], document["method_version"]),
        strategy=Versioned(document["strategy"]["name"], document["strategy"]["version"]),
        strategy_hash=document["strategy"]["config_hash"],
        model=Versioned(document["model"]["name"], document["model"]["version"]),
        model_hash=document["model"]["config_hash"],
        configs=configs_of(document["configs"]),
        description=document["description"],
        notes=document["notes"],
        created_by=document["created_by"],
    )
    problems.extend(name_problems(read.name))
    if not problems and read.configs.hash != document["config_hash"]:
        told = f"{document['config_hash']} is not the hash of these configs, {read.configs.hash}"
        problems.append(Problem("config_hash", f"{told}: the document was changed since its export"))
    if problems:
        raise MethodInvalid(problems)
    return read


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(
            text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_without_repeats
        )
    except (ValueError, RecursionError) as error:
        raise MethodInvalid([Problem("document", f"is not the JSON that an export writes: {error}")]) from error
    if not isinstance(value, dict):
        raise MethodInvalid([Problem("document", "must be a JSON object")])
    if value.get("schema_version") != SCHEMA_VERSION:
        text = f"is {value.get('schema_version')}, and this program reads {SCHEMA_VERSION}"
        raise MethodInvalid([Problem("schema_version", text)])
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)} is there twice")
    return found


def _shape_problems(document: dict[str, Any]) -> list[Problem]:
    problems = _kind_problems("", document, _KEYS)
    part = {"name": str, "version": str, "config_hash": str}
    for name, keys in (("strategy", part), ("model", part), ("configs", dict.fromkeys(CONFIGS, dict))):
        if isinstance(document.get(name), dict):
            problems.extend(_kind_problems(f"{name}.", document[name], keys))
    return problems


def _kind_problems(below: str, found: dict[str, Any], keys: dict[str, Any]) -> list[Problem]:
    unknown = [Problem(f"{below}{name}", "is not a key of an export") for name in found if name not in keys]
    missing = [Problem(f"{below}{name}", "is missing") for name in keys if name not in found]
    wrong = [
        Problem(f"{below}{name}", f"must be {_KINDS.get(kind, 'a text or null')}")
        for name, kind in keys.items()
        if name in found and not isinstance(found[name], kind)
    ]
    return [*unknown, *missing, *wrong]
