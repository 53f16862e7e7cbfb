"""PostgreSQL behind a door that can be shut, with routes to one mailbox."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from precog import direct, queue
from precog.channels.registry import KINDS
from precog.courier import Courier, open_courier
from precog.domain.alerts import Environment, Severity
from precog.domain.routes import Route
from precog.recovery import duties
from precog.settings.load import load_settings
from precog.settings.routes import planned_routes
from precog.store import channels
from precog.store.pool import close_default_pool
from tests.proxy import Proxy, proxy


@pytest.fixture
def routes(precog_env: pytest.MonkeyPatch) -> None:
    route = Route(environment=Environment.DEMO, severity=Severity.HIGH, channel="email", recipient="ann@example.com")
    channels.write_routes(Environment.DEMO, [route])


@pytest.fixture
def door(precog_env: pytest.MonkeyPatch, routes: None, program_url: str) -> Iterator[Proxy]:
    url = urlsplit(program_url)
    with proxy(url.hostname or "", url.port or 0) as door:
        precog_env.setenv("DATABASE_URL", program_url.replace(f":{url.port}", f":{door.port}"))
        close_default_pool()
        yield door


@pytest.fixture
def worker(configured: None, door: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Courier]:
    """What a worker delivers with. This process has its variables, and the routes are those of the configuration."""
    settings = load_settings(channels={name: kind.settings for name, kind in KINDS.items()})
    channels.write_routes(settings.environment, planned_routes(settings, KINDS))
    queue.reset()
    monkeypatch.setattr(direct, "_told_here", {})
    courier = open_courier(settings)
    yield courier
    for each in courier.channels.values():
        each.close()


@pytest.fixture
def away(worker: Courier, door: Proxy) -> Proxy:
    """PostgreSQL refuses; before that, recovery has written its count of the SMS to Redis."""
    duties.heal(worker)
    door.go_away()
    return door
