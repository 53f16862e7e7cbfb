"""Tells somebody outside that alerts reach people, for as long as they do: silence is the alarm.

In a child, since a URL may hang; only while the verdict is not down; and one of all recoveries, once an interval.
"""

import logging
import multiprocessing
import os
import signal
import socket
import time
from multiprocessing.context import ForkProcess

import requests

from precog.channels.http import Door, url_secrets
from precog.domain.alerts import Environment
from precog.domain.verdict import Verdict
from precog.errors import SendFailure
from precog.health import health
from precog.pacing import SmsLimits
from precog.settings.model import HealthSettings
from precog.store import health as store

log = logging.getLogger("precog.recovery")

SIGN_SECONDS = 5.0
"""Between two signs of life in the database."""
_PING_SECONDS = 10.0

_fork = multiprocessing.get_context("fork")


class Heartbeat:
    def __init__(self, settings: HealthSettings, environment: Environment, sms_limits: SmsLimits) -> None:
        self._settings = settings
        self._environment = environment
        self._sms_limits = sms_limits
        self._sign_at = self._ping_at = 0.0
        self._child: ForkProcess | None = None
        self._failed = self._withheld = False

    def beat(self) -> None:
        """Give a sign of life, and tell the outside where it is time to. Raises StoreError."""
        now = time.monotonic()
        if now >= self._sign_at:
            self._sign_at = now + SIGN_SECONDS
            store.beat(self._environment, f"{socket.gethostname()}:{os.getpid()}")
        if self._settings.heartbeat_url is not None and self._over() and now >= self._ping_at:
            self._ping_at = now + min(SIGN_SECONDS, self._settings.heartbeat_interval_seconds)
            self._ping(self._settings.heartbeat_url.get_secret_value())

    def _ping(self, url: str) -> None:
        if not store.take_ping(self._environment, interval_seconds=self._settings.heartbeat_interval_seconds):
            return
        found = health(self._environment, sms_limits=self._sms_limits)
        if found.verdict is Verdict.DOWN:
            if not self._withheld:
                log.error("the heartbeat is withheld", extra={"reasons": [each.what for each in found.reasons]})
            self._withheld = True
            return
        self._withheld = False
        self._child = _fork.Process(target=_call, args=(url, self._failed), daemon=True)
        self._child.start()

    def _over(self) -> bool:
        """Whether no call is under way, once it is known how the last one ended."""
        if self._child is None:
            return True
        if self._child.is_alive():
            return False
        if self._failed and self._child.exitcode == 0:
            log.info("the heartbeat URL answers again")
        self._failed = self._child.exitcode != 0
        self._child = None
        return True

    def stop(self) -> None:
        if self._child is not None:
            self._child.terminate()
            self._child.join()


def _call(url: str, failed_before: bool) -> None:  # noqa: FBT001 - what a process is started with
    """Ends with 0 when it was accepted. A failure is said once, not with every beat."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 2 * _PING_SECONDS)  # a name that is looked up for ever has no other limit
    door = Door(secrets=url_secrets(url), seconds=_PING_SECONDS)
    try:
        answer = door.send(requests.Request("GET", url))
    except SendFailure as failure:
        accepted, reason = False, failure.reason
    else:
        accepted, reason = answer.accepted, door.explain(answer)
    if not accepted and not failed_before:
        log.error("the heartbeat URL does not take the ping; it is tried on", extra={"error": reason})
    raise SystemExit(not accepted)
