"""`precog interlock`: what blocks orders, and letting them go on."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from precog import interlock, journal
from precog.arguments import environment_named
from precog.cli.options import AlertId, By, EnvironmentName, Json
from precog.cli.outcome import Exit
from precog.cli.output import exact, new_table, now, out, plain, print_json, relative, say
from precog.cli.stderr import say_error
from precog.domain.alerts import Environment
from precog.domain.interlock import Block, Release, Verdict, release_commands
from precog.errors import StoreError
from precog.store import interlock as store

app = typer.Typer(help="See which alerts block orders, and let orders go on once it is safe.")

_MOST = 1000


@app.command()
def status(
    *,
    released: Annotated[bool, typer.Option("--released", help="The newest releases as well.")] = False,
    environment: EnvironmentName = None,
    as_json: Json = False,
) -> None:
    """Show what blocks orders, oldest first, and what releases it.

    Example: precog interlock status
    """
    where = environment_named(environment)
    standing = store.standing(where, most=_MOST)
    done = store.releases(where, most=50) if released else ()
    waits = journal.waiting_critical(where)
    configured = bool(store.rules(where).blocking)
    if as_json:
        facts: dict[str, object] = {
            "environment": where,
            "configured": configured,
            "blocks": [_block_facts(each) for each in standing],
            "journaled": None if waits is None else waits.alert_uuid,
        }
        print_json(facts | ({"releases": [_release_facts(each) for each in done]} if released else {}))
        return
    _print_standing(where, standing)
    if not configured:
        say_error(f"{where} has no rules of what blocks, so that every order is blocked; run `precog config apply`")
    if waits is not None:
        say_error(
            f"this machine's journal holds a critical alert {waits.alert_type}: orders asked for here are blocked"
        )
    if done:
        out().print()
        out().print(_releases_table(done))


@app.command()
def check(
    scope: Annotated[
        list[str],
        typer.Argument(
            metavar="SCOPE...", help="all, platform:NAME, market:NAME or strategy:NAME; all that is touched."
        ),
    ],
    *,
    environment: EnvironmentName = None,
    as_json: Json = False,
) -> None:
    """Ask as an order does: exit status 0 when orders on these scopes are free, 1 when blocked or nobody can say.

    Example: precog interlock check platform:kalshi strategy:7
    """
    with suppress(StoreError):  # the verdict says it
        interlock.ready(environment=environment)
    verdict = interlock.is_blocked(*scope, environment=environment)
    if as_json:
        print_json(_verdict_facts(verdict))
    else:
        asked = ", ".join(map(str, verdict.asked))
        say(f"{asked}: {'blocked' if verdict else 'free'}")
        for reason in (*verdict.reasons, *(f"when it is safe: {each}" for each in verdict.release_commands)):
            say(reason)
    if verdict:
        raise typer.Exit(Exit.NOT_WELL)


@app.command()
def release(
    alert_id: AlertId,
    *,
    reason: Annotated[str, typer.Option(help="Why it is safe to go on. It is kept for good.")],
    by: By,
    environment: EnvironmentName = None,
) -> None:
    """Let orders go on that an alert blocks, and those of its incident before it; what came later stands.

    The database decides by the role that DATABASE_URL logs in as, and keeps it beside the name given here.

    Example: precog interlock release 12 --reason "positions checked, limit raised by the desk"
    """
    done = interlock.release(alert_id, actor=by, reason=reason, environment=environment)
    for each in done.made:
        say(f"released {each.scope}, which alert {each.alert_id} blocked; by {each.actor} as {each.role_name}")
    for each in () if done.made else done.before:
        say(
            f"{each.scope} was released at {exact(each.released_at)} by {each.actor} as {each.role_name}: {each.reason}"
        )
    for left in done.standing:
        say(f"still blocked, later in the same incident: {left}")


def _print_standing(environment: Environment, standing: Sequence[Block]) -> None:
    if not standing:
        say(f"No alert blocks orders in {environment}.")
        return
    out().print(_blocks_table(standing, now()))
    for command in release_commands(standing):
        say(f"when it is safe: {command}")


def _blocks_table(standing: Sequence[Block], moment: datetime) -> Table:
    table = new_table("ID", "SCOPE", "TYPE", "BLOCKED", "ALERT IS")
    table.add_column("MESSAGE", ratio=1, no_wrap=True)
    table.expand = out().is_terminal
    for each in standing:
        table.add_row(
            str(each.alert_id),
            plain(str(each.scope), "bold red"),
            plain(each.alert_type),
            relative(each.since, moment),
            plain(_state(each)),
            plain(each.message),
        )
    return table


def _state(block: Block) -> str:
    if block.resolved_by is not None:
        return f"resolved by {block.resolved_by}"
    return f"acknowledged by {block.acknowledged_by}" if block.acknowledged_by is not None else "open"


def _releases_table(done: Sequence[Release]) -> Table:
    table = new_table("ID", "SCOPE", "RELEASED", "BY", "AS ROLE", "FROM", "REASON")
    for typed in (table.columns[1], table.columns[4]):  # whole where there is any room: a time and a reason wrap better
        typed.no_wrap = True
    for each in done:
        table.add_row(
            str(each.alert_id),
            plain(str(each.scope)),
            exact(each.released_at),
            plain(each.actor),
            plain(each.role_name),
            each.client_address or "local",
            plain(each.reason),
        )
    return table


def _verdict_facts(verdict: Verdict) -> dict[str, object]:
    return {
        "asked": [str(each) for each in verdict.asked],
        "blocked": verdict.blocked,
        "since": verdict.since,
        "blocks": [_block_facts(each) for each in verdict.blocks],
        "unknown": verdict.unknown,
    }


def _block_facts(block: Block) -> dict[str, object]:
    return {**asdict(block), "scope": str(block.scope)}


def _release_facts(release: Release) -> dict[str, object]:
    return {**asdict(release), "scope": str(release.scope)}
