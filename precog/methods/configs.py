"""The four configs of a method, decided without a database: what may be in them, and a template with its overrides."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from precog.domain.methods import CONFIGS, Config, MethodConfigs
from precog.domain.nearest import did_you_mean
from precog.errors import Problem
from precog.settings.methods import TrailingStop
from precog.settings.types import Dollars, Fraction, Name, Table, Whole

_LARGEST = 10**15
_DECIMALS = 15
_DEEPEST = 20


class _Known(BaseModel):
    """The keys with a meaning of their own; a method may have others."""

    model_config = ConfigDict(frozen=True, extra="allow")


class _PositionManagement(_Known):
    trailing_stop: TrailingStop | None = None
    profit_target: Fraction | None = None


class _Risk(_Known):
    kelly_fraction: Fraction | None = None
    max_position_dollars: Dollars | None = None


class _Execution(_Known):
    max_slippage: Fraction | None = None


class _Sport(_Known):
    minimum_volume: Table[Name, Whole] | None = None


class _Configs(_Known):
    position_mgmt_config: _PositionManagement
    risk_config: _Risk
    execution_config: _Execution
    sport_config: _Sport


def overridden(
    template: MethodConfigs, overrides: Mapping[str, object], *, new_keys: bool, problems: list[Problem]
) -> MethodConfigs:
    """The template with the overrides merged into it, key by key at every depth.

    What is wrong is added to `problems`: a key or a kind of value that the template does not have, a number that is
    not exact or out of its range. `new_keys` allows keys that the template lacks, except beside the four configs.
    """
    plain = plain_config(overrides, "", problems)
    merged = template.as_json()
    for name, changes in plain.items() if isinstance(plain, dict) else ():
        if name not in CONFIGS:
            hint = did_you_mean(name, CONFIGS)
            problems.append(Problem(name, f"is none of the four configs{hint}; there are: {', '.join(CONFIGS)}"))
        elif not isinstance(changes, dict):
            problems.append(Problem(name, f"must be a mapping of keys to values, not {_kind(changes)}"))
        else:
            merged[name] = _merged(merged[name], changes, name, new_keys=new_keys, problems=problems)
    problems.extend(out_of_range(merged))
    return configs_of(merged)


def configs_of(configs: Mapping[str, Config]) -> MethodConfigs:
    return MethodConfigs(**{name: value for name in CONFIGS if isinstance(value := configs[name], dict)})


def _merged(
    base: Config, changes: dict[str, Config], path: str, *, new_keys: bool, problems: list[Problem]
) -> dict[str, Config]:
    assert isinstance(base, dict)
    result, broken = dict(base), {problem.place for problem in problems}
    for key, value in changes.items():
        here = f"{path}.{key}"
        if key not in base and not new_keys:
            problems.append(Problem(here, _not_in_template(key, base)))
        elif here in broken:
            continue
        elif key in base and _kind(base[key]) != _kind(value):
            problems.append(Problem(here, f"is {_kind(value)} where the template has {_kind(base[key])}"))
        elif key in base and isinstance(value, dict):
            result[key] = _merged(base[key], value, here, new_keys=new_keys, problems=problems)
        else:
            result[key] = value
    return result


def _not_in_template(key: str, base: Mapping[str, Config]) -> str:
    there = f"; it has: {', '.join(base)}" if base else ""
    return f"the template has no such key{did_you_mean(key, base)}{there}; to add it all the same, allow new keys"


def _kind(value: Config) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | Decimal():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case dict():
            return "a mapping"


def plain_config(value: object, path: str, problems: list[Problem], *, depth: int = 0) -> Config:
    """The value as JSON with exact numbers; what JSON, PostgreSQL or money cannot hold is added to `problems`."""
    if depth > _DEEPEST:
        problems.append(Problem(path, f"lies deeper than {_DEEPEST} levels"))
        return None
    match value:
        case None | bool():
            return value
        case int() | Decimal():
            return _number(value, path, problems)
        case str():
            return _text(value, path, problems)
        case Mapping() | list() | tuple():
            return _container(value, path, problems, depth=depth + 1)
        case float():
            problems.append(Problem(path, f'{value} is a float, which is not exact; write Decimal("{value}")'))
        case _:
            problems.append(Problem(path, f"{type(value).__name__} has no form in JSON"))
    return None


def _container(
    value: Mapping[object, object] | Sequence[object], path: str, problems: list[Problem], *, depth: int
) -> Config:
    if isinstance(value, Mapping):
        return {
            _text(key, path, problems): plain_config(each, f"{path}.{key}".lstrip("."), problems, depth=depth)
            for key, each in value.items()
        }
    return [plain_config(each, f"{path}[{index}]", problems, depth=depth) for index, each in enumerate(value)]


def _number(value: int | Decimal, path: str, problems: list[Problem]) -> int | Decimal:
    number = Decimal(value)
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -_DECIMALS and number.copy_abs() < _LARGEST:
        return value
    problems.append(Problem(path, f"{number:.6g} is not a number below {_LARGEST} with at most {_DECIMALS} decimals"))
    return 0


def _text(value: object, path: str, problems: list[Problem]) -> str:
    if not isinstance(value, str):
        problems.append(Problem(path, f"the key {value!r} is {type(value).__name__}; keys are text"))
        return str(value)
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        problems.append(Problem(path, "holds a character that PostgreSQL does not store"))
    return value


def out_of_range(configs: Mapping[str, Config]) -> list[Problem]:
    """What is wrong with the keys that have a meaning of their own."""
    try:
        _Configs.model_validate(dict(configs))
    except ValidationError as error:
        return [_problem(detail) for detail in error.errors(include_url=False)]
    return []


def _problem(detail: ErrorDetails) -> Problem:
    place = ".".join(str(step) for step in detail["loc"] if step != "[key]")
    if detail["type"] == "value_error":
        return Problem(place, str(detail["ctx"]["error"]))
    value = detail["input"]
    shown = "" if isinstance(value, dict | list) else f", not {value}"
    return Problem(place, detail["msg"].replace("Input should", "should") + shown)
