"""Options and arguments that several commands share, so that they are spelt and explained alike."""

import getpass
import os
from typing import Annotated

import typer

from precog.channels.registry import KINDS
from precog.domain.alerts import Environment
from precog.domain.nearest import did_you_mean

Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of text, for programs.")]
EnvironmentName = Annotated[
    Environment | None,
    typer.Option("--environment", help="Whose alerts: demo or prod; PRECOG_ENVIRONMENT unless it is given."),
]
AlertId = Annotated[int, typer.Argument(metavar="ID", help="The alert's id, as the lists show it.")]
Notes = Annotated[str | None, typer.Option("--notes", help="What you know or did, for whoever reads it later.")]


def login_name() -> str:
    """Who runs this command; their number where the system has no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"uid {os.getuid()}"


By = Annotated[
    str, typer.Option("--by", default_factory=login_name, show_default="your login name", help="Who does it.")
]


def known_channel(name: str | None) -> str | None:
    if name is not None and name not in KINDS:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(KINDS)}{did_you_mean(name, KINDS)}")
    return name


ChannelName = Annotated[
    str,
    typer.Argument(
        metavar="CHANNEL",
        help="console, file, email, sms, slack or webhook.",
        callback=known_channel,
        autocompletion=lambda: list(KINDS),
    ),
]
