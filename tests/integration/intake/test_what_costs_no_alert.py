"""Faults around a call that do not keep its alert from being stored, or from waiting in the journal."""

from pathlib import Path

import pytest

import precog
from precog.domain.alerts import Environment
from precog.errors import AlertStoreUnavailable
from precog.store import alerts

pytestmark = pytest.mark.integration


def test_a_configuration_that_went_away_costs_its_own_rules(
    precog_env: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    precog_env.setenv("PRECOG_CONFIG_DIR", str(tmp_path / "released_away"))
    for _ in range(2):
        alert_id = precog.log_alert("api_failures", "critical", "kalshi_api", "boom")
    assert alerts.get(alert_id, Environment.DEMO)["message"] == "boom"
    [said] = [each for each in caplog.records if "the shipped ones apply" in each.message]
    assert "released_away" in said.__dict__["problems"]


def test_a_role_that_may_not_write_leaves_the_alert_to_the_journal(
    precog_env: pytest.MonkeyPatch, database_url: str
) -> None:
    separator = "&" if "?" in database_url else "?"
    precog_env.setenv("DATABASE_URL", f"{database_url}{separator}options=-c%20role%3Dpg_read_all_data")
    with pytest.raises(AlertStoreUnavailable, match="permission denied") as raised:
        precog.log_alert("api_failures", "critical", "kalshi_api", "boom")
    assert raised.value.journaled
