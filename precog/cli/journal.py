"""`precog journal`: the alerts of this machine that PostgreSQL has not taken yet."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from precog import intake, journal
from precog.arguments import environment_named
from precog.cli.options import EnvironmentName, Json
from precog.cli.outcome import Exit
from precog.cli.output import coloured, exact, new_table, out, plain, print_json, say
from precog.cli.stderr import say_error
from precog.domain.alerts import NewAlert, Severity
from precog.domain.deliveries import AttemptOutcome
from precog.domain.direct import DirectTry

app = typer.Typer(help="See the alerts of this machine that wait for PostgreSQL, and store them.")


@app.command()
def show(*, environment: EnvironmentName = None, as_json: Json = False) -> None:
    """List the alerts that were raised here while PostgreSQL was away and are not stored yet, oldest first.

    With the channels over which the program that raised one has told people of it meanwhile.

    Example: precog journal show
    """
    where = environment_named(environment)
    tries = journal.tries(where)
    lines = [_line(each, tries) for each in journal.waiting(where)]
    if as_json:
        print_json([asdict(each) for each in lines])
    elif lines:
        _print(lines)
    else:
        say(f"No alert waits in {journal.journal_file(where)}.")


@app.command()
def replay(
    *,
    most: Annotated[
        int | None, typer.Option(min=1, metavar="COUNT", help="No more than so many, oldest first.")
    ] = None,
    environment: EnvironmentName = None,
    as_json: Json = False,
) -> None:
    """Store what waits, each alert once, and see to its deliveries. Programs and recovery do it by themselves.

    Exit status 3 when PostgreSQL took not all of them, 1 when one can never be stored and was set aside.

    Example: precog journal replay
    """
    where = environment_named(environment)
    report = intake.replay_journal(where, most=most)
    if as_json:
        print_json(asdict(report))
    else:
        say(f"{report.stored} stored, {report.left} left")
    if report.refused:
        say_error(f"{report.refused} can never be stored and are in {journal.refused_file(where)} now")
    if report.problem is not None:
        say_error(report.problem)
        raise typer.Exit(Exit.STORE_AWAY)
    if report.refused:
        raise typer.Exit(Exit.NOT_WELL)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """What a person or a program asks about, not how it is stored."""

    alert_uuid: UUID
    occurred_at: datetime | None
    severity: Severity
    alert_type: str
    component: str
    message: str
    details: Mapping[str, object]
    sent: tuple[str, ...]
    """The channels that took it without PostgreSQL."""


def _line(alert: NewAlert, tries: Sequence[DirectTry]) -> _Line:
    accepted = {
        each.channel
        for each in tries
        if each.alert_uuid == alert.alert_uuid and each.outcome is AttemptOutcome.ACCEPTED
    }
    return _Line(
        alert_uuid=alert.alert_uuid,
        occurred_at=alert.occurred_at,
        severity=alert.severity,
        alert_type=alert.alert_type,
        component=alert.component,
        message=alert.message,
        details=alert.details,
        sent=tuple(sorted(accepted)),
    )


def _print(lines: Sequence[_Line]) -> None:
    table = new_table("WHEN", "SEVERITY", "TYPE", "COMPONENT", "SENT", "MESSAGE")
    for each in lines:
        happened = exact(each.occurred_at) if each.occurred_at else ""
        table.add_row(
            happened,
            coloured(each.severity),
            plain(each.alert_type),
            plain(each.component),
            ", ".join(each.sent),
            plain(each.message),
        )
    out().print(table)
