"""The server: uvicorn, told to trust no header about who is asking, and to log as everything else here."""

import logging
import signal
from contextlib import suppress

import uvicorn

from precog.settings.model import Settings
from precog.web.app import make_app

_MOST_AT_ONCE = 100
"""Requests; what comes beyond them is answered 503."""


def serve(settings: Settings, *, host: str, port: int) -> bool:
    """Answer until SIGINT or SIGTERM. False when it could not begin: the log says why."""
    server = make_server(settings, host=host, port=port)
    for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn raises once more, at its end, what it was stopped by
        signal.signal(number, lambda *_: None)
    logging.getLogger("uvicorn.error").addFilter(_without_colours)
    with suppress(SystemExit):
        server.run()
    return server.started


def _without_colours(record: logging.LogRecord) -> bool:
    record.__dict__.pop("color_message", None)  # the same event once more, for a terminal
    return True


def make_server(settings: Settings, *, host: str, port: int) -> uvicorn.Server:
    config = uvicorn.Config(
        make_app(settings),
        host=host,
        port=port,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MOST_AT_ONCE,
        timeout_graceful_shutdown=5,
    )
    return uvicorn.Server(config)
