"""Tells people of an alert that PostgreSQL does not take, from the process that raised it, if that has the settings.

Over the channels that reach somebody away from the machine. Every try is in the journal before it begins and when it
has ended, under the identity that it would have had: what was accepted is not sent again, what was not is sent as usual
once PostgreSQL is back, and the limits count both.
"""

import logging
import os
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from precog import journal
from precog.channels.registry import KINDS
from precog.courier import Courier, open_courier
from precog.domain.alerts import NewAlert
from precog.domain.deliveries import AttemptOutcome, Message
from precog.domain.direct import DirectTry
from precog.domain.redact import short_reason
from precog.domain.routes import Route
from precog.errors import (
    ChannelMisconfigured,
    ConfigError,
    JournalError,
    PermanentFailure,
    SendFailure,
    TransientFailure,
)
from precog.journal import memory
from precog.settings.load import load_settings
from precog.settings.model import Settings
from precog.settings.routes import planned_routes

log = logging.getLogger("precog.direct")

SECONDS = 5.0
"""For all of it, whatever the providers do. What is on its way then goes on, and writes down how it ends."""


def send(alert: NewAlert, *, journaled: bool) -> tuple[str, ...]:
    """The channels that accepted it within SECONDS.

    None where this process has no channel for it or must not, or where this machine has told of an equal alert in its
    window. `journaled`: whether the alert is in the journal, and its tries are to be there, too.
    """
    until = time.monotonic() + SECONDS
    settings = _settings()
    routes = _routes(settings, alert) if settings is not None else ()
    if settings is None or not routes or not _first(alert):
        return ()
    work = _Round(alert=alert, courier=open_courier(settings), journaled=journaled, until=until)
    work.run(routes)
    if work.reached_surely_nobody:
        _forget(alert)
    return work.accepted


def _settings() -> Settings | None:
    try:
        return load_settings(channels={name: kind.settings for name, kind in KINDS.items()})
    except ConfigError as error:
        log.warning("nothing is sent directly: %s", error)
        return None


def _routes(settings: Settings, alert: NewAlert) -> tuple[Route, ...]:
    """Those of this process's own configuration; the table of routes is away."""
    if not settings.delivery.direct_send or settings.environment is not alert.environment:
        return ()
    planned = planned_routes(settings, KINDS)
    return tuple(each for each in planned if each.severity is alert.severity and KINDS[each.channel].remote)


def _first(alert: NewAlert) -> bool:
    try:
        return memory.first(alert)
    except JournalError as error:  # a disk that is full for PostgreSQL as well: people are rather told twice
        log.warning("nobody can say whether people were told of it", extra={"error": str(error)})
        return _told_here.setdefault(alert.fingerprint, alert.alert_uuid) == alert.alert_uuid


_told_here: dict[str, object] = {}
"""What this process remembers where the machine cannot: for its life, since it is in the deepest trouble anyway."""


def _forget(alert: NewAlert) -> None:
    _told_here.pop(alert.fingerprint, None)
    try:
        memory.forget(alert)
    except JournalError:
        log.debug("the next equal alert is taken for told", exc_info=True)


@dataclass(slots=True, kw_only=True)
class _Round:
    """One alert to everybody at once, a thread for each channel: a slow mail server must not hold up an SMS."""

    alert: NewAlert
    courier: Courier
    journaled: bool
    until: float
    _ended: list[DirectTry] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def run(self, routes: Sequence[Route]) -> None:
        by_channel: defaultdict[str, list[Route]] = defaultdict(list)
        for route in routes:
            by_channel[route.channel].append(route)
        for channel, theirs in by_channel.items():
            arguments = (self._over, channel, theirs)  # in this context: what is logged there raises no alert either
            self._threads.append(threading.Thread(target=copy_context().run, args=arguments, daemon=True))
            self._threads[-1].start()
        for thread in self._threads:
            thread.join(max(0.0, self.until - time.monotonic()))

    @property
    def accepted(self) -> tuple[str, ...]:
        took = {each.channel for each in tuple(self._ended) if each.outcome is AttemptOutcome.ACCEPTED}
        return tuple(name for name in KINDS if name in took)

    @property
    def reached_surely_nobody(self) -> bool:
        return not any(each.is_alive() for each in self._threads) and all(each.surely_not_sent for each in self._ended)

    def _over(self, channel: str, routes: Sequence[Route]) -> None:
        try:
            for route in routes:
                if time.monotonic() < self.until:
                    self._to(route)
        except Exception:  # a thread of its own: nobody above would hear of it, and the alert is in the journal
            log.exception("a direct send met what nobody foresaw", extra={"channel": channel})
        finally:
            self.courier.channels[channel].close()

    def _to(self, route: Route) -> None:
        begun = DirectTry(
            alert_uuid=self.alert.alert_uuid,
            channel=route.channel,
            recipient=route.recipient,
            worker=f"{socket.gethostname()}:{os.getpid()}",
            started_at=datetime.now(UTC),
        )
        place = f"{begun.delivery_id}:1"
        if route.channel == "sms" and not self._sms_may_go(begun, place):
            return
        if route.channel != "sms":
            self._note(begun)
        ended = self._send(begun)
        self._ended.append(ended)
        if route.channel == "sms" and ended.surely_not_sent:
            self.courier.limiter.give_back(place)
        self._note(ended)
        _say(ended)

    def _sms_may_go(self, begun: DirectTry, place: str) -> bool:
        """Only one that is counted: in Redis beside all that PostgreSQL had counted, and on record for afterwards."""
        if not self.courier.limiter.look_alone(place, self.courier.sms_limits.left_to(self.alert.severity)):
            log.warning("an SMS is not sent directly: nobody can say that it is within the limit")
            return False
        if self._note(begun):
            return True
        self.courier.limiter.give_back(place)
        return False

    def _note(self, one: DirectTry) -> bool:
        if not self.journaled:
            return False
        try:
            journal.note(self.alert.environment, one)
        except JournalError as error:
            log.error("a direct send is not on record", extra={"channel": one.channel, "error": str(error)})
            return False
        return True

    def _send(self, begun: DirectTry) -> DirectTry:
        try:
            receipt = self.courier.channels[begun.channel].send(self._message(begun))
        except SendFailure as failure:
            return _ended(begun, _outcome(failure), code=failure.code, reason=failure.reason)
        except Exception as error:
            log.exception("a channel broke; the message may have been sent", extra={"channel": begun.channel})
            return _ended(
                begun, AttemptOutcome.UNKNOWN, code="channel_broke", reason=f"{type(error).__name__}: {error}"
            )
        accepted = _ended(begun, AttemptOutcome.ACCEPTED)
        return replace(accepted, provider_message_id=receipt.provider_message_id, receipt=receipt.state)

    def _message(self, begun: DirectTry) -> Message:
        return Message(
            delivery_id=begun.delivery_id,
            attempt=1,
            channel=begun.channel,
            recipient=begun.recipient,
            alert_id=None,
            alert_uuid=self.alert.alert_uuid,
            incident_id=None,
            environment=self.alert.environment,
            severity=self.alert.severity,
            alert_type=self.alert.alert_type,
            component=self.alert.component,
            message=self.alert.message,
            details=self.alert.details,
            triggered_at=(self.alert.occurred_at or begun.started_at).astimezone(UTC),
        )


def _ended(begun: DirectTry, outcome: AttemptOutcome, *, code: str | None = None, reason: str = "") -> DirectTry:
    error = short_reason(reason) if reason else None
    return replace(begun, finished_at=datetime.now(UTC), outcome=outcome, error_code=code, error=error)


def _outcome(failure: SendFailure) -> AttemptOutcome:
    match failure:
        case PermanentFailure() | ChannelMisconfigured():
            return AttemptOutcome.REFUSED
        case TransientFailure():
            return AttemptOutcome.TRANSIENT
        case _:
            return AttemptOutcome.UNKNOWN


def _say(ended: DirectTry) -> None:
    """One line a try, with its ids and without its content."""
    level = logging.INFO if ended.outcome is AttemptOutcome.ACCEPTED else logging.WARNING
    log.log(
        level,
        "attempt without PostgreSQL finished",
        extra={
            "channel": ended.channel,
            "delivery_id": str(ended.delivery_id),
            "alert_uuid": str(ended.alert_uuid),
            "outcome": ended.outcome,
            "error_code": ended.error_code,
            "error": ended.error,
        },
    )
