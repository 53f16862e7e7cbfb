"""When the alert sources speak: the YAML files that say so, and the overrides that hold over them for a while."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError

from precog.domain.methods import Config
from precog.domain.nearest import did_you_mean
from precog.errors import Problem
from precog.settings.markets import DataSourcesFile
from precog.settings.methods import PositionManagementFile, ProbabilityModelsFile
from precog.settings.model import HealthSettings
from precog.settings.trading import TradingFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    health: HealthSettings
    trading: TradingFile
    probability_models: ProbabilityModelsFile
    data_sources: DataSourcesFile
    position_management: PositionManagementFile


OVERRIDABLE = ("trading", "probability_models", "data_sources", "position_management")
"""The files, by the first part of an override's key."""

DATA_TYPES: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {"decimal": (Decimal, int), "integer": (int,), "boolean": (bool,), "string": (str,)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A row of config_overrides that holds now."""

    override_id: int
    config_key: str
    value: Config
    data_type: str


def overridden(thresholds: Thresholds, overrides: Sequence[Override]) -> tuple[Thresholds, list[Problem]]:
    """The thresholds with every override that fits in its place; why each other one is ignored."""
    problems: list[Problem] = []
    for each in overrides:
        try:
            thresholds = _with(thresholds, each)
        except ValueError as wrong:
            problems.append(Problem(f"override {each.override_id} of {each.config_key}", str(wrong)))
    return thresholds, problems


def _with(thresholds: Thresholds, override: Override) -> Thresholds:
    """Raises ValueError with what is wrong."""
    _check_type(override)
    file, *path = override.config_key.split(".")
    if file not in OVERRIDABLE:
        raise ValueError(f"{file} is no file that can be overridden; {', '.join(OVERRIDABLE)} can")
    section: Any = getattr(thresholds, file)
    plain = _plain(section)
    _put(plain, _full(path, plain), override.value)
    try:
        return replace(thresholds, **{file: type(section).model_validate(plain)})
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        message = str(detail["ctx"]["error"]) if detail["type"] == "value_error" else detail["msg"]
        raise ValueError(f"{message.replace('Input should', 'should')}, not {override.value}") from None


def _check_type(override: Override) -> None:
    value, kinds = override.value, DATA_TYPES.get(override.data_type)
    if kinds is None:
        raise ValueError(f"data_type {override.data_type} is none of {', '.join(DATA_TYPES)}")
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise ValueError(f"the value is no {override.data_type}: {value}")


def _full(path: Sequence[str], section: Mapping[str, Any]) -> Sequence[str]:
    """`trading.sports_live...` means the group of that name."""
    groups = section.get("groups", {})
    return ["groups", *path] if path and path[0] not in section and path[0] in groups else path


def _put(section: dict[str, Any], path: Sequence[str], value: Config) -> None:
    """Raises ValueError where the path leads to no single value."""
    *above, last = path or [""]
    place: Any = section
    for step in (*above, last):
        if not isinstance(place, dict) or step not in place:
            known = list(place) if isinstance(place, dict) else []
            allowed = f"; there are: {', '.join(known)}" if known else ""
            raise ValueError(f"there is no key {step}{did_you_mean(step, known)}{allowed}")
        parent, place = place, place[step]
    if isinstance(place, dict):
        several = f"{last} holds several keys: override one of {', '.join(place)}"
        raise ValueError(several)  # noqa: TRY004 - the key is wrong, not the type of an argument
    parent[last] = value


def _plain(value: Any) -> Any:
    """A section as the YAML file wrote it, to be read again."""
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return value
