"""Every secret is a canary, all goes wrong that can, and no canary is found in anything that is kept or shown."""

import base64
import os
import re
import ssl
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg2
import pytest
import requests
import trustme
from psycopg2 import sql
from pydantic import SecretStr

import precog
from precog.channels.registry import KINDS
from precog.domain.alerts import Environment
from precog.errors import PrecogError
from precog.localstack.commands import FLOWER
from precog.localstack.mailbox import Mailbox, mailbox
from precog.localstack.postgres import as_login
from precog.localstack.receivers import Fault, Receiver, Reply
from precog.localstack.server import free_port
from precog.localstack.services import installed
from precog.notification_manager import send_alert
from precog.settings.load import FILES
from precog.settings.source import read_source
from precog.store import channels, deliveries
from precog.store.logins import provide_login
from precog.store.pool import close_default_pool
from tests.e2e.world import World, open_world
from tests.outside import Outside, documented_variables
from tests.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(400)]

_SIGNER = base64.b64encode(b"CanaryOfTheWebhookSigner01").decode()
CANARIES = {
    "CUSTOM_WEBHOOK_SECRET": _SIGNER,
    "CUSTOM_WEBHOOK_URL": "CanaryOfTheWebhook02",
    "DATABASE_URL": "CanaryOfTheDatabase03",
    "FLOWER_PASSWORD": "CanaryOfFlower04",
    "POSTGRES_PASSWORD": "CanaryOfPostgres05",
    "PRECOG_HEARTBEAT_URL": "CanaryOfTheHeartbeat14",
    "PRECOG_OWNER_URL": "CanaryOfTheOwner06",
    "PROGRAMS_PASSWORD": "CanaryOfPrograms07",
    "REDIS_PASSWORD": "CanaryOfRedisInCompose08",
    "REDIS_URL": "CanaryOfRedis09",
    "SLACK_WEBHOOK_URL": "CanaryOfSlack10",
    "SMTP_PASSWORD": "CanaryOfTheMailServer11",
    "TWILIO_ACCOUNT_SID": "AC" + "c0ffee12" * 4,
    "TWILIO_AUTH_TOKEN": "CanaryOfTwilio13",
    "TWILIO_SIGNING_KEY": "CanaryOfTwiliosReports15",
}
"""By variable, what of its value must not be seen."""
LOGIN = "precog_test_canary"
NO_SECRET = {"PRECOG_PUBLIC_URL", "TWILIO_API_BASE_URL"}
HEARD_BY = {
    "mail": ("SMTP_PASSWORD",),
    "twilio": ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"),
    "slack": ("SLACK_WEBHOOK_URL",),
    "webhook": ("CUSTOM_WEBHOOK_URL", "CUSTOM_WEBHOOK_SECRET"),
}


def _echo(provider: str) -> str:
    """What a provider says that repeats all the secrets it was given, as they are and in a URL."""
    heard = [CANARIES[name] for name in HEARD_BY[provider]]
    return " ".join(["said", *heard, *(f"/{each}" for each in heard), *(quote(each, safe="") for each in heard)])


@dataclass(slots=True, kw_only=True)
class Evidence:
    """Every text there is, by where it was found."""

    texts: dict[str, str] = field(default_factory=dict)

    def add(self, place: str, text: str | bytes) -> None:
        self.texts[f"{len(self.texts)} {place}"] = text.decode("utf-8", "replace") if isinstance(text, bytes) else text

    def places_of(self, canary: str) -> list[str]:
        forms = {canary, quote(canary, safe=""), base64.b64encode(canary.encode()).decode()}
        return [place for place, text in self.texts.items() if any(form in text for form in forms)]


def test_every_secret_has_its_canary() -> None:
    """Those of .env.example by their names, and those that a channel's settings hold as secrets."""
    named = {name for name in documented_variables() if re.search("PASSWORD|TOKEN|SECRET|_SID|_URL$|_KEY", name)}
    assert named - NO_SECRET == CANARIES.keys()
    sources = [read_source(Path(precog.__file__).parents[1] / "config" / name, {}) for name in FILES.values()]
    variable = {path: name for source in sources for path, name in source.variables.items()}
    held = {
        variable["notifications", channel, name]
        for channel, kind in KINDS.items()
        for name, each in kind.settings.model_fields.items()
        if "SecretStr" in str(each.annotation) or each.annotation is SecretStr
    }
    assert held <= CANARIES.keys()


@pytest.mark.parametrize("variable", CANARIES)
def test_no_canary_is_found(evidence: Evidence, variable: str) -> None:
    assert evidence.places_of(CANARIES[variable]) == []


def test_the_canaries_were_in_use(evidence: Evidence, used: str) -> None:
    """What the providers and servers were given, so that their absence elsewhere says something."""
    for variable in ("CUSTOM_WEBHOOK_URL", "SLACK_WEBHOOK_URL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        assert CANARIES[variable] in used
    assert len(evidence.texts) > 60


def test_what_is_kept_of_an_echo_is_its_words_without_the_secrets(evidence: Evidence) -> None:
    dump = next(text for place, text in evidence.texts.items() if place.endswith("table alert_delivery_attempts"))
    for channel in ("email", "sms", "slack", "webhook"):
        assert re.search(rf"{channel}.*said \*\*\*", dump), channel


@pytest.fixture(scope="module")
def world(
    new_database: Callable[[], AbstractContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """One in which each secret holds its canary, for every process and for this one."""
    folder = tmp_path_factory.mktemp("canaries")
    (folder / "redis").mkdir()
    (folder / "redis/redis.password").write_text(CANARIES["REDIS_URL"])
    with ExitStack() as open_ones:
        url = open_ones.enter_context(new_database())
        open_ones.callback(_drop_login, url)
        program = as_login(url, LOGIN, CANARIES["DATABASE_URL"])
        provide_login(url, program)
        plain = open_ones.enter_context(open_world(program, folder))
        mail = open_ones.enter_context(_mail_server(folder))
        outside = replace(plain.outside, mail=mail)
        variables = {**plain.variables, **_variables(outside, program, folder)}
        own = open_ones.enter_context(pytest.MonkeyPatch.context())
        for name, value in variables.items():
            own.setenv(name, value)
        yield replace(plain, outside=outside, variables=variables)


def _drop_login(url: str) -> None:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(f"DROP ROLE {LOGIN}")


def _mail_server(folder: Path) -> AbstractContextManager[Mailbox]:
    """One that wants a login, behind STARTTLS."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    return mailbox(starttls=tls, login=("alerts", CANARIES["SMTP_PASSWORD"]))


def _variables(outside: Outside, program: str, folder: Path) -> dict[str, str]:
    return {name: canary for name, canary in CANARIES.items() if not name.endswith("_URL")} | {
        "CUSTOM_WEBHOOK_SECRET": f"whsec_{_SIGNER}",
        "CUSTOM_WEBHOOK_URL": f"{outside.webhook.url}/hook/{CANARIES['CUSTOM_WEBHOOK_URL']}",
        "PRECOG_HEARTBEAT_URL": f"{outside.webhook.url}/ping/{CANARIES['PRECOG_HEARTBEAT_URL']}",
        "SLACK_WEBHOOK_URL": f"{outside.slack.url}/services/T0/B0/{CANARIES['SLACK_WEBHOOK_URL']}",
        "SMTP_PORT": str(outside.mail.port),
        "SMTP_SECURITY": "starttls",
        "SMTP_CA_FILE": str(folder / "ca.pem"),
        "SMTP_USERNAME": "alerts",
        "PRECOG_OWNER_URL": as_login(program, "precog_test_nobody", CANARIES["PRECOG_OWNER_URL"]),
        "FLOWER_BASIC_AUTH": f"precog:{CANARIES['FLOWER_PASSWORD']}",
        "NO_COLOR": "1",
        "COLUMNS": "200",
    }


@pytest.fixture(scope="module")
def evidence(world: World) -> Evidence:
    """All that can be read after everything was tried."""
    found = Evidence()
    worker = world.worker()
    flower = _flower(world)
    _accept_and_fail(world)
    for pages in flower.items():
        found.add(*pages)
    _commands(world, found)
    _callers(world, found)
    _database_away(world, found)
    worker.process.stop()
    for log in world.folder.glob("*.log"):
        found.add(f"log {log.name}", log.read_bytes())
    for file in [*world.folder.glob("journal/*"), *world.folder.glob("logs/*")]:
        found.add(f"file {file.name}", file.read_bytes())
    _dump_postgres(world, found)
    _dump_redis(world, found)
    return found


@pytest.fixture(scope="module")
def used(world: World, evidence: Evidence) -> str:
    servers = (world.outside.twilio, world.outside.slack, world.outside.webhook)
    asked = [f"{each.path} {each.headers}" for server in servers for each in server.received]
    logins = [base64.b64decode(found).decode() for each in asked for found in re.findall(r"Basic ([\w+/=]+)", each)]
    return "\n".join([*asked, *logins])


def _answer(
    world: World, provider: str, *statuses: int, code: int = 0, headers: tuple[tuple[str, str], ...] = ()
) -> None:
    """Its next answers: these statuses, each with an echo of what it was told."""
    body = _echo(provider).encode()
    if provider == "twilio":
        body = b'{"code": %d, "message": "%b"}' % (code, body)
    server: Receiver = getattr(world.outside, provider)
    server.script(*[Reply(status=status, body=body, headers=headers) for status in statuses])


def _as_usual(world: World) -> None:
    for server in (world.outside.twilio, world.outside.slack, world.outside.webhook):
        server.unscript()


def _accept_and_fail(world: World) -> None:
    """Through the workers: accepted, then each channel refused, failing for a while, silent, and misconfigured."""
    outside = world.outside
    first = precog.log_alert("api_failures", "critical", "accepted", "boom", {"api_key": CANARIES["TWILIO_AUTH_TOKEN"]})
    _wait_for(first, {"sent"})
    outside.mail.refuse("RCPT", f"550 5.1.1 {_echo('mail')}")
    _answer(world, "twilio", 400, code=21211)
    _answer(world, "slack", 400, 400)
    _answer(world, "webhook", 400, 400, 400)
    _wait_for(precog.log_alert("api_failures", "critical", "refused", "boom"), {"sent", "failed"})
    outside.mail.refuse("DATA", f"451 4.3.0 {_echo('mail')}")
    outside.mail.refuse("MAIL", f"421 4.3.0 {_echo('mail')}")
    for name in ("twilio", "slack", "webhook"):
        _answer(world, name, 429, headers=(("Retry-After", "1"),))
        _answer(world, name, 503)
        getattr(outside, name).script(Reply(fault=Fault.DROP))
    precog.log_alert("api_failures", "critical", "for a while", "boom")
    eventually(lambda: len(outside.webhook.received) >= 7, 60)
    _answer(world, "webhook", 410)
    _answer(world, "slack", 404)
    _answer(world, "twilio", 401, 401, 401, code=20003)
    outside.mail.refuse("MAIL", f"535 5.7.8 {_echo('mail')}")
    precog.log_alert("api_failures", "critical", "misconfigured", "boom")
    eventually(lambda: {"slack", "webhook"} <= {each.channel for each in channels.paused(Environment.DEMO)}, 60)
    _as_usual(world)


def _wait_for(alert_id: int, ends: set[str]) -> None:
    eventually(lambda: {each["status"] for each in deliveries.of_alert(alert_id)} <= ends, 60)


def _commands(world: World, found: Evidence) -> None:
    """Every command that reads secrets: in order, with each variable spoilt, and with tracebacks."""
    plain: Sequence[Sequence[str]] = [
        ["config", "check"], ["config", "apply"], ["doctor"], ["db", "status"], ["--debug", "db", "migrate"],
        ["--debug", "db", "login"], ["channels", "list"], ["alerts", "list", "--all", "--json"], ["journal", "show"],
        ["channels", "resume", "slack"], ["channels", "resume", "webhook"],
    ]  # fmt: skip
    for arguments in plain:
        _precog(world, found, arguments)
    _answer(world, "twilio", 400, code=21211)
    _answer(world, "slack", 400, 400)
    _answer(world, "webhook", 400)
    world.outside.mail.refuse("RCPT", f"550 5.1.1 {_echo('mail')}")
    for channel in ("email", "sms", "slack", "webhook"):
        _precog(world, found, ["--debug", "test-notification", channel])
    _as_usual(world)
    _answer(world, "webhook", 200)
    _precog(world, found, ["--debug", "test-notification", "webhook"])
    spoilt = {name: f"ftp:// {value} \x07" for name, value in world.variables.items() if name in CANARIES}
    _precog(world, found, ["--debug", "config", "check"], **spoilt)
    for name in ("DATABASE_URL", "REDIS_URL"):
        _precog(world, found, ["--debug", "doctor"], **{name: spoilt[name]})
    _precog(world, found, ["--debug", "db", "migrate"], PRECOG_OWNER_URL=spoilt["PRECOG_OWNER_URL"])
    starting = subprocess.run(
        installed(("celery", "-A", "workers", "worker")), env={**os.environ, **spoilt}, cwd=world.folder,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert starting.returncode != 0
    found.add("a worker that does not start", starting.stdout + starting.stderr)


def _callers(world: World, found: Evidence) -> None:
    """What a program sees that sends by itself: an error as text, and with its traceback."""
    for name in ("twilio", "slack", "webhook"):
        _answer(world, name, *[404] * 20)  # the worker meets some of them as well
    world.outside.mail.refuse("RCPT", f"550 {_echo('mail')}")
    for channel in ("email", "sms", "slack", "webhook"):
        with pytest.raises(PrecogError) as raised:
            send_alert(channel, "critical", "api_failures", "boom")
        _add_error(found, channel, raised.value)
    _as_usual(world)


def _database_away(world: World, found: Evidence) -> None:
    """A wrong port, a wrong password and a wrong database, for a caller and for commands; a Redis that is not there."""
    right = urlsplit(world.variables["DATABASE_URL"])
    for what, url in {
        "port": right._replace(netloc=right.netloc.rpartition(":")[0] + ":1").geturl(),
        "password": right._replace(netloc=right.netloc.replace("Canary", "WrongCanary", 1)).geturl(),
        "database": right._replace(path=f"/{'x' * 60}").geturl(),
        "option": f"{right.geturl()}?nonsense=1",
    }.items():
        with pytest.MonkeyPatch.context() as own:
            own.setenv("DATABASE_URL", url)
            close_default_pool()
            try:
                precog.log_alert("api_failures", "critical", f"wrong {what}", "boom")
            except Exception as error:  # noqa: BLE001 - whatever it is, a program would log it
                _add_error(found, f"wrong {what}", error)
            close_default_pool()
        _precog(world, found, ["--debug", "alerts", "list"], DATABASE_URL=url)
    redis = re.sub(r":\d+/", ":1/", world.variables["REDIS_URL"])
    _precog(world, found, ["--debug", "doctor"], REDIS_URL=redis)
    away = world.start("without redis", *installed(("celery", "-A", "workers", "worker")), REDIS_URL=redis)
    eventually(lambda: "Cannot connect" in away.output or away.process.exit_status is not None, 60)
    away.process.stop()


def _add_error(found: Evidence, what: str, error: BaseException) -> None:
    found.add(f"error {what}", "\n".join([str(error), repr(error), *traceback.format_exception(error)]))


def _precog(world: World, found: Evidence, arguments: Sequence[str], **more: str) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("precog"), *arguments], env={**os.environ, **more}, cwd=world.folder,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    found.add(f"precog {' '.join(arguments)} {' '.join(more)}", done.stdout + done.stderr)


def _flower(world: World) -> Mapping[str, str]:
    """Its pages, while the worker is there."""
    port = free_port()
    flower = world.start("flower", *installed(FLOWER), FLOWER_PORT=str(port))
    eventually(lambda: "Visit me at" in flower.output or flower.process.exit_status is not None)
    auth = ("precog", CANARIES["FLOWER_PASSWORD"])

    def page(path: str) -> str:
        return requests.get(f"http://127.0.0.1:{port}{path}", auth=auth, timeout=20).text

    def shows_a_task() -> bool:
        """It asks the worker to tell of its tasks a moment after its own start."""
        precog.log_alert("api_failures", "low", f"for Flower {time.monotonic()}", "boom")
        return "deliver_file" in page("/api/tasks")

    eventually(shows_a_task)
    [name] = eventually(lambda: re.findall(r'"(worker@[^"]+)": {', page("/api/workers?refresh=1"))[:1])
    paths = ["/", "/workers", f"/worker/{name}", "/tasks", "/broker", "/api/workers", "/api/tasks", "/metrics"]
    return {f"flower {path}": page(path) for path in paths}


def _dump_postgres(world: World, found: Evidence) -> None:
    with closing(psycopg2.connect(world.variables["DATABASE_URL"])) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
        for (name,) in cursor.fetchall():
            cursor.execute(sql.SQL("SELECT t::text FROM public.{} AS t").format(sql.Identifier(name)))
            found.add(f"table {name}", "\n".join(row for (row,) in cursor.fetchall()))


def _dump_redis(world: World, found: Evidence) -> None:
    """The append-only file: not only what is there now, but every write there was."""
    [*files] = (path for path in (world.folder / "redis").rglob("*.aof") if path.stat().st_size)
    written = b"".join(path.read_bytes() for path in files)
    bodies = [base64.b64decode(each) for each in re.findall(rb'"body": ?"([\w+/=]+)"', written)]
    assert bodies
    found.add("redis", written + b"\n".join(bodies))
