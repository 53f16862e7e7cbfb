"""The interlock of trading.yaml: which alerts stop orders, and who may let them go on."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, StringConstraints, model_validator

from precog.domain.interlock import BlockRule, Rules, ScopeKind
from precog.settings.types import Name, Section, Table


class Blocking(Section):
    """What a critical alert of one type blocks: all, or what a field of its `details` names."""

    scope: ScopeKind
    field: Name | None = None

    @model_validator(mode="after")
    def _named_unless_all(self) -> "Blocking":
        if self.scope is ScopeKind.ALL and self.field is not None:
            raise ValueError("names a field, and scope: all needs none")
        if self.scope is not ScopeKind.ALL and self.field is None:
            raise ValueError(f"lacks field: the field of details that names the {self.scope}")
        return self


def _some_types(types: Mapping[str, Blocking]) -> Mapping[str, Blocking]:
    if not types:
        raise ValueError("names no type of alert: name one at least, or place orders without the interlock")
    return types


def _somebody(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ValueError("names nobody: what blocks could never be released")
    if "public" in names and len(names) > 1:
        raise ValueError("names public, which is every role, and others besides")
    return names


Role = Annotated[str, StringConstraints(min_length=1, max_length=63, strip_whitespace=True)]
"""A role of PostgreSQL, as pg_roles spells it."""


class Interlock(Section):
    blocking: Annotated[Table[Name, Blocking], AfterValidator(_some_types)]
    releasers: Annotated[tuple[Role, ...], AfterValidator(_somebody)]

    def rules(self) -> Rules:
        return Rules(
            blocking=frozenset(
                BlockRule(alert_type=name, scope_kind=each.scope, field=each.field)
                for name, each in self.blocking.items()
            ),
            releasers=frozenset(self.releasers),
        )
