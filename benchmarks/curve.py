"""What a curve is: figures against the size of something, and what was seen beside them that says why it bends."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    title: str
    x: str
    y: str
    series: Mapping[str, Sequence[tuple[float, float]]]
    """By name, points of x and y."""
    seen: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Beside each x in words: processor time by who took it, what was waited for, what had to be exact."""

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def lines(name: str, curve: Curve) -> list[str]:
    """As text, one line a point."""
    points: dict[float, list[str]] = {}
    for label, each in curve.series.items():
        for x, y in each:
            points.setdefault(x, []).append(f"{label} {y:,.3g}" if y < 100 else f"{label} {y:,.0f}")
    said = [f"{name}: {curve.title} ({curve.y} by {curve.x})"]
    said += [f"  {x:>9,.0f}  {'; '.join(figures)}" for x, figures in points.items()]
    return said + [f"  {label}: {' | '.join(words)}" for label, words in curve.seen.items()]
