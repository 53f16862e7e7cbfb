"""How bad a number is: the steps it has reached. A duplicate that reaches a higher step notifies again."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

_LONGEST_NUMBER = 100


def steps_reached(value: object, steps: Sequence[Decimal]) -> int:
    """How many of the ascending `steps` the value has reached; 0 where it is no finite number.

    Text counts as the number it spells, since Decimals are stored in `details` as text.
    """
    number = _number(value)
    return 0 if number is None else sum(number >= step for step in steps)


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
