"""`precog doctor`: what is wrong, and the command that mends it."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict

import typer
from rich.table import Table
from rich.text import Text

from precog.cli.broker_checks import broker
from precog.cli.checks import Finding, Grade, configuration, database, reach, signature, variables, waiting_here
from precog.cli.options import Json
from precog.cli.outcome import Exit
from precog.cli.output import coloured, out, plain, print_json
from precog.errors import ConfigError
from precog.settings import process


def doctor(*, as_json: Json = False) -> None:
    """Look at everything that an alert needs to reach somebody, and say what mends what is wrong.

    Exit status 0 when all is well, 1 with a problem, 5 with warnings only.

    Example: precog doctor
    """
    findings = list(examine())
    if as_json:
        print_json([asdict(each) for each in findings])
    else:
        _print(findings)
    raise typer.Exit(verdict(findings))


def examine() -> Iterator[Finding]:
    """Every check that can be made; without its variable a server is not asked."""
    yield from variables()
    settings, finding = configuration()
    yield finding
    if settings is not None:
        yield reach(settings)
        yield from signature(settings)
    with suppress(ConfigError):  # variables() has said it
        yield from database(process.environment(), settings)
    with suppress(ConfigError):
        yield from waiting_here(process.environment())
    with suppress(ConfigError):
        yield from broker(process.redis_url(), process.environment(), settings)


def verdict(findings: Iterable[Finding]) -> Exit:
    grades = {each.grade for each in findings}
    if Grade.PROBLEM in grades:
        return Exit.NOT_WELL
    return Exit.ONLY_WARNINGS if Grade.WARNING in grades else Exit.DONE


def _print(findings: Iterable[Finding]) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in findings:
        mend = Text(f"\n→ {each.mend}", style="bold") if each.mend else Text()
        table.add_row(coloured(each.grade), Text.assemble(plain(each.what), mend))
    out().print(table)
