"""What to type after the demo, as it works from where the person stands."""

import os
import shlex
import shutil
import sys
from pathlib import Path

from precog.localstack.up import home
from precog.resources import resource

_DOCUMENTS = ("docs/NOTIFICATION_SYSTEM_GUIDE.md", "README.md")


def next_steps() -> list[tuple[str, str]]:
    """Each command and what it is for."""
    precog, checkout = _precog(), resource("config").parent
    up = "make up" if Path.cwd() == checkout and Path("Makefile").exists() else f"{precog} up"
    documents = [checkout / name for name in _DOCUMENTS if (checkout / name).exists()]
    return [
        (up, "the same for daily use: it stays until Ctrl-C, and its data stays longer"),
        (
            f". {_shown(home() / 'env')}",
            "in another terminal, once it is up: its servers, for the commands below",
        ),
        (f'{precog} log api_failures high kalshi_api "5 failures"', "raise an alert yourself"),
        (f"{precog} alerts list", "what is open, and who has taken it on"),
        (f"{precog} config check", "which channels are on, and which variable turns on the others"),
        *[(f"less {_shown(each)}", "routing, channels, limits, troubleshooting") for each in documents[:1]],
    ]


def _precog() -> str:
    beside = Path(sys.executable).with_name("precog")
    found = shutil.which("precog")
    return "precog" if found and beside.exists() and Path(found).samefile(beside) else _shown(beside)


def _shown(path: Path) -> str:
    """Relative where it lies below here, and quoted where it needs to be."""
    here = Path.cwd()
    return shlex.quote(os.fspath(path.relative_to(here) if path.is_relative_to(here) else path))
