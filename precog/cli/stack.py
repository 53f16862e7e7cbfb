"""`precog up`: everything on this machine."""

from precog.cli.output import out


def up() -> None:
    """Start PostgreSQL, Redis, workers and Flower on this machine, until Ctrl-C; the data stays in .precog.

    It migrates, writes the routes, and prints how another terminal uses the stack. DATABASE_URL or REDIS_URL, where
    set, are used instead of a server of its own; PRECOG_HOME names another directory for the data.

    Example: precog up
    """
    from precog.localstack.up import home  # the stack's packages are an extra that production does without
    from precog.localstack.up import up as run_until_stopped

    run_until_stopped(home(), out())
