"""Makes or renews .venv: run by `make setup`, on nothing but the standard library.

Two at once are safe: the second waits and finds the work done. An environment that was interrupted while it was made is
made anew. One that is up to date costs nothing.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
ENVIRONMENT = CHECKOUT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
STAMP = ENVIRONMENT / ".precog-installed"
UNFINISHED = ENVIRONMENT / ".precog-unfinished"


def main() -> None:
    if up_to_date():
        return
    with only_one():
        if not up_to_date():
            make()


def up_to_date() -> bool:
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == wanted()


def wanted() -> str:
    """What the environment depends on: where it lies, which Python it runs on, what is to be in it."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((CHECKOUT / name).read_bytes())
    return f"{CHECKOUT}\nPython {sys.version_info[0]}.{sys.version_info[1]}\n{digest.hexdigest()}\n"


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    with (CHECKOUT / "pyproject.toml").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another make is installing; waiting for it ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make() -> None:
    say("Installing into .venv (about a minute the first time) ...")
    if not usable():
        require_venv()
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        ENVIRONMENT.mkdir()
        UNFINISHED.touch()
        run(sys.executable, "-m", "venv", str(ENVIRONMENT))
    UNFINISHED.touch()
    # The builder first, so that building Precog itself uses this pinned one and fetches no other.
    install("hatchling")
    install("--no-build-isolation", "--editable", ".[local,dev]")
    STAMP.write_text(wanted())
    UNFINISHED.unlink()
    say("Installed.")


def usable() -> bool:
    """Whether what is there can be renewed in place: finished, not moved here, and of this Python."""
    configuration = ENVIRONMENT / "pyvenv.cfg"
    if UNFINISHED.exists() or not configuration.exists():
        return False
    if STAMP.exists() and STAMP.read_text().splitlines()[:-1] != wanted().splitlines()[:-1]:
        return False
    works = subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False)
    return works.returncode == 0


def require_venv() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit(f"{sys.executable} cannot make environments: install its venv package (Debian: python3-venv)")


def install(*what: str) -> None:
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
    run(str(PYTHON), "-m", "pip", "install", *quiet, "--constraint", "constraints.txt", *what)


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=CHECKOUT, check=False)
    if done.returncode != 0:
        sys.exit(f"`{' '.join(command)}` failed with status {done.returncode}; `make setup` tries again from here")


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
