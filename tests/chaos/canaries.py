"""T8: every secret is a canary, everything that can fail fails, and nothing that is kept names one of them."""

import base64
import secrets
from collections.abc import Iterator, Mapping

import redis
from psycopg2.extensions import parse_dsn

from tests.chaos.invariants import Finding
from tests.chaos.receiver import Manner
from tests.chaos.rig import Rig, rig
from tests.chaos.waiting import drain
from tests.waiting import eventually

ROUTES = {
    "critical": ["sms", "email", "slack", "webhook"],
    "high": ["sms", "slack"],
    "medium": ["email", "webhook"],
    "low": ["slack", "webhook"],
}


def canaries(seed: int, *, alerts: int = 15) -> list[Finding]:
    """`alerts` for each way in which the outside fails, and a few while PostgreSQL and Redis are away."""
    del seed
    with rig(routes=ROUTES) as world:
        token = secrets.token_hex(12)
        secret = base64.b64encode(secrets.token_bytes(24)).decode()
        planted = _planted(world, token, secret)
        world.keep_workers("one", **planted)
        for manner in (Manner.BROKEN, Manner.FORGETFUL, Manner.BUSY, Manner.KIND):
            world.manners(sms=manner, slack=manner, webhook=manner)
            _log(world, manner.name, alerts, planted)
        world.postgres_door.go_away()
        world.redis_door.go_away()
        _log(world, "away", alerts, planted)
        world.behave()
        drain(world, patience=6)  # the mail server takes no log-in, so mail stays held
        needles = {
            "a configured token": token,
            "CUSTOM_WEBHOOK_SECRET": secret,
            "the password of DATABASE_URL": str(parse_dsn(world.postgres.url)["password"]),
            "the password of REDIS_URL": world.redis.url.partition("//:")[2].partition("@")[0],
        }
        kept = dict(_kept(world))
        hits = [
            f"{name} in {place}" for name, needle in needles.items() for place, text in kept.items() if needle in text
        ]
        return [
            Finding(
                invariant="canaries",
                figure=f"{len(hits)} hits in {sum(map(len, kept.values())):,} characters of {len(kept)} places",
                holds=not hits and len(kept) > 20,
                examples=tuple(hits[:5]),
            )
        ]


def _planted(world: Rig, token: str, secret: str) -> dict[str, str]:
    return {
        "SMTP_USERNAME": f"{token}-user",
        "SMTP_PASSWORD": f"{token}-password",
        "TWILIO_AUTH_TOKEN": f"{token}-twilio",
        "SLACK_WEBHOOK_URL": world.variables["SLACK_WEBHOOK_URL"].replace("secret", f"{token}slack"),
        "CUSTOM_WEBHOOK_URL": f"{world.variables['CUSTOM_WEBHOOK_URL']}/{token}hook?key={token}",
        "CUSTOM_WEBHOOK_SECRET": f"whsec_{secret}",
    }


def _log(world: Rig, name: str, count: int, planted: Mapping[str, str]) -> None:
    mix = "low=30,medium=30,high=30,critical=10"
    caller = world.start(name, *world.producer(name, 20, count), PRODUCER_MIX=mix, **planted)
    eventually(lambda: caller.exit_status is not None, 90)


def _kept(world: Rig) -> Iterator[tuple[str, str]]:
    """All that outlives a process: logs, journals, every row of every table, every key and file of Redis."""
    for pattern in ("**/*.log", "calls.*.jsonl", "journal/*", "redis/*-data/**/*.aof"):
        for file in world.folder.glob(pattern):
            yield str(file.relative_to(world.folder)), file.read_bytes().decode(errors="replace")
    for (table,) in world.sql(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public'"
    ):
        yield f"table {table}", "\n".join(str(row) for (row,) in world.sql(f"SELECT t::text FROM {table} AS t"))
    with redis.Redis.from_url(world.redis.url, socket_timeout=5) as client:
        for key in client.scan_iter():
            yield f"Redis {key!r}", repr(client.dump(key))
