"""Which channels are paused, and who is told of what."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from precog.domain.alerts import Environment, Severity
from precog.domain.routes import Route
from precog.store.pool import default_pool, run


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    channel: str
    paused_at: datetime
    error_code: str
    reason: str


def pause(environment: Environment, channel: str, *, error_code: str, reason: str) -> bool:
    """False when the channel is paused already."""
    return bool(run("channels.pause", environment=environment, channel=channel, error_code=error_code, reason=reason))


def resume(environment: Environment, channel: str, *, by: str) -> bool:
    """Let the channel go on; recovery frees what it held. False when it was not paused."""
    return bool(run("channels.resume", environment=environment, channel=channel, by=by))


def paused(environment: Environment) -> list[Pause]:
    return [Pause(**row) for row in run("channels.paused", environment=environment)]


def routes(environment: Environment) -> frozenset[Route]:
    return frozenset(
        Route(environment=environment, **{**row, "severity": Severity(row["severity"])})
        for row in run("routes.list", environment=environment)
    )


def write_routes(environment: Environment, wanted: Collection[Route], *, only_if_none: bool = False) -> bool:
    """Make the environment's routes exactly these. False when there were some and `only_if_none` was asked for."""
    columns = {
        "environment": environment,
        "severities": [each.severity.value for each in wanted],
        "channels": [each.channel for each in wanted],
        "recipients": [each.recipient for each in wanted],
    }
    with default_pool().transaction() as connection:
        connection.run("routes.lock", environment=environment)
        if only_if_none and connection.run("routes.list", environment=environment):
            return False
        connection.run("routes.remove", **columns)
        connection.run("routes.add", **columns)
        return True
