"""`precog demo`: the real thing on servers of its own, told as a story to a person, and checked against what arrived.

PostgreSQL, Redis, migrations, routes and worker processes are those of every installation. Only the world outside is
played: a mail server, an SMS gateway, Slack and a webhook on loopback, each spoken to over real SMTP and HTTP.
"""

from precog.errors import LocalStackError


def run(*, kill_worker: bool = False) -> int:
    """0 when everything arrived, 1 with the reason when not, 128 and the signal's number when somebody stopped it.

    `kill_worker` kills one with -9 in the middle of a send and waits until its delivery is taken over.
    """
    try:
        from precog.demo import tour  # what it plays with is an extra that production does without
    except ModuleNotFoundError as error:
        raise LocalStackError(f"the demo needs the package {error.name}, which precog[local] brings") from error
    return tour.run(kill_worker=kill_worker)
