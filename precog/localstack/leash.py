"""Becomes a command that ends when its starter ends: `leash.py SIGNAL STARTER ACCOUNT -- COMMAND...`.

A script and not a function before exec: between fork and exec, a program with threads must not run Python.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def run(signal: int, starter: int, account: str, argv: list[str]) -> None:
    """Does not return. `account` is `uid:gid` to give up root for, or empty."""
    if account:
        _become(*map(int, account.split(":")))
    follow(signal, starter)  # after the change of account, which clears the setting
    try:
        os.execv(argv[0], argv)
    except OSError as error:
        sys.exit(f"{argv[0]}: {error.strerror}")


def follow(signal: int, starter: int) -> None:
    """From now on this process gets the signal when the thread that started it ends. Only Linux has such a call."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0)
        if os.getppid() != starter:
            sys.exit("the starter ended first")


def _become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


if __name__ == "__main__":
    run(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[5:])
