"""Twilio's reports: a server that takes them, and an SMS that they are about."""

from collections.abc import Iterator

import pytest

import precog
from precog.channels.registry import KINDS
from precog.courier import Courier, open_courier
from precog.delivery import deliver
from precog.settings.model import Settings
from precog.settings.routes import planned_routes
from precog.store import channels
from tests.integration.web.served import PUBLIC_URL, Sms, Web, as_configured, serving, sms_of


@pytest.fixture
def settings(configured: None, precog_env: pytest.MonkeyPatch) -> Settings:
    precog_env.setenv("PRECOG_PUBLIC_URL", PUBLIC_URL)
    settings = as_configured()
    channels.write_routes(settings.environment, planned_routes(settings, KINDS))
    return settings


@pytest.fixture
def courier(settings: Settings) -> Iterator[Courier]:
    courier = open_courier(settings)
    yield courier
    for each in courier.channels.values():
        each.close()


@pytest.fixture
def web(settings: Settings) -> Iterator[Web]:
    with serving(settings) as running:
        yield running


@pytest.fixture
def sms(courier: Courier) -> Sms:
    alert_id = precog.log_alert("api_failures", "critical", "kalshi_api", "5 failures in 5 minutes")
    delivery_id = sms_of(alert_id)
    attempt = deliver(courier, "sms", delivery_id)
    assert attempt is not None
    assert attempt.ending.receipt is not None
    sid = attempt.ending.receipt.provider_message_id
    assert sid is not None
    return Sms(alert_id=alert_id, delivery_id=delivery_id, sid=sid)
