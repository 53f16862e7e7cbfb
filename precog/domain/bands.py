"""How bad a number is: the steps it has reached. A duplicate that reaches a higher step notifies again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from precog.domain.alerts import Json

_LONGEST_NUMBER = 100


def steps_reached(value: object, steps: Sequence[Decimal]) -> int:
    """How many of the ascending `steps` the value has reached; 0 where it is no finite number.

    Text counts as the number it spells, since Decimals are stored in `details` as text.
    """
    number = _number(value)
    return 0 if number is None else sum(number >= step for step in steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """The number that got worse."""

    field: str
    before: Json
    """None where there was no number."""
    now: Json
    step: Decimal
    """The highest that it has reached."""


def figure(field: str, steps: Sequence[Decimal], before: Mapping[str, Json], now: Mapping[str, Json]) -> Figure | None:
    """What got worse from one `details` to another; None where the number reaches no higher step."""
    then = before.get(field)
    reached = steps_reached(now.get(field), steps)
    if reached <= steps_reached(then, steps):
        return None
    return Figure(
        field=field, before=None if _number(then) is None else then, now=now.get(field), step=steps[reached - 1]
    )


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    if isinstance(value, str) and len(value) > _LONGEST_NUMBER:
        return None
    try:
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
