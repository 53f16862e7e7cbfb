"""A child ends when it is told to, and when its starter ends, however that ends."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from precog.localstack.processes import Command, Process
from precog.localstack.supervisor import Service, Supervisor
from tests.integration.localstack.places import ended

pytestmark = pytest.mark.integration


def _command(tmp_path: Path, script: str, **rest: object) -> Command:
    fifo = tmp_path / "ready"
    if not fifo.exists():
        os.mkfifo(fifo)
    argv = ("/bin/sh", "-c", script.replace("READY", f"echo $$ > '{fifo}'"))
    return Command(name="child", argv=argv, log=tmp_path / "child.log", **rest)  # type: ignore[arg-type]


def _said(tmp_path: Path) -> int:
    """Waits until the child says that it is ready, and gives the number it says."""
    return int((tmp_path / "ready").read_text())


def test_a_child_is_asked_politely_and_may_tidy_up(tmp_path: Path) -> None:
    child = Process(_command(tmp_path, "trap 'echo tidy; exit 0' TERM; READY; while :; do sleep 0.05; done"))
    _said(tmp_path)
    child.stop()
    assert child.exit_status == 0
    assert (tmp_path / "child.log").read_text() == "tidy\n"


def test_a_child_that_does_not_listen_is_killed_with_all_of_its_own(tmp_path: Path) -> None:
    child = Process(_command(tmp_path, f"trap '' TERM; sleep 600 & echo $! > '{tmp_path}/ready'; wait; sleep 600"))
    grandchild = _said(tmp_path)
    child.stop(patience=0.1)
    assert child.exit_status == -signal.SIGKILL
    assert ended(grandchild)


def test_a_program_that_is_not_there_is_named_in_the_log(tmp_path: Path) -> None:
    child = Process(Command(name="child", argv=("/no/such/program",), log=tmp_path / "child.log"))
    assert child.wait(10)
    assert "/no/such/program: No such file" in (tmp_path / "child.log").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to its starter")
def test_a_child_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ready")
    program = (
        "import signal, sys\n"
        "from pathlib import Path\n"
        "from precog.localstack.processes import Command, Process\n"
        "folder = Path(sys.argv[1])\n"
        "argv = ('/bin/sh', '-c', f\"echo $$ > '{folder}/ready'; exec sleep 600\")\n"
        "Process(Command(name='child', argv=argv, log=folder / 'child.log'))\n"
        "signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, tmp_path]) as starter:
        child = _said(tmp_path)
        starter.kill()
    assert ended(child)


def test_a_service_that_ends_is_started_again_and_somebody_is_told(tmp_path: Path) -> None:
    heard: list[str] = []
    command = _command(tmp_path, "READY; exec sleep 600")
    with Supervisor([Service(name="worker", start=lambda: Process(command))], heard.append):
        first = _said(tmp_path)
        os.kill(first, signal.SIGKILL)
        second = _said(tmp_path)
    assert heard == [f"worker ended with status -9 (see {command.log}); starting it again in 0.5 s"]
    assert first != second
    assert ended(second)


def test_a_run_that_somebody_else_started_is_watched_and_not_stopped(tmp_path: Path) -> None:
    other = Process(_command(tmp_path, "READY; exec sleep 600"))
    with Supervisor([Service(name="server", start=lambda: other, process=other)], print) as supervisor:
        _said(tmp_path)
    assert not supervisor.alive
    assert other.exit_status is None
    other.stop()


def test_a_service_that_cannot_start_is_tried_again(tmp_path: Path) -> None:
    tried = threading.Semaphore(0)
    heard: list[str] = []

    def start() -> Process:
        tried.release()
        raise OSError("no more processes")

    with Supervisor([Service(name="worker", start=start)], heard.append):
        assert tried.acquire(timeout=10)
        assert tried.acquire(timeout=10)
    assert heard[0] == "worker did not start: no more processes; starting it again in 0.5 s"
