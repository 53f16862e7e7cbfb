"""PostgreSQL behind a door that can be shut, with routes to one mailbox."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from precog.domain.alerts import Environment, Severity
from precog.domain.routes import Route
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
