"""A worker's start: its settings checked, its channels said, its routes there, and recovery beside it."""

import logging
import os
import subprocess
import sys
import threading
import time
from functools import lru_cache

from precog.channels.registry import KINDS
from precog.errors import ConfigError, SchemaMismatch, StoreError
from precog.logger import configure_logging
from precog.settings.load import load_settings
from precog.settings.model import Settings
from precog.settings.process import process_settings
from precog.settings.routes import describe_channels, planned_routes
from precog.settings.secrets import configured_secrets
from precog.store import channels, interlock
from precog.store.migrate import require_current
from precog.store.pool import close_default_pool, default_pool

log = logging.getLogger("workers")

_RESPAWN_AFTER_SECONDS = 2.0
_STOP_WITHIN_SECONDS = 10.0


@lru_cache
def settings() -> Settings:
    """Loaded once a process. A configuration with problems ends it, with all of them on standard error."""
    try:
        process_settings()
        return load_settings(channels={name: kind.settings for name, kind in KINDS.items()})
    except ConfigError as error:
        sys.exit(f"{error}\nthe worker does not start; `precog doctor` shows the same")


def log_as_json() -> None:
    """One line an attempt comes from the delivery itself; Celery's two lines a message would only repeat its id."""
    configure_logging(settings().logging, secrets=configured_secrets(settings()))
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)


def begin() -> None:
    """Before the worker takes anything, and before Celery sets up its log."""
    log_as_json()
    current = settings()
    log.info("worker starts", extra={"environment": current.environment, "pid": os.getpid()})
    for line in describe_channels(current, KINDS):
        log.info("channel %s", line)
    try:
        default_pool().safely(require_current)
        _see_to_routes(current)
        _look_at_interlock(current)
    except SchemaMismatch as error:
        sys.exit(f"{error}\nthe worker does not start")
    except StoreError as error:
        log.error("PostgreSQL is away; the worker starts and waits for it", extra={"error": str(error)})
    except Exception:  # Celery would only log it, and work on without recovery
        log.exception("the worker does not start")
        sys.exit(1)
    close_default_pool()  # the children that Celery forks next begin with connections of their own
    _recovery.start()


def end() -> None:
    _recovery.stop()


def _see_to_routes(current: Settings) -> None:
    """Write the routes where there are none. Where they differ from ours, another worker may know more: only say so."""
    planned = frozenset(planned_routes(current, KINDS))
    if channels.write_routes(current.environment, planned, only_if_none=True):
        log.info("routes written", extra={"routes": len(planned)})
    elif (standing := channels.routes(current.environment)) != planned:
        log.warning(
            "the routes in the database are not this worker's; `precog config apply` writes those of the configuration",
            extra={"only_in_database": len(standing - planned), "only_here": len(planned - standing)},
        )


def _look_at_interlock(current: Settings) -> None:
    """Only the owner of the tables writes it."""
    standing = interlock.rules(current.environment)
    if not standing.blocking:
        log.error("the interlock has no rules, and every order is blocked; `precog config apply` writes them")
    elif standing != current.trading.interlock.rules():
        log.warning("the interlock in the database is not this worker's; `precog config apply` writes it")


class _RecoveryProcess:
    """The recovery process beside this worker, started again whenever it ends.

    A process, because a worker's own timers stand still while its broker is away; a thread watches it, because no
    signal of Celery's tells of its end.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._keep_alive, args=(os.getpid(),), name="recovery", daemon=True).start()

    def _keep_alive(self, worker: int) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            self._process = subprocess.Popen([sys.executable, "-m", "precog.recovery", "--parent", str(worker)])
            status = self._process.wait()
            if not self._stopping.is_set():
                log.error("recovery ended and is started again", extra={"status": status})
                self._stopping.wait(max(0.0, _RESPAWN_AFTER_SECONDS - (time.monotonic() - began)))

    def stop(self) -> None:
        self._stopping.set()
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()


_recovery = _RecoveryProcess()
