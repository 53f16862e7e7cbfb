"""Who delivers, made of the settings: before any delivery, and for all that this process makes."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace

from precog import pacing
from precog.channels.base import Channel
from precog.channels.registry import KINDS
from precog.channels.sms import SmsLimits, SmsSettings
from precog.domain.alerts import Environment, Severity
from precog.domain.routes import Route
from precog.limiter import SmsLimiter, sms_limiter
from precog.settings import process
from precog.settings.delivery import DeliveryPolicy
from precog.settings.model import ChannelOff, Settings
from precog.store.attempts import ClaimTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """What it takes to deliver: who we are, what we may, and the channels that are on here."""

    terms: ClaimTerms
    policy: DeliveryPolicy
    channels: Mapping[str, Channel]
    sms_limits: pacing.SmsLimits
    limiter: SmsLimiter
    stand_ins: tuple[Route, ...]
    """The other ways that a critical or high alert may take, first choice first."""
    receipt_looks: tuple[float, ...]
    """Seconds after its sending at which a provider is asked for a message's receipt."""
    pauses: bool
    """Whether a channel that passes nothing here is paused for all. Not by who sends for a caller of its own: that one
    hears of it, and its settings may be no worker's."""

    @property
    def environment(self) -> Environment:
        return self.terms.environment


def open_courier(settings: Settings, *, pauses: bool = True) -> Courier:
    """The channels that are on, opened; no connection is made yet."""
    on = {name: each for name, each in settings.channels.items() if not isinstance(each, ChannelOff)}
    ages = {severity.rank: retry.max_age_seconds for severity, retry in settings.delivery.retry.items()}
    return Courier(
        terms=ClaimTerms(
            environment=settings.environment,
            worker=_this_process(),
            lease_seconds=settings.delivery.timing.lease_seconds,
            max_ages=(ages[1], ages[2], ages[3], ages[4]),
            bands=settings.alerts.bands,
        ),
        policy=settings.delivery,
        channels={name: KINDS[name].open(each) for name, each in on.items()},
        sms_limits=sms_limits(settings),
        limiter=sms_limiter(settings.environment, process.redis_url()),
        stand_ins=tuple(
            Route(environment=settings.environment, severity=severity, channel=name, recipient=recipient)
            for severity in (Severity.CRITICAL, Severity.HIGH)
            for name in settings.delivery.fallback
            if name in on
            for recipient in KINDS[name].recipients(on[name], severity)
        ),
        receipt_looks=pacing.receipt_looks(called_back=_called_back(settings.channels.get("sms"))),
        pauses=pauses,
    )


def as_worker(courier: Courier) -> Courier:
    """The same courier under this process's name: for a child that its parent's was copied into."""
    return replace(courier, terms=replace(courier.terms, worker=_this_process()))


def _this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _called_back(sms: object) -> bool:
    return isinstance(sms, SmsSettings) and sms.public_url is not None


def sms_limits(settings: Settings) -> pacing.SmsLimits:
    sms = settings.channels.get("sms")
    given = sms.limits if isinstance(sms, SmsSettings) else SmsLimits()
    return pacing.SmsLimits(
        per_hour=given.per_hour, per_day=given.per_day, reserved_for_critical=given.reserved_for_critical
    )
