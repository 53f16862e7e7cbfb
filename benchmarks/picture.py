"""What was measured as a picture: `python -m benchmarks.picture build/bench docs/performance.svg`.

Draws what there is of result.json, table-size.json and growth.json. Needs matplotlib: `pip install -e '.[bench]'`.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

_INK = "#7d858f"
"""Readable on white and on black, as the colours below: the background is the reader's."""
_BLUE, _ORANGE, _GREEN, _RED, _PURPLE = "#3b8ed0", "#e08a1e", "#2ea27a", "#d9534f", "#9a6fd0"
_COLOURS = (_BLUE, _ORANGE, _GREEN, _PURPLE, _RED)
_VERDICTS = {"aim": _GREEN, "must": _ORANGE, "missed": _RED}
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "precog",  # the same figures, the same file
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "grid.alpha": 0.25,
    "lines.linewidth": 1.8,
    "lines.markersize": 4,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "grid.color"), _INK
    ),
}

Measured = Mapping[str, Any]
_FURTHEST = 2.0
"""Of what a line must stay below: a bar that goes on from there says how far."""
_WORDS = 42


def draw(folder: Path, path: Path) -> None:
    """Raises FileNotFoundError where nothing was measured."""
    measured = {name: json.loads(file.read_text()) for name in _PANELS if (file := folder / name).exists()}
    panels = [(panel, found) for name, found in measured.items() for panel in _PANELS[name] if _has(panel, found)]
    if not panels:
        raise FileNotFoundError(f"{folder} has none of {', '.join(_PANELS)}; `make bench` writes the first of them")
    with mpl.rc_context(_STYLE):
        columns = min(3, len(panels))
        rows = -(-len(panels) // columns)
        figure = Figure(figsize=(5 * columns, 3.7 * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).flatten()
        for (panel, found), each in zip(panels, axes, strict=False):
            panel(each, found)
        for unused in axes[len(panels) :]:
            unused.set_axis_off()
        on = next(iter(measured.values()))["on"]
        figure.suptitle(f"{on['machine']}, PostgreSQL {on['PostgreSQL']}, {on['when'][:10]}", fontsize=8)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, transparent=True)


def _has(panel: Callable[[Axes, Measured], None], found: Measured) -> bool:
    needed = _CURVE_OF.get(panel)
    return needed is None or needed in found["curves"]


def _calls(axes: Axes, found: Measured) -> None:
    for (name, shares), colour in zip(found["latencies_us"].items(), _COLOURS, strict=False):
        axes.plot(
            [each / 1000 for each in shares.values()], [100 * float(each) for each in shares], color=colour, label=name
        )
    axes.set(xscale="log", xlabel="milliseconds", ylabel="% took no longer", title="A call")
    axes.legend(loc="lower right")
    _tidy(axes)


def _targets(axes: Axes, found: Measured) -> None:
    judged = [each for each in found["lines"] if each["must"]]
    shares = [each["value"] / each["must"] if each["at_most"] else each["must"] / each["value"] for each in judged]
    names = [f"{each['line']}  {_shortened(each['what'])}" for each in judged]
    axes.barh(names, shares, color=[_VERDICTS[each["verdict"]] for each in judged], height=0.65)
    for at, share in enumerate(shares):
        if share > _FURTHEST:
            axes.text(_FURTHEST, at, f" {share:.1f}", color=_INK, fontsize=7, va="center")
    axes.set_xlim(0, _FURTHEST)
    axes.axvline(1, color=_INK, linewidth=1.2, linestyle="--")
    axes.text(1, -0.9, " must", color=_INK, fontsize=8, va="center")
    axes.tick_params(axis="y", labelsize=7)
    axes.invert_yaxis()
    axes.set(xlabel="share of what it must stay below (shorter is better)", title="The targets")


def _shortened(what: str) -> str:
    return what if len(what) <= _WORDS else what[: _WORDS - 1].rstrip(" ,") + "…"


def _table_size(axes: Axes, found: Measured) -> None:
    curves: Mapping[str, Sequence[Measured]] = found["curves"]
    lists = [points for name, points in curves.items() if name.startswith("newest 100")]
    sizes = [each["rows"] for each in lists[0]]
    slowest = [
        [max(points[at][figure] for points in lists) for at in range(len(sizes))] for figure in ("p50_ms", "p99_ms")
    ]
    must = {each["line"]: each["must"] for each in found["lines"]}
    dedup, unacknowledged, day = (curves[name] for name in ("is it a duplicate", "count unacknowledged", "count a day"))
    shown = [
        ("is it a duplicate, p99", [each["p99_ms"] for each in dedup], must["11a"]),
        ("slowest newest-100 list, p50", slowest[0], must["11b"]),
        ("slowest newest-100 list, p99", slowest[1], must["11c"]),
        ("count of unacknowledged", [each["p50_ms"] for each in unacknowledged], must["11d"]),
        ("counts of 24 hours", [each["p50_ms"] for each in day], must["11e"]),
    ]
    for (name, times, limit), colour in zip(shown, _COLOURS, strict=True):
        axes.plot(sizes, times, color=colour, marker="o", label=name)
        axes.plot(sizes[-1], limit, color=colour, marker="_", markersize=14, markeredgewidth=2)
    axes.set(
        xscale="log", yscale="log", xlabel="alerts in the table", ylabel="milliseconds", title="Questions (bars: must)"
    )
    axes.legend(loc="upper left", fontsize=7)
    axes.set_ylim(top=axes.get_ylim()[1] * 8)
    _tidy(axes)


def _curve(name: str, title: str, *, log: str = "", zero: bool = False) -> Callable[[Axes, Measured], None]:
    def panel(axes: Axes, found: Measured) -> None:
        given = found["curves"][name]
        for (label, points), colour in zip(given["series"].items(), _COLOURS, strict=False):
            axes.plot(*zip(*points, strict=True), color=colour, marker="o", label=label)
        axes.set(xlabel=given["x"], ylabel=given["y"], title=title)
        if "x" in log:
            axes.set_xscale("log")
        else:
            axes.set_xticks([x for x, _ in next(iter(given["series"].values()))])
        if "y" in log:
            axes.set_yscale("log")
        if zero:
            axes.set_ylim(bottom=0)
        axes.legend()
        _tidy(axes)

    _CURVE_OF[panel] = name
    return panel


def _tidy(axes: Axes) -> None:
    axes.grid(visible=True, which="major")
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":  # 0.1, 10, 100k and 10M in place of powers of ten
            axis.set_major_formatter(FuncFormatter(_short))
            axis.set_minor_formatter(NullFormatter())


def _short(value: float, _: object) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


_CURVE_OF: dict[Callable[[Axes, Measured], None], str] = {}
_PANELS: Mapping[str, Sequence[Callable[[Axes, Measured], None]]] = {
    "result.json": (_calls, _targets),
    "table-size.json": (_table_size,),
    "growth.json": (
        _curve("threads", "Callers", zero=True),
        _curve("workers", "Workers", zero=True),
        _curve("backlog", "While deliveries wait", log="xy"),
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.picture", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the JSON files are: build/bench")
    parser.add_argument("picture", type=Path, help="the file to write: .svg or .png")
    given = parser.parse_args()
    draw(given.folder, given.picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
