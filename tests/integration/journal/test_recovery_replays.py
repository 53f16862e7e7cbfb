"""Recovery stores what any program of its machine left in the journal."""

from pathlib import Path

import pytest

import precog
from precog import journal
from precog.channels.registry import KINDS
from precog.courier import Courier, open_courier
from precog.domain.alerts import Environment
from precog.errors import AlertStoreUnavailable
from precog.recovery import duties
from precog.settings.load import load_settings
from precog.store import alerts
from tests.proxy import Proxy

pytestmark = pytest.mark.integration

DEMO = Environment.DEMO


@pytest.fixture
def courier(door: Proxy, precog_env: pytest.MonkeyPatch, tmp_path: Path) -> Courier:
    precog_env.chdir(tmp_path)
    return open_courier(load_settings(channels={name: kind.settings for name, kind in KINDS.items()}))


def _raise_while_away(door: Proxy) -> None:
    door.go_away()
    with pytest.raises(AlertStoreUnavailable):
        precog.log_alert("api_failures", "high", "kalshi_api", "boom")
    door.refuses.clear()


def _open() -> list[str]:
    found = alerts.unresolved(Environment.DEMO, most=10)
    return [each["message"] for each in found]


def test_a_beat_stores_what_a_program_that_is_gone_has_left(door: Proxy, courier: Courier) -> None:
    _raise_while_away(door)
    assert duties.heal(courier).replayed == 1
    assert _open() == ["boom"]
    assert duties.heal(courier).replayed == 0


def test_a_journal_that_cannot_be_used_stops_no_beat_and_is_said_once(
    door: Proxy, courier: Courier, caplog: pytest.LogCaptureFixture
) -> None:
    _raise_while_away(door)
    file = journal.journal_file(DEMO)
    as_it_was = file.read_bytes()
    file.unlink()
    file.mkdir()
    assert [duties.heal(courier).replayed for _ in range(3)] == [0, 0, 0]
    assert caplog.text.count("the journal of this machine waits") == 1
    file.rmdir()
    file.write_bytes(as_it_was)
    assert duties.heal(courier).replayed == 1
