"""`precog breakers`: which circuit breakers are open, and letting trading go on."""

from dataclasses import asdict
from typing import Annotated

import typer

from precog import sources
from precog.cli.options import By, Json, Notes
from precog.cli.output import new_table, now, out, plain, print_json, relative, say
from precog.domain.alerts import ResolutionAction
from precog.store.trading_breakers import BreakerEvent

app = typer.Typer(help="See which circuit breakers are open, and resolve them.")


@app.command("list")
def list_(
    *,
    every: Annotated[bool, typer.Option("--all", help="Resolved ones, too.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="No more than so many.")] = 100,
    as_json: Json = False,
) -> None:
    """List the open breakers, newest first.

    Example: precog breakers list --all
    """
    found = sources.list_breakers(resolved=every, limit=limit)
    if as_json:
        print_json([asdict(each) for each in found])
    elif found:
        _print(found)
    else:
        say("No circuit breaker has tripped." if every else "No circuit breaker is open.")


@app.command()
def resolve(
    event_id: Annotated[int, typer.Argument(metavar="EVENT", help="The event's id, as the list shows it.")],
    action: Annotated[
        ResolutionAction, typer.Argument(metavar="ACTION", help="fixed, false_positive, ignored or escalated.")
    ],
    *,
    by: By,
    notes: Notes = None,
    as_json: Json = False,
) -> None:
    """End a breaker's event and the alert that it raised. The breaker counts anew from here.

    Example: precog breakers resolve 12 fixed --notes "the feed is back"
    """
    event = sources.resolve_breaker(event_id, by, action, notes)
    if as_json:
        print_json(asdict(event))
    else:
        say(f"{event.breaker} of {_scope(event)} is resolved: {event.resolution_action}")


def _print(found: list[BreakerEvent]) -> None:
    table = new_table("EVENT", "BREAKER", "SCOPE", "TRIPPED", "STATE", "ALERT")
    for each in found:
        state = "open" if each.resolved_at is None else each.resolution_action or "resolved"
        table.add_row(
            str(each.event_id),
            each.breaker,
            plain(_scope(each)),
            relative(each.triggered_at, now()),
            plain(state),
            "-" if each.alert_id is None else str(each.alert_id),
        )
    out().print(table)


def _scope(event: BreakerEvent) -> str:
    return ", ".join(f"{name} {value}" for name, value in event.scope.items()) or "everything"
