"""The shipped rules in a database, and calls that raise what they are about."""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import psycopg2.extensions
import pytest

import precog
from precog import interlock
from precog.channels.registry import KINDS
from precog.domain.alerts import Environment, Severity
from precog.domain.interlock import BlockRule, Rules, ScopeKind
from precog.domain.routes import Route
from precog.settings.load import load_settings
from precog.store import channels
from precog.store import interlock as store
from precog.store.pool import close_default_pool
from tests.proxy import Proxy, proxy

DEMO = Environment.DEMO
Raise = Callable[..., int]


def ready() -> None:
    """Until the process is warm, and the first question need not share its 50 ms with imports."""
    interlock.ready()


@pytest.fixture
def owner(precog_env: pytest.MonkeyPatch, database_url: str) -> None:
    """What the owner of the tables does can be done here."""
    precog_env.setenv("PRECOG_OWNER_URL", database_url)


@pytest.fixture
def rules(owner: None) -> None:
    """The shipped ones, and critical alerts reach one mailbox, so that there are duplicates."""
    settings = load_settings(channels={name: kind.settings for name, kind in KINDS.items()})
    store.write_rules(DEMO, settings.trading.interlock.rules())
    route = Route(environment=DEMO, severity=Severity.CRITICAL, channel="email", recipient="ann@example.com")
    channels.write_routes(DEMO, [route])
    ready()


@pytest.fixture
def loss(rules: None) -> Raise:
    """`loss(250)`: a rapid loss on kalshi, unless another platform is named; its alert_id."""

    def raise_one(dollars: object = 250, platform: object = "kalshi", **changes: object) -> int:
        call: dict[str, object] = {"severity": "critical", "details": {"loss": dollars, "platform_id": platform}}
        return precog.log_alert(
            alert_type="rapid_loss",
            component="risk",
            message=f"lost {dollars}",
            **{**call, **changes},  # type: ignore[arg-type]
        )

    return raise_one


@pytest.fixture
def only(owner: None) -> Callable[..., None]:
    """`only(boom=("platform", "venue"))`: these rules and no others."""

    def write(*, releasers: tuple[str, ...] = ("public",), **types: tuple[str, str | None]) -> None:
        blocking = {
            BlockRule(alert_type=name, scope_kind=ScopeKind(kind), field=field) for name, (kind, field) in types.items()
        }
        store.write_rules(DEMO, Rules(blocking=frozenset(blocking), releasers=frozenset(releasers)))
        ready()

    return write


@pytest.fixture
def door(rules: None, precog_env: pytest.MonkeyPatch, database_url: str) -> Iterator[Proxy]:
    """The way to PostgreSQL, which can be shut, and on which answers can be swallowed."""
    url = urlsplit(database_url)
    with proxy(url.hostname or "", url.port or 0) as door:
        precog_env.setenv("DATABASE_URL", database_url.replace(f":{url.port}", f":{door.port}"))
        close_default_pool()
        store.close_pool()
        yield door


@pytest.fixture
def other_session(database_url: str) -> Iterator[psycopg2.extensions.connection]:
    """A connection of somebody else's, in a transaction of its own."""
    connection = psycopg2.connect(database_url)
    yield connection
    connection.close()
