"""A settings model seen from outside: the keys it takes at a path, and which of them are required or secret."""

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from precog.settings.yaml_tree import KeyPath


def keys_at(model: type[BaseModel], path: KeyPath) -> tuple[str, ...]:
    """The keys that the mapping at `path` may have, none where any key may stand or where no mapping is expected."""
    kinds: list[Any] = [model]
    for key in path:
        kinds = [inner for kind in kinds for inner in _inside(kind, key)]
    return tuple(name for kind in kinds if _is_model(kind) for name in kind.model_fields)


def required_paths(model: type[BaseModel]) -> tuple[KeyPath, ...]:
    return tuple(path for path, field in _fields(model) if field.is_required())


def secret_paths(model: type[BaseModel]) -> tuple[KeyPath, ...]:
    return tuple(path for path, field in _fields(model) if SecretStr in set(_parts(field.annotation)))


def _fields(model: type[BaseModel], at: KeyPath = ()) -> Iterator[tuple[KeyPath, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield (*at, name), field
        for inner in filter(_is_model, _alternatives(field.annotation)):
            yield from _fields(inner, (*at, name))


def _inside(kind: Any, key: str | int) -> list[Any]:
    if _is_model(kind):
        field = kind.model_fields.get(key)
        return _alternatives(field.annotation) if field else []
    arguments = get_args(kind)
    if not arguments:
        return []
    origin = get_origin(kind)
    is_mapping = isinstance(origin, type) and issubclass(origin, Mapping)
    return _alternatives(arguments[1] if is_mapping else arguments[0])


def _alternatives(annotation: Any) -> list[Any]:
    """The types that a union or an Annotated stands for."""
    if hasattr(annotation, "__metadata__"):
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return [kind for part in get_args(annotation) for kind in _alternatives(part)]
    return [annotation]


def _parts(annotation: Any) -> Iterator[Any]:
    """Every type named anywhere in an annotation."""
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
