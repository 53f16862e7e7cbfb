"""What runs beside the two servers: the migrations first, then workers, watch and Flower, under a supervisor."""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from precog.errors import LocalStackError
from precog.localstack.commands import CONSOLE_WORKER, FLOWER, MIGRATE, SERVE, WATCH, WORKERS
from precog.localstack.processes import Command, Process
from precog.localstack.server import free_port, kept_secret, remembered_port
from precog.localstack.stack import Servers
from precog.localstack.supervisor import Service, Supervisor

FLOWER_USER = "precog"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    flower_url: str
    flower_password: str = field(repr=False)
    """For the user `precog`."""
    public_url: str | None
    """Where providers reach `precog serve`; None where it does not run."""
    supervisor: Supervisor


@contextlib.contextmanager
def services(
    servers: Servers,
    directory: Path,
    *,
    environment: Mapping[str, str],
    say: Callable[[str], None],
    show_console_alerts: bool = False,
) -> Iterator[Services]:
    """Migrates, writes the routes, then keeps workers, watch, Flower and the servers that are ours running.

    `environment` is the whole environment of each process, to which the addresses are added. `say` hears, in a
    sentence, of each process that ended and is started again; it is called from another thread. What a worker writes to
    its console channel is shown on our own standard output, or kept in its log.
    """
    owner = {"PRECOG_OWNER_URL": servers.database_url}
    environment = {name: value for name, value in environment.items() if name not in owner}
    environment |= {"DATABASE_URL": servers.programs_url, "REDIS_URL": servers.redis_url}
    for argv in MIGRATE:
        _run_to_its_end(argv, environment | owner)
    flower = _flower(directory)
    command = partial(_command, directory=directory, environment=environment)
    commands = [
        command(name, argv, show_output=show_console_alerts and name == CONSOLE_WORKER)
        for name, argv in WORKERS.items()
    ]
    commands += [command("watch", WATCH), command("flower", FLOWER, extra=flower)]
    public_url = environment.get("PRECOG_PUBLIC_URL", "").strip() or None
    if public_url is not None:
        commands.append(command("serve", SERVE))
    own = [server for server in (servers.postgres, servers.redis) if server is not None]
    watched = [Service(name=server.name, start=server.start, process=server.process) for server in own]
    ours = [Service(name=each.name, start=partial(Process, each)) for each in commands]
    with Supervisor([*watched, *ours], say) as supervisor:
        yield Services(
            flower_url=f"http://{flower['FLOWER_ADDRESS']}:{flower['FLOWER_PORT']}",
            flower_password=kept_secret(directory / "flower.password"),
            public_url=public_url,
            supervisor=supervisor,
        )


def installed(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The same command by the path of the program that is installed beside this Python."""
    return (str(Path(sys.executable).with_name(argv[0])), *argv[1:])


def _run_to_its_end(argv: tuple[str, ...], environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        installed(argv), env=environment, capture_output=True, text=True, check=False, start_new_session=True
    )
    if done.returncode != 0:
        said = f"{done.stdout}\n{done.stderr}".strip()
        raise LocalStackError(f"`{' '.join(argv)}` failed with status {done.returncode}:\n{said}")


def _flower(directory: Path) -> dict[str, str]:
    """Its settings: open on loopback alone, and to nobody without the password."""
    port_file = directory / "flower.port"
    port = remembered_port(port_file) or free_port()
    port_file.write_text(f"{port}\n")
    password = kept_secret(directory / "flower.password")
    return {
        "FLOWER_ADDRESS": "127.0.0.1",
        "FLOWER_PORT": str(port),
        "FLOWER_BASIC_AUTH": f"{FLOWER_USER}:{password}",
    }


def _command(
    name: str,
    argv: tuple[str, ...],
    *,
    directory: Path,
    environment: Mapping[str, str],
    show_output: bool = False,
    extra: Mapping[str, str] | None = None,
) -> Command:
    return Command(
        name=name,
        argv=installed(argv),
        log=directory / "log" / f"{name}.log",
        show_output=show_output,
        environment={**environment, **(extra or {})},
    )
