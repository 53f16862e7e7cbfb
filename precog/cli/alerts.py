"""`precog alerts`: read them, take them on, end them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Literal

import typer
from rich.text import Text

from precog import alert_manager, arguments
from precog.cli.alert_page import alert_page, blocking
from precog.cli.alert_state import state, state_in_words
from precog.cli.options import AlertId, By, EnvironmentName, Json, Notes
from precog.cli.output import coloured, exact, new_table, now, out, plain, print_json, relative, say
from precog.domain.alerts import Environment, ResolutionAction, Severity
from precog.domain.records import AlertRecord
from precog.store import alerts, counts, deliveries, interlock, retention

app = typer.Typer(help="Read alerts, take them on, and end them.")

WIDE = 130
"""Columns from which on every field has a column of its own."""


@app.command("list")
def list_(
    *,
    severity: Annotated[Severity | None, typer.Option(case_sensitive=False, help="Only of this severity.")] = None,
    component: Annotated[str | None, typer.Option(help="Only of this component.")] = None,
    alert_type: Annotated[str | None, typer.Option("--type", help="Only of this type.")] = None,
    only_open: Annotated[bool, typer.Option("--open/--all", help="Open ones, or resolved ones too.")] = True,
    duplicates: Annotated[
        bool, typer.Option("--duplicates", help="Show suppressed ones as rows of their own.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    environment: EnvironmentName = None,
    as_json: Json = False,
) -> None:
    """List alerts, newest first: the open ones unless asked otherwise.

    Example: precog alerts list --severity critical
    """
    found = alerts.newest(
        arguments.environment_named(environment),
        severity=severity,
        component=component,
        alert_type=alert_type,
        duplicates=duplicates,
        only_open=only_open,
        most=limit,
    )
    if as_json:
        print_json(found)
    elif not found:
        say("No open alerts." if only_open else "No alerts.")
    else:
        _print(found)
        if len(found) == limit:
            say(f"The newest {limit}; --limit shows more.")


def _print(found: Sequence[AlertRecord]) -> None:
    """One line an alert where there is room, else two."""
    console, moment = out(), now()
    wide = console.width >= WIDE
    table = new_table("ID", "SEVERITY", "RAISED", *(["COMPONENT", "TYPE"] if wide else []))
    table.add_column("MESSAGE", ratio=1, no_wrap=True)
    table.add_column("STATE", max_width=None if wide else 18)
    table.expand = console.is_terminal
    for alert in found:
        origin = [plain(alert["component"]), plain(alert["alert_type"])]
        message = plain(alert["message"])
        table.add_row(
            str(alert["alert_id"]),
            coloured(alert["severity"]),
            relative(alert["triggered_at"], moment),
            *(origin if wide else []),
            message if wide else Text("\n").join([message, Text(" · ", style="dim").join(origin)]),
            plain(state(alert)),
        )
    console.print(table)


@app.command()
def show(alert_id: AlertId, *, environment: EnvironmentName = None, as_json: Json = False) -> None:
    """Show all there is about an alert: its facts, who was told and how each try ended, and why nobody was if so.

    Example: precog alerts show 12
    """
    where = arguments.environment_named(environment)
    alert = alerts.get(alert_id, where)
    told, tries = deliveries.of_alert(alert_id), deliveries.attempts_of_alert(alert_id)
    blocks = interlock.standing_of(alert["incident_id"], where)
    if as_json:
        print_json(
            {"alert": alert, "deliveries": told, "attempts": tries, "blocks": [str(each.scope) for each in blocks]}
        )
    else:
        out().print(alert_page(alert, told, tries, blocks, now=now()))


@app.command()
def ack(alert_id: AlertId, *, by: By, notes: Notes = None, environment: EnvironmentName = None) -> None:
    """Take an alert on, and with it its whole incident: its duplicates and reminders. The first to do so stands.

    Example: precog alerts ack 12 --notes "restarting the feed"
    """
    before = alerts.get(alert_id, arguments.environment_named(environment))
    _say_what_stands(before, alert_manager.acknowledge_alert(alert_id, by, notes, environment=environment))


@app.command()
def resolve(
    alert_id: AlertId,
    *,
    action: Annotated[ResolutionAction, typer.Option(case_sensitive=False, help="How it ended.")],
    by: By,
    notes: Notes = None,
    environment: EnvironmentName = None,
) -> None:
    """End an alert and its whole incident; what is not sent yet is cancelled, and the next equal alert notifies again.

    Example: precog alerts resolve 12 --action fixed --notes "feed restarted"
    """
    before = alerts.get(alert_id, arguments.environment_named(environment))
    _say_what_stands(before, alert_manager.resolve_alert(alert_id, by, action, notes, environment=environment))


def _say_what_stands(before: AlertRecord, alert: AlertRecord) -> None:
    """Also whose word stood already, and what neither of the two ends: who believes that an alert is over looks no
    further."""
    word: Literal["resolved_at", "acknowledged_at"] = "resolved_at" if alert["resolved_at"] else "acknowledged_at"
    stood = before[word]
    say(f"alert {alert['alert_id']}: {state_in_words(alert)}{f', already since {exact(stood)}' if stood else ''}")
    if blocks := interlock.standing_of(alert["incident_id"], Environment(alert["environment"])):
        say(f"it still {blocking(blocks)}")


@app.command()
def hold(
    alert_id: AlertId,
    *,
    reason: Annotated[str, typer.Option(help="Why it must be kept.")],
    by: By,
    environment: EnvironmentName = None,
) -> None:
    """Keep an alert and its whole incident from `precog prune`, until `precog alerts unhold`.

    Example: precog alerts hold 12 --reason "disputed settlement"
    """
    where = arguments.environment_named(environment)
    why = arguments.text("reason", reason, arguments.NOTES_BYTES)
    new = retention.hold(alert_id, where, by=arguments.text("by", by, arguments.NAME_BYTES), reason=why)
    say(f"alert {alert_id}: {'kept from now on' if new else 'was kept already'}, with its incident")


@app.command()
def unhold(alert_id: AlertId, *, by: By, environment: EnvironmentName = None) -> None:
    """Let `precog prune` have an incident again, once its time is over.

    Example: precog alerts unhold 12
    """
    where = arguments.environment_named(environment)
    lifted = retention.lift(alert_id, where, by=arguments.text("by", by, arguments.NAME_BYTES))
    say(f"alert {alert_id}: {'kept no longer' if lifted else 'was not kept'}, with its incident")


@app.command("counts")
def count(
    *,
    hours: Annotated[int, typer.Option(min=1, max=87_600, help="So many full hours, and the one that runs.")] = 24,
    environment: EnvironmentName = None,
    as_json: Json = False,
) -> None:
    """Count the alerts of the last hours by severity, type and component, those that were pruned since included.

    Example: precog alerts counts --hours 168
    """
    since = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours)
    found = counts.since(arguments.environment_named(environment), since)
    if as_json:
        print_json([asdict(each) for each in found])
        return
    table = new_table("SEVERITY", "TYPE", "COMPONENT")
    for name in ("ALERTS", "TOLD", "SUPPRESSED"):
        table.add_column(name, justify="right")
    for each in found:
        numbers = (each.alerts, each.told, each.suppressed)
        table.add_row(
            coloured(each.severity), plain(each.alert_type), plain(each.component), *map("{:,}".format, numbers)
        )
    if found:
        out().print(table)
    total = sum(each.alerts for each in found)
    say(f"{total:,} {'alert' if total == 1 else 'alerts'} since {exact(since)}")
