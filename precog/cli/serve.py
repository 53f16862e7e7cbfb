"""`precog serve`: what answers over HTTP."""

from typing import Annotated

import typer

from precog.cli.configured import current_settings
from precog.cli.outcome import Exit
from precog.cli.stderr import leave_to_the_log
from precog.logger import configure_logging
from precog.settings import process
from precog.settings.secrets import configured_secrets


def serve(
    *,
    host: Annotated[str, typer.Option(help="The address to listen on; a proxy that speaks TLS stands before it.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=1, max=65_535, envvar="PRECOG_SERVE_PORT", help="The port.")] = 8010,
) -> None:
    """Answer over HTTP until Ctrl-C: take Twilio's reports on SMS, and say at /healthz whether all is well.

    Needed only where Twilio can reach this machine: PRECOG_PUBLIC_URL says at what address. Elsewhere recovery asks Twilio.

    Example: precog serve --port 8010
    """  # noqa: E501 - the help keeps a line's end, and wraps by itself
    from precog.web import server  # a server's worth of modules that no other command needs

    process.database_url()
    settings = current_settings()
    leave_to_the_log()
    configure_logging(settings.logging, secrets=configured_secrets(settings))
    if not server.serve(settings, host=host, port=port):
        raise typer.Exit(Exit.NOT_WELL)
