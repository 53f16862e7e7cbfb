"""`precog up` and `precog demo`: everything on this machine.

What they start comes with packages of its own, which production does without: each is loaded when it is run.
"""

from typing import Annotated

import typer

from precog.cli.output import out


def up() -> None:
    """Start PostgreSQL, Redis, workers, watch and Flower on this machine, until Ctrl-C; the data stays in .precog.

    It migrates, writes the routes, and prints how another terminal uses the stack. DATABASE_URL or REDIS_URL, where
    set, are used instead of a server of its own; PRECOG_HOME names another directory for the data.

    Example: precog up
    """
    from precog.localstack.up import home
    from precog.localstack.up import up as run_until_stopped

    run_until_stopped(home(), out())


def demo(
    *,
    kill_worker: Annotated[
        bool,
        typer.Option(
            "--kill-worker",
            help="Kill a worker in the middle of a send, and see its delivery taken over; takes two minutes.",
        ),
    ] = False,
) -> None:
    """Tour the whole of it in half a minute: alerts raised, delivered, repeated, failed, tried again and taken on.

    It has servers and recipients of its own, checks that what was promised arrived, and leaves nothing behind. Exit
    status 1 where something did not.

    Example: precog demo
    """
    from precog.demo import run

    raise typer.Exit(run(kill_worker=kill_worker))
