"""`precog methods`: make trading methods, prove them, compare them, and hand them on."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from precog import methods
from precog.cli.method_page import compared_table, method_page, methods_table
from precog.cli.options import By, Json, Notes
from precog.cli.output import out, print_json, say
from precog.domain.methods import MOVES, Method, MethodStatus
from precog.errors import MethodInvalid, Problem
from precog.store import methods as store

app = typer.Typer(help="Make trading methods, prove them on paper, activate and compare them.")

MethodName = Annotated[str, typer.Argument(metavar="METHOD", help="The method, such as kelly_nfl@v1.0, or its number.")]


@app.command()
def create(  # one parameter an option
    method: Annotated[str, typer.Argument(metavar="METHOD", help="Its name and version, such as kelly_nfl@v1.0.")],
    *,
    template: Annotated[str, typer.Option(help="What it is made from: conservative, moderate or aggressive.")],
    strategy: Annotated[str, typer.Option(help="The strategy version it uses, such as momentum@v1.0.")],
    model: Annotated[str, typer.Option(help="The model version it believes, such as elo_nfl@v2.1.")],
    override: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Another value than the template's, as JSON; repeatable."),
    ] = None,
    new_keys: Annotated[bool, typer.Option("--new-keys", help="Let --set add keys that the template lacks.")] = False,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    by: By,
    notes: Notes = None,
) -> None:
    """Make a draft from a template. Everything that is wrong with it is said at once.

    Example: precog methods create kelly_nfl@v1.0 --template moderate --strategy momentum@v1.0 --model elo_nfl@v2.1 --set risk_config.kelly_fraction=0.18
    """  # noqa: E501 - the example is one line
    name, _, version = method.rpartition("@")
    made = methods.create_method(
        name,
        version,
        template=template,
        strategy=strategy,
        model=model,
        overrides=_overrides(override or ()),
        new_keys=new_keys,
        description=description,
        notes=notes,
        created_by=by,
    )
    say(f"created {made.name}, a draft with the configs {made.config_hash}")
    if same := store.twins(made.method_id):
        say(f"{_names(same)} has the same strategy, model and configs")
    say(f"next: `precog methods test {made.name}`")


@app.command("list")
def list_(
    *,
    status: Annotated[MethodStatus | None, typer.Option(case_sensitive=False, help="Only of this status.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Deprecated ones as well.")] = False,
    as_json: Json = False,
) -> None:
    """List methods by name, the newest version first, with what their trades came to.

    Example: precog methods list --status active
    """
    found = methods.list_methods(status=status, deprecated=every)
    fared = store.performance([each.method_id for each in found])
    if as_json:
        print_json([_document(each, fared[each.method_id, False], fared[each.method_id, True]) for each in found])
    elif not found:
        say("No methods." if every else "No methods; --all shows deprecated ones.")
    else:
        out().print(methods_table(found, fared))


@app.command()
def show(method: MethodName, *, as_json: Json = False) -> None:
    """Show all there is about a method: its configs, how it fared, and where it may move.

    Example: precog methods show kelly_nfl@v1.0
    """
    found = methods.get_method(method)
    fared = store.performance([found.method_id])
    live, paper = fared[found.method_id, False], fared[found.method_id, True]
    if as_json:
        print_json(_document(found, live, paper))
    else:
        out().print(method_page(found, live, paper))


@app.command()
def compare(
    method: Annotated[list[str], typer.Argument(metavar="METHOD...", help="Two or more, such as kelly_nfl@v1.0.")],
    *,
    paper: Annotated[bool, typer.Option("--paper/--live", help="Their paper trades, or their live ones.")] = False,
    since: Annotated[datetime | None, typer.Option(help="Bets opened from this time on (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(help="Bets opened before this time (UTC).")] = None,
    as_json: Json = False,
) -> None:
    """Compare versions over the same period, by default that in which all of them ran. Intervals are of 95 %.

    Example: precog methods compare kelly_nfl@v1.0 kelly_nfl@v1.1
    """
    found = methods.compare_methods(method, paper=paper, since=_utc(since), until=_utc(until))
    if as_json:
        versions = [{**asdict(each), "method": str(each.method.name)} for each in found.versions]
        print_json({**asdict(found), "versions": versions})
    else:
        out().print(compared_table(found))


@app.command()
def test(method: MethodName) -> None:
    """Put a draft on trial. From here on what it is never changes, and its paper trades earn its activation.

    Example: precog methods test kelly_nfl@v1.0
    """
    _say_moved(methods.start_testing(method))


@app.command()
def activate(
    method: MethodName,
    *,
    keep_older: Annotated[
        bool, typer.Option("--keep-older", help="Let older versions run on, for an A/B comparison.")
    ] = False,
) -> None:
    """Put a method to use: after 10 paper trades with a gain. Its older versions are deprecated.

    Example: precog methods activate kelly_nfl@v1.1 --keep-older
    """
    activated = methods.activate_method(method, keep_older=keep_older)
    _say_moved(activated.method)
    if activated.deprecated:
        say(f"deprecated {_names(activated.deprecated)}")


@app.command()
def deactivate(method: MethodName) -> None:
    """Take an active method out of use; it may be activated again.

    Example: precog methods deactivate kelly_nfl@v1.0
    """
    _say_moved(methods.deactivate_method(method))


@app.command()
def deprecate(method: MethodName) -> None:
    """End a version for good. It is kept for five years from its deactivation.

    Example: precog methods deprecate kelly_nfl@v1.0
    """
    _say_moved(methods.deprecate_method(method))


@app.command()
def export(
    method: MethodName,
    *,
    file: Annotated[Path | None, typer.Option("--to", help="The file to write; standard output unless given.")] = None,
) -> None:
    """Write what a method is as JSON, for backup and sharing: not how it fared.

    Example: precog methods export kelly_nfl@v1.0 --to kelly_nfl.json
    """
    text = methods.export_method(method)
    if file is None:
        typer.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8")
        say(f"written to {file}")


@app.command("import")
def import_(
    file: Annotated[
        typer.FileText, typer.Argument(encoding="utf-8", help="A document that export wrote; - for standard input.")
    ],
) -> None:
    """Store an exported method as a draft. Its hash, strategy and model must match; one that is here already stays.

    Example: precog methods import kelly_nfl.json
    """
    done = methods.import_method(_read(file))
    say(f"imported {done.method.name} as a draft" if done.created else f"{done.method.name} is here already")


def _read(file: typer.FileText) -> str:
    try:
        return file.read()
    except UnicodeDecodeError as error:
        raise MethodInvalid([Problem("document", f"is no UTF-8 text: {error.reason}")]) from error


def _overrides(settings: Iterable[str]) -> dict[str, object]:
    """`risk_config.kelly_fraction=0.18` as nested mappings. Raises MethodInvalid with all that cannot be read."""
    overrides: dict[str, object] = {}
    problems = [problem for each in settings if (problem := _set(overrides, each)) is not None]
    if problems:
        raise MethodInvalid(problems)
    return overrides


def _set(overrides: dict[str, object], setting: str) -> Problem | None:
    """Put the value in its place; what is wrong with it, if anything."""
    path, equals, value = setting.partition("=")
    *above, key = path.strip().split(".")
    if not (equals and above and all((*above, key))):
        return Problem("--set", f"{setting!r} is not written like risk_config.kelly_fraction=0.18")
    place: Any = overrides
    for step in above:
        place = place.setdefault(step, {})
        if not isinstance(place, dict):
            return Problem(path, f"{step} is set to a value of its own")
    try:
        place[key] = json.loads(value, parse_float=Decimal)
    except ValueError:
        return Problem(path, f"{value!r} is no JSON; a text stands in double quotes: {path}='\"text\"'")
    return None


def _utc(moment: datetime | None) -> datetime | None:
    return moment and moment.replace(tzinfo=UTC)


def _say_moved(method: Method) -> None:
    onward = ", ".join(sorted(MOVES[method.status]))
    say(f"{method.name} is {method.status}" + (f"; it may move to {onward}" if onward else ""))


def _names(names: Iterable[object]) -> str:
    return ", ".join(str(each) for each in names)


def _document(method: Method, live: methods.Performance, paper: methods.Performance) -> dict[str, object]:
    described = {"name": str(method.name), "strategy": str(method.strategy), "model": str(method.model)}
    return {**asdict(method), **described, "live": asdict(live), "paper": asdict(paper)}
