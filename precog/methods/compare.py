"""Versions of a method side by side, over the same period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from precog.domain.methods import Method
from precog.errors import MethodInvalid, Problem
from precog.methods import intervals
from precog.methods.intervals import Interval
from precog.methods.lifecycle import get_method
from precog.store import methods
from precog.store.methods import Made


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What one version made of the bets that it opened in the period. All intervals are of 95 % confidence."""

    method: Method
    trades: int
    bets: int
    decided: int
    won: int
    stake: Decimal
    profit: Decimal
    roi: Decimal | None
    roi_interval: Interval | None
    """None for fewer than thirty decided bets."""
    win_rate: Decimal | None
    win_rate_interval: Interval | None
    lead: Interval | None
    """Its win rate minus that of the first version; where it excludes 0, the two differ. None for the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    is_paper: bool
    since: datetime
    until: datetime
    """Not part of the period any more."""
    versions: tuple[Compared, ...]


def compare_methods(
    references: Sequence[str | int],
    *,
    paper: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Comparison:
    """What two or more versions made of the bets they opened in the same period, live or on paper.

    Where it is left out, the period is that in which all of them ran: from the first trade of the last to begin, until
    the first of them was deactivated, or now. Raises UnknownMethod; MethodInvalid where there is no such period.
    """
    problems = [
        Problem(name, f"{moment.isoformat()} has no time zone; use datetime.now(UTC)")
        for name, moment in (("since", since), ("until", until))
        if moment is not None and moment.utcoffset() is None
    ]
    if problems:
        raise MethodInvalid(problems)
    compared = tuple(dict.fromkeys(get_method(each).method_id for each in references))
    if len(compared) < 2:
        raise MethodInvalid([Problem("methods", "a comparison needs two different ones at least")])
    found = [methods.get(each) for each in compared]
    begin, end = _period(found, paper=paper, since=since, until=until)
    made = [methods.made(each.method_id, paper=paper, since=begin, until=end) for each in found]
    return Comparison(
        is_paper=paper,
        since=begin,
        until=end,
        versions=tuple(
            _compared(method, each, first=None if each is made[0] else made[0])
            for method, each in zip(found, made, strict=True)
        ),
    )


def _period(
    found: Sequence[Method], *, paper: bool, since: datetime | None, until: datetime | None
) -> tuple[datetime, datetime]:
    running = [methods.running(each.method_id, paper=paper) for each in found]
    silent = [str(each.name) for each, (began, _) in zip(found, running, strict=True) if began is None]
    if since is None and silent:
        kind = "paper" if paper else "live"
        raise MethodInvalid([Problem("since", f"{', '.join(silent)} has no {kind} trade yet; give the period")])
    begin = since or max(began for began, _ in running if began is not None)
    end = until or min([ended for _, ended in running if ended is not None], default=None) or methods.now()
    if begin >= end:
        text = f"nothing lies between {begin.isoformat()} and {end.isoformat()}; give a period"
        raise MethodInvalid([Problem("since", text)])
    return begin, end


def _compared(method: Method, made: Made, *, first: Made | None) -> Compared:
    return Compared(
        method=method,
        trades=made.trades,
        bets=made.bets,
        decided=made.decided,
        won=made.won,
        stake=made.stake,
        profit=made.profit,
        roi=made.roi,
        roi_interval=intervals.roi(
            decided=made.decided,
            stake=made.stake,
            profit=made.profit,
            stake_squared=made.stake_squared,
            profit_squared=made.profit_squared,
            profit_by_stake=made.profit_by_stake,
        ),
        win_rate=made.win_rate,
        win_rate_interval=intervals.share(made.won, made.decided),
        lead=None if first is None else intervals.difference(made.won, made.decided, first.won, first.decided),
    )
