"""The whole system on servers of its own, every one of which may be hurt: one rig a test."""

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
import yaml
from psycopg2.extensions import make_dsn, parse_dsn

from precog import queue
from precog.channels.registry import KINDS
from precog.localstack.postgres import postgres_server
from precog.localstack.processes import Command, Process
from precog.localstack.redis import redis_server
from precog.localstack.server import Server
from precog.localstack.supervisor import Service, Supervisor
from precog.resources import resource
from precog.settings.load import load_settings
from precog.settings.routes import planned_routes
from precog.store.migrate import migrate
from tests.chaos.family import family
from tests.chaos.receiver import Manner
from tests.e2e.world import worker_command
from tests.outside import documented_variables
from tests.proxy import Proxy, proxy
from tests.waiting import eventually

TIMING = {"send_limit_seconds": 6, "lease_seconds": 8, "ring_again_seconds": 10, "look_up_seconds": 2}
TIMEOUT_SECONDS = 2
ROUTES = {
    "critical": ["sms", "webhook"],
    "high": ["slack", "webhook"],
    "medium": ["email", "webhook"],
    "low": ["email", "slack"],
}
"""Two channels for each alert."""
NUMBERS = ("+15550100002", "+15550100003", "+15550100004")
_MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    folder: Path
    postgres: Server
    redis: Server
    postgres_door: Proxy
    redis_door: Proxy
    """Every program goes through the doors; the test itself does not."""
    variables: Mapping[str, str] = field(repr=False)
    running: dict[str, Process] = field(default_factory=dict)
    """What was started under each name, the last run of it."""
    ended: list[str] = field(default_factory=list)
    """What the restart loop said."""
    _stack: ExitStack = field(default_factory=ExitStack, repr=False)

    def start(self, name: str, *argv: str, **variables: str) -> Process:
        """A program of this world, which ends with it at the latest."""
        process = self.running[name] = Process(self.command(name, *argv, **variables))
        self._stack.callback(process.kill)
        return process

    def keep(self, services: Mapping[str, Sequence[str]], **variables: str) -> ExitStack:
        """Programs that are started again whenever they end, until the stack is closed."""

        def start(name: str, argv: Sequence[str]) -> Process:
            process = self.running[name] = Process(self.command(name, *argv, **variables))
            return process

        kept = [Service(name=name, start=partial(start, name, argv)) for name, argv in services.items()]
        stack = self._stack.enter_context(ExitStack())
        stack.enter_context(Supervisor(kept, self.ended.append, longest_pause=1.0))
        eventually(lambda: services.keys() <= self.running.keys())
        return stack

    def keep_workers(self, *names: str, of: Sequence[str] = queue.CHANNELS, **variables: str) -> None:
        """Two children each, and a recovery beside each, all of them ready when this returns."""
        self.keep({name: worker_command(name, of) for name in names}, **variables)
        for name in names:
            self.wait_until_it_says(name, "ready.")

    def wait_until_it_says(self, name: str, words: str, seconds: float = 60) -> None:
        log = self.folder / f"{name}.log"
        eventually(lambda: log.exists() and words in log.read_text(errors="replace"), seconds)

    def command(self, name: str, *argv: str, **variables: str) -> Command:
        return Command(
            name=name,
            argv=argv,
            log=self.folder / f"{name}.log",
            directory=self.folder,
            environment={**os.environ, **self.variables, **variables},
        )

    def producer(self, name: str, rate: float, count: int | None = None) -> tuple[str, ...]:
        """The command of a program that logs alerts; its journal is `calls.NAME.jsonl`."""
        journal = str(self.folder / f"calls.{name}.jsonl")
        argv = (sys.executable, "-m", "tests.chaos.producer", name, journal, str(rate))
        return argv if count is None else (*argv, str(count))

    def manners(self, **channels: Manner) -> None:
        """How the outside answers from now on; a channel that is not named accepts."""
        draft = self.folder / "manners.new"
        draft.write_text(json.dumps({channel: manner.name for channel, manner in channels.items()}))
        draft.replace(self.folder / "manners.json")

    def sql(self, statement: str, *parameters: object) -> list[Any]:
        """Straight to the server, as its administrator."""
        connection = psycopg2.connect(self.postgres.url, connect_timeout=5)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def postgres_family(self) -> list[int]:
        """The server and its sessions: a stopped one without them would answer as before."""
        return family(self.postgres.process.pid)

    def freeze(self, pids: Sequence[int], seconds: float) -> None:
        """They keep everything and do nothing, for so long."""
        _signal(pids, signal.SIGSTOP)
        time.sleep(seconds)
        _signal(pids, signal.SIGCONT)

    def behave(self) -> None:
        """Every fault is over."""
        self.postgres_door.behave()
        self.redis_door.behave()
        self.manners()


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


@contextmanager
def rig(
    *,
    routes: Mapping[str, Sequence[str]] = ROUTES,
    redis_runs: bool = True,
    redis_at: Path | None = None,
    **notifications: Mapping[str, Any],
) -> Iterator[Rig]:
    """Servers and the outside running, the database migrated, the routes written; no worker yet.

    `notifications`: sections of system.yaml, merged into the shipped ones.
    """
    with _place() as folder, ExitStack() as stack:
        postgres = postgres_server(folder / "postgres")
        stack.callback(postgres.stop)
        postgres.start()
        redis = redis_server(redis_at or folder / "redis")
        stack.callback(redis.stop)
        redis.start()
        migrate(postgres.url)
        (folder / "manners.json").write_text("{}")
        outside = Process(_receiver_command(folder))
        stack.callback(outside.kill)
        ports = json.loads(eventually(partial(_read, folder / "ports.json"), 60))
        postgres_door = stack.enter_context(proxy("127.0.0.1", int(parse_dsn(postgres.url)["port"])))
        redis_door = stack.enter_context(proxy("127.0.0.1", int(redis.url.rpartition(":")[2].partition("/")[0])))
        if not redis_runs:
            redis.stop()
        variables = {
            **dict.fromkeys(documented_variables(), ""),
            **_outside(ports),
            "DATABASE_URL": make_dsn(postgres.url, port=postgres_door.port),
            "REDIS_URL": _at_port(redis.url, redis_door.port),
            "PRECOG_ENVIRONMENT": "demo",
            "PRECOG_JOURNAL_DIR": str(folder / "journal"),
            "PRECOG_CONFIG_DIR": str(_configuration(folder, routes, notifications)),
        }
        made = Rig(
            folder=folder,
            postgres=postgres,
            redis=redis,
            postgres_door=postgres_door,
            redis_door=redis_door,
            variables=variables,
            _stack=stack.enter_context(ExitStack()),
        )
        _write_routes(made)
        yield made


@contextmanager
def _place() -> Iterator[Path]:
    """In memory where there is room. Never below a directory that the account of root's PostgreSQL cannot enter."""
    roomy = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 2 * 2**30
    runs_programs = roomy and not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC
    with tempfile.TemporaryDirectory(prefix="precog-chaos-", dir=_MEMORY if runs_programs else None) as directory:
        Path(directory).chmod(0o711)
        yield Path(directory)


def _receiver_command(folder: Path) -> Command:
    argv = (sys.executable, "-m", "tests.chaos.receiver", str(folder))
    return Command(name="receiver", argv=argv, log=folder / "receiver.log")


def _read(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def _at_port(url: str, port: int) -> str:
    before, _, database = url.rpartition("/")
    return f"{before.rpartition(':')[0]}:{port}/{database}"


def _outside(ports: Mapping[str, int]) -> dict[str, str]:
    return {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(ports["email"]),
        "SMTP_SECURITY": "none",
        "ALERT_FROM_EMAIL": "precog@example.com",
        "DEFAULT_ALERT_EMAILS": "ann@example.com",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "a-token",
        "TWILIO_FROM_NUMBER": "+15550100001",
        "TWILIO_API_BASE_URL": f"http://127.0.0.1:{ports['sms']}",
        "CRITICAL_ALERT_PHONE_NUMBERS": NUMBERS[0],
        "HIGH_ALERT_PHONE_NUMBERS": ",".join(NUMBERS),
        "SLACK_WEBHOOK_URL": f"http://127.0.0.1:{ports['slack']}/services/T0/B0/secret",
        "CUSTOM_WEBHOOK_URL": f"http://127.0.0.1:{ports['webhook']}/hook",
        "CUSTOM_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "CUSTOM_WEBHOOK_ALLOW_PRIVATE": "true",
    }


def _configuration(folder: Path, routes: Mapping[str, Sequence[str]], notifications: Mapping[str, Any]) -> Path:
    """The shipped one with its times scaled, so that what takes minutes in production takes seconds here."""
    copy = folder / "config"
    shutil.copytree(resource("config"), copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    file = copy / "system.yaml"
    system = yaml.safe_load(file.read_text())
    system["delivery"] |= {
        "timing": TIMING,
        "backoff": {"base_seconds": 1, "cap_seconds": 3},
        "direct_send": False,  # what the producers send is no part of the receipts that are counted here
        "receipt_deadline_seconds": {"critical": None, "high": None},  # the outside here says nothing of an SMS it took
    }
    system["alert_routing"] = {severity: list(channels) for severity, channels in routes.items()}
    for name in ("email", "sms", "slack", "webhook"):
        system["notifications"][name]["timeout_seconds"] = TIMEOUT_SECONDS
    for name, section in notifications.items():
        system["notifications"][name] |= section
    file.write_text(yaml.safe_dump(system))
    return copy


def _write_routes(made: Rig) -> None:
    settings = load_settings(
        channels={name: kind.settings for name, kind in KINDS.items()}, environ=dict(made.variables)
    )
    for route in planned_routes(settings, KINDS):
        made.sql(
            "INSERT INTO alert_routes (environment, severity, channel, recipient) VALUES (%s, %s, %s, %s)",
            route.environment,
            route.severity,
            route.channel,
            route.recipient,
        )
