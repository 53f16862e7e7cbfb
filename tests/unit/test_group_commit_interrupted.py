"""An interrupt of one thread costs the others neither their results nor their time, at whatever moment it comes."""

import os
import subprocess
import sys

PROGRAM = """
import random, signal, sys, threading, time
from precog.group_commit import GroupCommit

class Interrupt(BaseException):
    pass

def interrupt(*_):
    raise Interrupt

def commit(items, seconds):
    time.sleep(0.0002)  # in which the others come
    return [item + " is done" for item in items]

def call_on():
    while not over:
        assert together.do("other", within=60.0) == "other is done"
    done.append(True)

together, over, done = GroupCommit(commit, lambda items, results: None), [], []
signal.signal(signal.SIGALRM, interrupt)
others = [threading.Thread(target=call_on, daemon=True) for _ in range(3)]
for each in others:
    each.start()
for _ in range(4000):
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(5e-6, 1e-3))
        while True:
            together.do("mine", within=60.0)
    except Interrupt:
        pass
over.append(True)
for each in others:
    each.join(20)
assert len(done) == 3, "somebody waits for ever"
assert not together._waiting and not together._at_work, "something is left"
"""


def test_no_interrupt_leaves_anything_behind_that_others_wait_for() -> None:
    """Unmeasured: coverage has a lock of its own, which a signal's exception may leave locked."""
    own = {name: value for name, value in os.environ.items() if name != "COVERAGE_PROCESS_CONFIG"}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=own, stderr=subprocess.PIPE, text=True, check=False, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
