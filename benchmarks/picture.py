"""The result as a picture. Needs matplotlib: `pip install -e '.[bench]'`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.measure import Row, Timings

_COLOURS = {"aim": "#2e7d32", "must": "#f9a825", "missed": "#c62828"}


def draw(path: Path, rows: Sequence[Row], timings: Mapping[str, Timings], caption: str) -> None:
    """Left how long a call takes, right how far each line is from what it must reach."""
    mpl.rcParams["svg.hashsalt"] = "precog"  # the same figures, the same file
    figure = Figure(figsize=(12, 5), layout="constrained")
    latency, ratios = figure.subplots(1, 2)
    for name, each in timings.items():
        every = [seconds * 1000 for seconds in each.all]
        latency.plot(every, [100 * number / len(every) for number in range(len(every))], label=name)
    latency.set(xscale="log", xlabel="milliseconds", ylabel="% of calls that took no longer", title="A call")
    latency.legend()
    judged = [each for each in rows if each.target.must]
    shares = [
        each.value / each.target.must if each.target.at_most else each.target.must / each.value for each in judged
    ]
    ratios.barh([each.target.what for each in judged], shares, color=[_COLOURS[each.verdict] for each in judged])
    ratios.axvline(1, color="black", linewidth=1)
    ratios.invert_yaxis()
    ratios.set(xlabel="share of what it must stay below", title="The targets")
    figure.suptitle(caption, fontsize="small")
    figure.savefig(path, metadata={"Date": None})
