"""A courier whose six channels lead to receivers on loopback."""

from collections.abc import Iterator

import pytest

from precog import queue
from precog.channels.registry import KINDS
from precog.courier import Courier, open_courier
from precog.settings.load import load_settings
from precog.settings.routes import planned_routes
from precog.store import channels


@pytest.fixture
def courier(configured: None) -> Iterator[Courier]:
    settings = load_settings(channels={name: kind.settings for name, kind in KINDS.items()})
    channels.write_routes(settings.environment, planned_routes(settings, KINDS))
    queue.reset()
    courier = open_courier(settings)
    yield courier
    for each in courier.channels.values():
        each.close()
