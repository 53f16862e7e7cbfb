"""An address that libpq cannot read: the alert is kept, and no error repeats the password that may be in it."""

from traceback import format_exception

import pytest

import precog
from precog.errors import AlertStoreUnavailable

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://precog:planted%zzsecret@localhost/precog",
        "postgresql://precog:planted/secret@localhost:5432/precog",
        "postgresql://precog:planted-secret@localhost/precog?nonsense=1",
        "host=localhost password='planted-secret dbname=precog",
    ],
)
def test_an_address_that_cannot_be_read_costs_no_alert_and_shows_no_password(
    precog_env: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    precog_env.setenv("DATABASE_URL", address)
    with pytest.raises(AlertStoreUnavailable, match="the address of PostgreSQL cannot be read") as raised:
        precog.log_alert("api_failures", "critical", "kalshi_api", "boom")
    assert raised.value.journaled
    shown = "".join(format_exception(raised.value)) + caplog.text
    assert "planted" not in shown
    assert "secret" not in shown
