"""Methods as `precog methods` prints them: a list, one of them with all there is, several side by side."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from precog.cli.output import coloured, exact, new_table, plain
from precog.domain.methods import MOVES, Method, Performance, canonical_json
from precog.methods import Comparison


def methods_table(found: Sequence[Method], fared: Mapping[tuple[int, bool], Performance]) -> Table:
    table = new_table("ID", "METHOD", "STATUS", "STRATEGY", "MODEL", "PAPER", "LIVE", "CONFIGS")
    for each in found:
        table.add_row(
            str(each.method_id),
            plain(str(each.name)),
            coloured(each.status),
            plain(str(each.strategy)),
            plain(str(each.model)),
            _short(fared[each.method_id, True]),
            _short(fared[each.method_id, False]),
            each.config_hash[:8],
        )
    return table


def _short(fared: Performance) -> str:
    return f"{fared.trades} trades, ROI {percent(fared.roi)}" if fared.trades else ""


def method_page(method: Method, live: Performance, paper: Performance) -> RenderableType:
    title = Text.assemble(
        (f"#{method.method_id}", "bold"), "  ", coloured(method.status), "  ", plain(str(method.name), "bold")
    )
    parts: list[RenderableType] = [title, Text(), _indented(_pairs(_facts(method)))]
    for name, config in method.configs.as_json().items():
        parts += [Text(), Text(name, style="bold"), _indented(_pairs(_leaves("", config)))]
    return Group(*parts, Text(), Text("How it fared", style="bold"), _indented(_fared(live, paper)))


def _facts(method: Method) -> Iterable[tuple[str, str]]:
    known = {
        "strategy": str(method.strategy),
        "model": str(method.model),
        "configs": method.config_hash,
        "may move to": ", ".join(sorted(MOVES[method.status])) or "nothing; a new version takes its place",
        "created": exact(method.created_at) + (f" by {method.created_by}" if method.created_by else ""),
        "activated": exact(method.activated_at) if method.activated_at else "",
        "deactivated": exact(method.deactivated_at) if method.deactivated_at else "",
        "description": method.description or "",
        "notes": method.notes or "",
    }
    return ((name, value) for name, value in known.items() if value)


def _leaves(path: str, value: object) -> Iterable[tuple[str, str]]:
    """`trailing_stop.distance 0.05`: every single value under the path that leads to it."""
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _leaves(f"{path}.{key}".lstrip("."), each)
    elif path:
        yield path, canonical_json(value)  # type: ignore[arg-type]  # a part of a Config is one


def _fared(live: Performance, paper: Performance) -> Table:
    table = new_table("", "TRADES", "BETS", "DECIDED", "WON", "WIN RATE", "STAKE", "PROFIT", "ROI", "SHARPE")
    for name, each in (("paper", paper), ("live", live)):
        table.add_row(
            name,
            *(str(count) for count in (each.trades, each.bets, each.decided, each.won)),
            percent(each.win_rate),
            dollars(each.stake),
            dollars(each.profit),
            percent(each.roi),
            "-" if each.sharpe is None else str(each.sharpe),
        )
    return table


def compared_table(comparison: Comparison) -> RenderableType:
    kind = "Paper" if comparison.is_paper else "Live"
    period = f"{kind} bets opened from {exact(comparison.since)} until {exact(comparison.until)}; intervals of 95 %"
    table = new_table("METHOD", "TRADES", "DECIDED", "WON", "WIN RATE", "LEAD", "PROFIT", "ROI")
    for each in comparison.versions:
        table.add_row(
            plain(str(each.method.name)),
            str(each.trades),
            f"{each.decided} of {each.bets}",
            str(each.won),
            _with_interval(each.win_rate, each.win_rate_interval),
            _with_interval(None, each.lead),
            dollars(each.profit),
            _with_interval(each.roi, each.roi_interval),
        )
    return Group(plain(period), Text(), table)


def _with_interval(value: Decimal | None, interval: tuple[Decimal, Decimal] | None) -> str:
    shown = "" if value is None else percent(value)
    between = "" if interval is None else f"({percent(interval[0])} to {percent(interval[1])})"
    return " ".join(filter(None, [shown, between])) or "-"


def percent(value: Decimal | None) -> str:
    """0.0525 is `5.25 %`: all four decimals of a stored fraction."""
    return "-" if value is None else f"{value.scaleb(2):.2f} %"


def dollars(value: Decimal) -> str:
    return f"{value:,.2f}"


def _pairs(pairs: Iterable[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(plain(name), plain(value))
    return table


def _indented(part: RenderableType) -> Padding:
    return Padding(part, (0, 0, 0, 2))
