"""`precog config`: whether the configuration holds, and who is told of what."""

from collections.abc import Collection, Iterable
from dataclasses import asdict
from itertools import groupby

import typer

from precog.channels.registry import KINDS
from precog.cli.configured import ChannelState, channel_states, current_settings
from precog.cli.options import Json
from precog.cli.outcome import Exit
from precog.cli.output import coloured, new_table, out, plain, print_json, say
from precog.cli.stderr import say_error
from precog.domain.alerts import Severity
from precog.domain.routes import Route
from precog.errors import ConfigError
from precog.settings.model import Settings
from precog.settings.routes import planned_routes
from precog.store import channels, interlock

app = typer.Typer(help="Check the YAML files and the environment, and write who is told of what to the database.")


@app.command()
def check(*, as_json: Json = False) -> None:
    """Show every problem of the configuration at once, or the channels and the routes it comes to.

    Needs no server. Exit status 1 with problems.

    Example: precog config check
    """
    try:
        settings = current_settings()
    except ConfigError as error:
        if as_json:
            print_json({"problems": [problem._asdict() for problem in error.problems]})
        else:
            say_error(str(error))
        raise typer.Exit(Exit.NOT_WELL) from error
    states, routes = channel_states(settings), planned_routes(settings, KINDS)
    if as_json:
        _print_json(settings, states, routes)
    else:
        _print(settings, states, routes)


def _print_json(settings: Settings, states: Iterable[ChannelState], routes: Iterable[Route]) -> None:
    print_json(
        {
            "problems": [],
            "environment": settings.environment,
            "channels": [asdict(each) for each in states],
            "routes": [asdict(each) for each in routes],
        }
    )


def _print(settings: Settings, states: Iterable[ChannelState], routes: Collection[Route]) -> None:
    say(f"The configuration holds. Environment: {settings.environment}.")
    table = new_table("CHANNEL", "STATE")
    for each in states:
        table.add_row(each.channel, plain(each.state, "green" if each.on else "dim"))
    console = out()
    console.print()
    console.print(table)
    console.print()
    table = new_table("SEVERITY", "CHANNEL", "RECIPIENTS")
    for severity in Severity:
        for position, (channel, recipients) in enumerate(_by_channel(routes, severity)):
            table.add_row(coloured(severity) if position == 0 else "", channel, plain(recipients))
    console.print(table)


def _by_channel(routes: Iterable[Route], severity: Severity) -> list[tuple[str, str]]:
    """The channels of one severity, each with its recipients."""
    ours = [route for route in routes if route.severity is severity]
    grouped = groupby(ours, key=lambda route: route.channel)
    return [(channel, ", ".join(route.recipient for route in each)) for channel, each in grouped] or [("nobody", "")]


@app.command()
def apply() -> None:
    """Write the routes and the interlock of the configuration to the database, from where every alert takes them.

    Run it after each change of the routing, the recipients, a channel's variables or the interlock.

    Example: precog config apply
    """
    settings = current_settings()
    wanted = planned_routes(settings, KINDS)
    standing = channels.routes(settings.environment)
    channels.write_routes(settings.environment, wanted)
    added, removed = [each for each in wanted if each not in standing], standing - set(wanted)
    for sign, routes in (("+", added), ("-", sorted(removed, key=_order))):
        for each in routes:
            say(f"{sign} {each.severity} {each.channel} {each.recipient}")
    say(f"{len(wanted)} routes in {settings.environment}: +{len(added)} -{len(removed)}.")
    _apply_interlock(settings)


def _apply_interlock(settings: Settings) -> None:
    wanted = settings.trading.interlock.rules()
    if interlock.rules(settings.environment) != wanted:
        interlock.write_rules(settings.environment, wanted)
        releasers = ", ".join(sorted(wanted.releasers))
        say(f"Interlock in {settings.environment}: {len(wanted.blocking)} types block, {releasers} may release.")


def _order(route: Route) -> tuple[int, str, str]:
    return -route.severity.rank, route.channel, route.recipient
