"""The figures as a table, and the sentence that ends it."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from tests.chaos.invariants import Finding
from tests.chaos.scenarios import SCENARIOS

_MARKS = {True: "[green]holds[/]", False: "[bold red]BROKEN[/]", None: "[yellow]not run[/]"}


def show(found: Mapping[str, Sequence[Finding]], seconds: Mapping[str, float]) -> None:
    table = Table(show_lines=False, pad_edge=False)
    for heading in ("test", "invariant", "", "figure"):
        table.add_column(heading, overflow="fold")
    for name, findings in found.items():
        for number, each in enumerate(findings):
            first = f"{SCENARIOS[name].title} ({seconds[name]:.0f} s)" if number == 0 else ""
            examples = "" if each.holds else "".join(f"\n  {example}" for example in each.examples)
            table.add_row(first, each.invariant, _MARKS[each.holds], f"{each.figure}{examples}")
        table.add_section()
    Console(width=None if Console().is_terminal else 150, markup=True).print(table)


def broken(found: Mapping[str, Sequence[Finding]]) -> list[str]:
    """`T1 storm: lost`, for each invariant that did not hold."""
    return [
        f"{SCENARIOS[name].title}: {each.invariant}"
        for name, findings in found.items()
        for each in findings
        if each.holds is False
    ]
