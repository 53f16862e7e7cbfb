"""examples/trading_day.py as a newcomer runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.localstack.places import place

pytestmark = [pytest.mark.e2e, pytest.mark.long]

EXAMPLE = Path(__file__).parents[2] / "examples/trading_day.py"


def test_the_day_runs_on_servers_of_its_own_and_reaches_everybody() -> None:
    with place() as home:
        own = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
        done = subprocess.run(
            [sys.executable, EXAMPLE, "--seed", "11"],
            env={**own, "TMPDIR": str(home)},
            capture_output=True,
            text=True,
            timeout=140,
        )
        left = list(home.iterdir())

    assert (done.returncode, done.stderr, left) == (0, "", []), done.stdout
    assert "critical  daily_loss_limit    Lost " in done.stdout
    assert "blocked by daily_loss_limit: again is not bought" in done.stdout
    assert "ann releases what blocks" in done.stdout
    assert "kelly_nfl@v1.1  " in done.stdout
    arrived = done.stdout.splitlines()[-1]
    assert arrived.startswith("Arrived: console ")
    assert "sms 5" in arrived, "the limit of the hour holds"
