"""The commands put together. The help of the root reads as a guide."""

from importlib.metadata import version
from typing import Annotated

import typer

from precog.cli import (
    alerts,
    breakers,
    channels,
    config,
    db,
    deliveries,
    doctor,
    health,
    interlock,
    journal,
    log,
    methods,
    prune,
    serve,
    stack,
    trial,
    watch,
)
from precog.cli.outcome import errors_told
from precog.cli.stderr import warnings_shown

START, DAILY, CONFIGURATION, OPERATION = "Start here", "Daily work", "Configuration", "Operation"

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich")


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - the shape of typer's callbacks
    if wanted:
        typer.echo(f"precog {version('precog')}")
        raise typer.Exit


@app.callback()
def precog(
    context: typer.Context,
    *,
    debug: Annotated[
        bool, typer.Option("--debug", envvar="PRECOG_DEBUG", help="Show the traceback of an error, too.")
    ] = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Precog stores what goes wrong in a trading system, tells the right people once, and keeps every try on record.

    New here: `precog demo` shows all of it, `precog up` starts everything on this machine, `precog log` raises an alert, `precog alerts list` shows it, and `precog doctor` says what is wrong and what mends it. Every command explains itself with --help.

    Exit status: 0 done; 1 it failed, or what was asked about is not well; 2 a mistake in the command; 3 PostgreSQL is away or its schema is not this program's; 4 there is no such alert, delivery, method or breaker event; 5 only warnings (doctor). `precog health` has its own: 0 ok, 1 degraded, 2 down.
    """  # noqa: E501 - the help keeps a line's end, and wraps by itself
    context.with_resource(errors_told(with_traceback=debug))
    context.with_resource(warnings_shown())


app.command(rich_help_panel=START)(stack.demo)
app.command(rich_help_panel=START)(stack.up)
app.add_typer(alerts.app, name="alerts", rich_help_panel=DAILY, no_args_is_help=True)
app.command(rich_help_panel=DAILY)(log.log)
app.add_typer(interlock.app, name="interlock", rich_help_panel=DAILY, no_args_is_help=True)
app.add_typer(methods.app, name="methods", rich_help_panel=DAILY, no_args_is_help=True)
app.add_typer(breakers.app, name="breakers", rich_help_panel=DAILY, no_args_is_help=True)
app.add_typer(config.app, name="config", rich_help_panel=CONFIGURATION, no_args_is_help=True)
app.command("test-notification", rich_help_panel=CONFIGURATION)(trial.notify_once)
app.command(rich_help_panel=OPERATION)(doctor.doctor)
app.command(rich_help_panel=OPERATION)(watch.watch)
app.command(rich_help_panel=OPERATION)(health.health)
app.add_typer(deliveries.app, name="deliveries", rich_help_panel=OPERATION, no_args_is_help=True)
app.add_typer(channels.app, name="channels", rich_help_panel=OPERATION, no_args_is_help=True)
app.add_typer(journal.app, name="journal", rich_help_panel=OPERATION, no_args_is_help=True)
app.command(rich_help_panel=OPERATION)(prune.prune)
app.add_typer(db.app, name="db", rich_help_panel=OPERATION, no_args_is_help=True)
app.command(rich_help_panel=OPERATION)(serve.serve)
