"""An interrupt of one thread, at whatever moment, costs the others neither a connection nor their time."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.integration

PROGRAM = """
import os, random, signal, threading
from contextlib import ExitStack
from precog.store.pool import Pool

class Interrupt(BaseException):
    pass

def interrupt(*_):
    raise Interrupt

def ask():
    assert len(pool.safely(lambda connection: connection.run("methods.clock"), within=60.0)) == 1

def pass_by():
    pool.safely(lambda connection: None)

pool = Pool(os.environ["DATABASE_URL"], size=3, wait=0.0)
signal.signal(signal.SIGALRM, interrupt)
for call in [pass_by] * 400 + [ask] * 200:
    call()
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(5e-6, 1e-3))
        while True:
            call()
    except Interrupt:
        pass
others = [threading.Thread(target=ask, daemon=True) for _ in range(3)]
for each in others:
    each.start()
    each.join(20)
    assert not each.is_alive(), "another thread waits for ever"
with ExitStack() as held:
    for _ in range(3):
        held.enter_context(pool.connection())
"""


def test_no_interrupt_takes_a_place_or_a_lock_with_it(program_url: str) -> None:
    """Unmeasured: coverage has a lock of its own, which a signal's exception may leave locked."""
    own = {name: value for name, value in os.environ.items() if name != "COVERAGE_PROCESS_CONFIG"}
    own["DATABASE_URL"] = program_url
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=own, stderr=subprocess.PIPE, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
