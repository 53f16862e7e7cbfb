"""`precog watch`: the alert sources that look at the tables, on their intervals."""

from typing import Annotated

import typer

from precog.cli.output import new_table, out, plain
from precog.logger import configure_logging
from precog.settings.load import load_logging
from precog.settings.process import process_settings
from precog.sources.watch import Watch, watch_once


def watch(
    *,
    once: Annotated[bool, typer.Option("--once", help="Look once, say what each source did, and end.")] = False,
) -> None:
    """Trip breakers, check components, judge models, and look after positions, until Ctrl-C or SIGTERM.

    It needs DATABASE_URL and REDIS_URL, and no channel: workers send what it raises. One is enough; more do no harm.

    Example: precog watch --once
    """
    settings = process_settings()
    if once:
        _print(watch_once())
        return
    urls = (settings.database_url.get_secret_value(), settings.redis_url.get_secret_value())
    configure_logging(load_logging(), secrets=urls)
    Watch().run()


def _print(done: dict[str, object]) -> None:
    table = new_table("SOURCE", "DONE")
    for source, what in done.items():
        table.add_row(source, plain(_words(what)))
    out().print(table)


def _words(what: object) -> str:
    match what:
        case dict():
            return ", ".join(f"{name}: {each}" for name, each in what.items()) or "nothing"
        case list():
            return ", ".join(str(each) for each in what) or "nothing"
    return str(what)
