"""`precog deliveries`: look for those that did not arrive, and ask for them again."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import typer
from rich.text import Text

from precog.arguments import environment_named
from precog.channels.registry import KINDS
from precog.cli.alert_state import standing
from precog.cli.delivery_page import delivery_page
from precog.cli.options import By, EnvironmentName, Json, known_channel
from precog.cli.outcome import Exit
from precog.cli.output import coloured, new_table, now, out, plain, print_json, relative, say
from precog.cli.stderr import say_error
from precog.domain.deliveries import DeliveryStatus, ReceiptState
from precog.domain.records import DeliveryOfAlert
from precog.store import alerts, dead_letters
from precog.store import deliveries as stored

app = typer.Typer(help="Look at single deliveries, and ask for those that failed again.")

WIDE = 130
"""Columns from which on every field has a column of its own."""
SHOWN_OF_ID = 8

DeliveryId = Annotated[
    str, typer.Argument(metavar="ID", help="The delivery's id, or as much of its beginning as no other one shares.")
]
OfChannel = Annotated[
    str | None,
    typer.Option(
        metavar="CHANNEL", help="Only over this channel.", callback=known_channel, autocompletion=lambda: list(KINDS)
    ),
]


@app.command("list")
def list_(
    *,
    status: Annotated[
        list[DeliveryStatus] | None,
        typer.Option(case_sensitive=False, help="Only of this status; may be given several times."),
    ] = None,
    receipt: Annotated[
        ReceiptState | None, typer.Option(case_sensitive=False, help="Only what the provider says this of.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Of every status.")] = False,
    channel: OfChannel = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    environment: EnvironmentName = None,
    as_json: Json = False,
) -> None:
    """List deliveries, the latest first: those that failed unless asked otherwise.

    Example: precog deliveries list --status failed --status held --channel email
    """
    found = dead_letters.newest(
        environment_named(environment),
        statuses=_wanted(status, anything=every or receipt is not None),
        receipt=receipt,
        channel=channel,
        most=limit,
    )
    if as_json:
        print_json(found)
    elif not found:
        say("No such deliveries." if status or receipt or every else "No failed deliveries.")
    else:
        _print(found)
        if len(found) == limit:
            say(f"The latest {limit}; --limit shows more.")


def _wanted(named: Sequence[DeliveryStatus] | None, *, anything: bool) -> tuple[DeliveryStatus, ...] | None:
    if named:
        return tuple(named)
    return None if anything else (DeliveryStatus.FAILED,)


def _print(found: Sequence[DeliveryOfAlert]) -> None:
    """One line a delivery where there is room, else two."""
    console, moment = out(), now()
    wide = console.width >= WIDE
    table = new_table("ID", "STATUS", "SINCE", "CHANNEL", "TO", *(["ALERT", "SEVERITY"] if wide else []))
    table.add_column("WHY", ratio=1, overflow="fold")
    table.expand = console.is_terminal
    for each in found:
        alert = [Text(f"#{each['alert_id']}"), coloured(each["severity"])]
        why = plain(standing(each, moment))
        table.add_row(
            each["delivery_id"][:SHOWN_OF_ID],
            coloured(each["status"]),
            relative(each["finished_at"] or each["created_at"], moment),
            each["channel"],
            plain(each["recipient"]),
            *(alert if wide else []),
            why if wide else Text("\n").join([why, Text(" ").join(alert)]),
        )
    console.print(table)


@app.command()
def show(delivery_id: DeliveryId, *, environment: EnvironmentName = None, as_json: Json = False) -> None:
    """Show one delivery: where it stands, what the provider says, every try, and the alert it is of.

    The reference at the end of an SMS is the beginning of its delivery's id.

    Example: precog deliveries show a7f3c2
    """
    tag = environment_named(environment)
    wanted, alert_id = dead_letters.named(delivery_id, tag)
    alert, told = alerts.get(alert_id, tag), stored.of_alert(alert_id)
    [delivery] = [each for each in told if each["delivery_id"] == str(wanted)]
    tries = [each for each in stored.attempts_of_alert(alert_id) if each["delivery_id"] == str(wanted)]
    if as_json:
        print_json({"delivery": delivery, "attempts": tries, "alert": alert})
    else:
        out().print(delivery_page(alert, delivery, tries, told, now=now()))


@app.command()
def requeue(
    delivery_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="The delivery's id, or the beginning that it alone has.")
    ] = None,
    *,
    channel: OfChannel = None,
    all_failed: Annotated[bool, typer.Option("--all-failed", help="All, over every channel.")] = False,
    hours: Annotated[
        int, typer.Option(min=1, max=8_760, help="With --channel or --all-failed: only what failed since then.")
    ] = 24,
    by: By,
    environment: EnvironmentName = None,
) -> None:
    """Ask for a failed delivery again, or for all of a channel: it is due at once, and its age and tries count anew.

    Who asked is on record. What belongs to a resolved alert stays as it is: nobody needs to hear of that any more.

    Example: precog deliveries requeue --channel email
    """
    if sum([delivery_id is not None, channel is not None, all_failed]) != 1:
        raise typer.BadParameter("name one of: an ID, --channel, --all-failed")
    tag = environment_named(environment)
    if delivery_id is not None:
        _requeue_one(*dead_letters.named(delivery_id, tag), by=by)
        return
    failed = dead_letters.failed_lately(tag, within_seconds=hours * 3_600, channel=channel)
    done = sum(dead_letters.requeue(each, by=by) for each in failed)
    say(f"{done} deliver{'y' if done == 1 else 'ies'} of the last {hours} h requeued; recovery sees to them.")


def _requeue_one(delivery_id: UUID, alert_id: int, *, by: str) -> None:
    if dead_letters.requeue(delivery_id, by=by):
        say(f"delivery {delivery_id} is due again; recovery sees to it.")
        return
    status = stored.standing(delivery_id).status
    reason = (
        f"its alert {alert_id} is resolved; `precog log` raises a new one"
        if status is DeliveryStatus.FAILED
        else f"it is {status}, and only what failed is sent again"
    )
    say_error(f"delivery {delivery_id} stays as it is: {reason}")
    raise typer.Exit(Exit.NOT_WELL)
