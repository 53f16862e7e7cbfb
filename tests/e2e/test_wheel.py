"""The wheel, installed where no checkout is, beside a trading program that has taken the names itself."""

import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from zipfile import ZipFile

import psycopg2
import pytest

from precog.localstack.processes import Command, Process
from precog.localstack.server import Server
from tests.waiting import eventually

pytestmark = pytest.mark.e2e

_CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=_CHECKOUT, check=True, capture_output=True)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def bin_(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with this wheel. What it depends on is borrowed from ours, without our checkout:
    the .pth files of a borrowed folder are not read."""
    venv = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    python = venv / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-index", "--no-deps", str(wheel)]
    subprocess.run(pip, check=True)
    [packages] = venv.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"])
    return venv / "bin"


@pytest.fixture
def trading(tmp_path: Path) -> Path:
    """Its folder, with a config, a database and Celery settings of its own."""
    (tmp_path / "database").mkdir()
    for name in ("config.py", "database/__init__.py", "celeryconfig.py"):
        (tmp_path / name).write_text("OWNER = 'the trading program'\nbroker_url = 'redis://nowhere.invalid'\n")
    return tmp_path


@pytest.fixture
def environment(empty_database_url: str, own_redis: Server, tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "DATABASE_URL": empty_database_url,
        "REDIS_URL": own_redis.url,
        "PRECOG_JOURNAL_DIR": str(tmp_path / "journal"),
    }


@contextmanager
def _ended_after(process: Process) -> Iterator[Process]:
    try:
        yield process
    finally:
        process.stop()


def _run(argv: list[str | Path], folder: Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(argv, cwd=folder, env=environment or {}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_carries_everything_below_names_that_are_its_own(wheel: Path) -> None:
    with ZipFile(wheel) as content:
        names = content.namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"precog", "workers"}
    for needed in (
        "precog/py.typed",
        "precog/render/templates/email.html",
        "precog/localstack/leash.py",
        "precog/shipped/celeryconfig.py",
        "precog/shipped/config/system.yaml",
        "precog/shipped/database/queries/alerts.sql",
        "precog/shipped/database/migrations/002_add_alerts_table.sql",
    ):
        assert needed in names


def test_a_trading_program_with_the_same_names_logs_an_alert_and_a_worker_in_its_folder_delivers_it(
    bin_: Path, trading: Path, environment: dict[str, str]
) -> None:
    _run([bin_ / "precog", "db", "migrate"], trading, environment)
    program = (
        "import celeryconfig, config, database, json, precog\n"
        "alert_id = precog.log_alert('api_failures', 'medium', 'trading', 'boom')\n"
        "owners = [module.OWNER for module in (celeryconfig, config, database)]\n"
        "print(json.dumps([alert_id, owners, precog.__file__]))\n"
    )
    alert_id, owners, installed_at = json.loads(_run([bin_ / "python", "-c", program], trading, environment))
    assert owners == ["the trading program"] * 3
    assert Path(installed_at).is_relative_to(bin_.parent)
    argv = (str(bin_ / "python"), "-m", "celery", "-A", "workers", "worker", "--concurrency", "1")
    command = Command(name="worker", argv=argv, log=trading / "worker.log", directory=trading, environment=environment)
    with _ended_after(Process(command)) as worker:
        file = trading / "logs" / "alerts.jsonl"
        eventually(lambda: worker.exit_status is not None or (file.exists() and file.read_text()))
        assert worker.exit_status is None, command.log.read_text()
        assert json.loads(file.read_text())["alert_id"] == alert_id
        with closing(psycopg2.connect(environment["DATABASE_URL"])) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT channel FROM alert_deliveries WHERE alert_id = %s", (alert_id,))
            assert set(cursor.fetchall()) == {("console",), ("file",)}


def test_importing_it_loads_no_driver_and_opens_nothing(bin_: Path, trading: Path) -> None:
    program = (
        "import sys\n"
        "seen = []\n"
        "def watch(event, arguments):\n"
        "    path = str(arguments[0]) if arguments else ''\n"
        "    if event.startswith(('socket.', 'subprocess.', 'os.fork')) or (\n"
        "        event == 'open' and not path.endswith(('.py', '.pyc')) and 'pycache' not in path):\n"
        "        seen.append((event, path))\n"
        "sys.addaudithook(watch)\n"
        "import precog\n"
        "assert seen == [], seen\n"
        "loaded = {'celery', 'psycopg2', 'redis', 'requests', 'yaml', 'pydantic', 'workers'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    _run([bin_ / "python", "-c", program], trading)
