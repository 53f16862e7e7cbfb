"""The kinds of values that the YAML files hold."""

from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from precog.domain.alerts import Severity

K = TypeVar("K")
V = TypeVar("V")


class Section(BaseModel):
    """A part of a YAML file: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _no_flag(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(f"should be a number, not {str(value).lower()}")  # noqa: TRY004  pydantic collects ValueErrors
    return value


def _not_repeated(names: tuple[str, ...]) -> tuple[str, ...]:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"names {', '.join(repeated)} more than once")
    return names


def _all_severities(mapping: Mapping[Severity, V]) -> Mapping[Severity, V]:
    missing = [severity.value for severity in Severity if severity not in mapping]
    if missing:
        raise ValueError(f"lacks {', '.join(missing)}: all four severities must be named")
    return mapping


def _time_zone(value: object) -> object:
    try:
        return ZoneInfo(value) if isinstance(value, str) else value
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{value} is no time zone; for example UTC or America/New_York") from None


def _ascending(steps: tuple[Decimal, ...]) -> tuple[Decimal, ...]:
    if any(low >= high for low, high in pairwise(steps)):
        raise ValueError("must rise from step to step")
    return steps


Whole = Annotated[int, BeforeValidator(_no_flag), Field(ge=0, le=2**31 - 1)]
Positive = Annotated[int, BeforeValidator(_no_flag), Field(ge=1, le=2**31 - 1)]
Minutes = Annotated[int, BeforeValidator(_no_flag), Field(ge=1, le=10080)]
"""One minute to one week."""
Seconds = Annotated[int, BeforeValidator(_no_flag), Field(ge=1, le=604800)]
"""One second to one week."""
Days = Annotated[int, BeforeValidator(_no_flag), Field(ge=2, le=36500)]
"""Two days to a century."""
Dollars = Annotated[Decimal, BeforeValidator(_no_flag), Field(gt=0, le=Decimal(10) ** 6, decimal_places=4)]
"""What a DECIMAL(10,4) column holds, and above nothing."""
Fraction = Annotated[Decimal, BeforeValidator(_no_flag), Field(gt=0, le=1, decimal_places=4)]
"""A part of a whole: above 0, at most 1."""
Multiple = Annotated[Decimal, BeforeValidator(_no_flag), Field(gt=0, le=100, decimal_places=4)]
"""So many times a whole: above 0, at most 100."""
TimeZone = Annotated[ZoneInfo, BeforeValidator(_time_zone)]
"""By its name in the IANA database, such as America/New_York."""
Steps = Annotated[
    tuple[Annotated[Decimal, BeforeValidator(_no_flag)], ...],
    Field(min_length=1, max_length=20),
    AfterValidator(_ascending),
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$")]
Names = Annotated[tuple[Name, ...], AfterValidator(_not_repeated)]

Table = Annotated[Mapping[K, V], AfterValidator(MappingProxyType)]
"""A mapping that nobody can change afterwards."""
BySeverity = Annotated[Mapping[Severity, V], AfterValidator(_all_severities), AfterValidator(MappingProxyType)]
