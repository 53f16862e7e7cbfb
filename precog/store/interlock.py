"""Blocks, releases and rules of the interlock in PostgreSQL."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg2 import errors as pg
from psycopg2.extensions import make_dsn, parse_dsn

from precog.domain.alerts import Environment
from precog.domain.interlock import Block, BlockRule, Release, Released, Rules, Scope, ScopeKind
from precog.errors import NotBlocking, ReleaseRefused
from precog.settings import process
from precog.store import alerts
from precog.store.connection import Row
from precog.store.owner import owners_connection
from precog.store.pool import Pool, default_pool, run

MOST_BLOCKS = 20
"""What an answer names at most: one is enough to block."""
_MOST_OF_AN_INCIDENT = 1000
_QUICK = "-c statement_timeout=45 -c lock_timeout=45"
"""Milliseconds. A slow server ends the question itself and keeps the connection; a hung one loses it a little later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    replica: bool
    """Whether the server is one that may be behind."""
    configured: bool
    """Whether the environment has rules: without them nothing blocks, whatever was logged."""
    blocks: tuple[Block, ...]


_pool: Pool | None = None


def _own_pool() -> Pool:
    """Apart from the one that alerts are stored through: a storm of alerts must not keep orders waiting, nor a question
    that was given up cost anybody else their connection."""
    global _pool  # noqa: PLW0603 - one a process, as the default pool
    pool = _pool
    if pool is None:
        given = parse_dsn(process.database_url())
        options = " ".join(filter(None, [given.pop("options", None), _QUICK]))
        pool = _pool = Pool(make_dsn(**given, options=options), size=4)
    return pool


def close_pool() -> None:
    """The next question makes another, from DATABASE_URL as it is then."""
    global _pool
    old, _pool = _pool, None
    if old is not None:
        old.close()


def ask(environment: Environment, scopes: Sequence[Scope], *, within: float) -> Answer:
    """What stands in any of the scopes, seen after the question was asked. Raises StoreError after `within` seconds."""
    statement = "interlock.standing_anywhere" if Scope.all() in scopes else "interlock.standing"
    parameters = {"environment": environment, "scopes": [*map(str, scopes), str(Scope.all())], "most": MOST_BLOCKS}
    rows = _own_pool().safely(lambda connection: connection.run_planned(statement, **parameters), within=within)
    return Answer(
        replica=rows[0]["replica"],
        configured=rows[0]["configured"],
        blocks=tuple(_block(row) for row in rows if row["alert_id"] is not None),
    )


def standing(environment: Environment, *, most: int) -> tuple[Block, ...]:
    """Every block that nobody has released, oldest first."""
    return tuple(map(_block, run("interlock.list", environment=environment, incident_id=None, most=most)))


def standing_of(incident_id: int, environment: Environment) -> tuple[Block, ...]:
    """What an incident's alerts block and nobody has released, oldest first."""
    found = run("interlock.list", environment=environment, incident_id=incident_id, most=_MOST_OF_AN_INCIDENT)
    return tuple(map(_block, found))


def releases(environment: Environment, *, most: int) -> tuple[Release, ...]:
    """The newest first."""
    return tuple(map(_release, run("interlock.releases", environment=environment, incident_id=None, most=most)))


def release(alert_id: int, environment: Environment, *, actor: str, reason: str) -> Released:
    """End what this alert blocks, and what those of its incident before it do.

    Raises UnknownAlert; NotBlocking when nothing of its incident ever blocked; ReleaseRefused.
    """
    incident_id = alerts.get(alert_id, environment)["incident_id"]
    incident = {"environment": environment, "incident_id": incident_id, "most": _MOST_OF_AN_INCIDENT}
    with default_pool().transaction() as connection, _refusals():
        rows = connection.run("interlock.release", **incident, alert_id=alert_id, actor=actor, reason=reason)
        every = [_release(row) for row in connection.run("interlock.releases", **incident)]
        left = [_block(row) for row in connection.run("interlock.list", **incident)]
    if not every and not left:
        raise NotBlocking(alert_id)
    made = {row["release_id"] for row in rows}
    return Released(
        made=tuple(each for each in every if each.release_id in made),
        before=tuple(each for each in every if each.release_id not in made),
        standing=tuple(left),
    )


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except pg.InsufficientPrivilege as refusal:
        raise ReleaseRefused(
            refusal.diag.message_primary or "the database refuses", refusal.diag.message_hint
        ) from refusal


def rules(environment: Environment) -> Rules:
    """Empty where none were written."""
    return Rules(
        blocking=frozenset(
            BlockRule(**{**row, "scope_kind": ScopeKind(row["scope_kind"])})
            for row in run("interlock.rules", environment=environment)
        ),
        releasers=frozenset(row["role_name"] for row in run("interlock.releasers", environment=environment)),
    )


def write_rules(environment: Environment, wanted: Rules) -> None:
    """Make the environment's rules exactly these; what is open already blocks by them, too.

    Blocks that stand are none of its concern. Only the owner of the tables may: a program that could name the
    releasers could name itself. Raises StoreError.
    """
    blocking = sorted(wanted.blocking, key=lambda each: each.alert_type)
    with owners_connection("precog config apply") as connection:
        connection.run(
            "interlock.lock_rules",
            "interlock.clear_rules",
            "interlock.clear_releasers",
            "interlock.add_rules",
            "interlock.add_releasers",
            "interlock.block_open",
            environment=environment,
            alert_types=[each.alert_type for each in blocking],
            scope_kinds=[each.scope_kind.value for each in blocking],
            fields=[each.field for each in blocking],
            role_names=sorted(wanted.releasers),
        )


def _block(row: Row) -> Block:
    return Block(
        scope=Scope.parse(row["scope"]),
        alert_id=row["alert_id"],
        incident_id=row["incident_id"],
        alert_type=row["alert_type"],
        component=row["component"],
        message=row["message"],
        since=row["blocked_at"],
        acknowledged_by=row["acknowledged_by"],
        resolved_by=row["resolved_by"],
    )


def _release(row: Row) -> Release:
    return Release(**{**row, "scope": Scope.parse(row["scope"])})
