"""How sure a share or a return is: 95 % confidence intervals from what was counted, and nothing else."""

from decimal import Decimal, localcontext
from typing import NamedTuple

_Z = Decimal("1.959963984540054")
"""The two-sided 95 % point of the normal distribution."""
_ENOUGH = 30
"""Bets from which on the mean of their returns is near enough to normally distributed."""
_STEP = Decimal("0.0001")


class Interval(NamedTuple):
    low: Decimal
    high: Decimal

    def __str__(self) -> str:
        return f"{self.low} to {self.high}"


def share(count: int, of: int) -> Interval | None:
    """Wilson's interval of a share, which holds for few as well; None of nothing."""
    if of == 0:
        return None
    low, high = _wilson(count, of)
    return _rounded(max(low, Decimal(0)), min(high, Decimal(1)))


def difference(count: int, of: int, other_count: int, other_of: int) -> Interval | None:
    """Newcombe's interval of one share minus another; where it excludes 0, the two differ.

    None where one is of nothing.
    """
    if of == 0 or other_of == 0:
        return None
    with localcontext(prec=40):
        here, there = Decimal(count) / of, Decimal(other_count) / other_of
        (low, high), (other_low, other_high) = _wilson(count, of), _wilson(other_count, other_of)
        down = ((here - low) ** 2 + (other_high - there) ** 2).sqrt()
        up = ((high - here) ** 2 + (there - other_low) ** 2).sqrt()
        return _rounded(here - there - down, here - there + up)


def roi(
    *,
    decided: int,
    stake: Decimal,
    profit: Decimal,
    stake_squared: Decimal,
    profit_squared: Decimal,
    profit_by_stake: Decimal,
) -> Interval | None:
    """The interval of profit / stake from the spread of the single bets around it; None for fewer than thirty.

    The last three are the sums of stake², profit² and profit x stake over the bets.
    """
    if decided < _ENOUGH or stake <= 0:
        return None
    with localcontext(prec=60):
        ratio = profit / stake
        spread = profit_squared - 2 * ratio * profit_by_stake + ratio**2 * stake_squared
        error = (max(spread, Decimal(0)) * decided / (decided - 1)).sqrt() / stake
        return _rounded(ratio - _Z * error, ratio + _Z * error)


def _wilson(count: int, of: int) -> tuple[Decimal, Decimal]:
    with localcontext(prec=40):
        centre = count + _Z**2 / 2
        reach = _Z * (Decimal(count) * (of - count) / of + _Z**2 / 4).sqrt()
        return (centre - reach) / (of + _Z**2), (centre + reach) / (of + _Z**2)


def _rounded(low: Decimal, high: Decimal) -> Interval:
    with localcontext(prec=60):
        return Interval(low.quantize(_STEP), high.quantize(_STEP))
