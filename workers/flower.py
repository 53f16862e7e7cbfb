"""Flower's door: it revokes tasks and stops workers, so it opens on this machine only, and never without a password."""

import sys

import click


def keep_closed() -> None:
    """To be called once Flower has read its options and before it listens. Nothing where another command runs."""
    context = click.get_current_context(silent=True)
    if context is None or context.info_name != "flower":
        return
    from tornado.options import options  # Flower's own; a worker needs none of it

    if not (options.basic_auth or options.auth):
        sys.exit(
            "Flower does not start without a password, since it can revoke tasks and stop workers;"
            " set FLOWER_BASIC_AUTH=user:password, or one of Flower's own ways to log in (--auth)"
        )
    if not (options.address or options.unix_socket):
        options.address = "127.0.0.1"  # everywhere only where somebody says so: FLOWER_ADDRESS=0.0.0.0
