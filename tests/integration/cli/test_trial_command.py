"""`precog test-notification`."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from precog.domain.alerts import Environment
from precog.store import alerts, channels, deliveries

Run = Callable[..., Result]

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _in_a_directory_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The shipped configuration writes logs/alerts.jsonl."""
    monkeypatch.chdir(tmp_path)


def test_an_accepted_notification_is_sent_for_real_and_on_record(run: Run, tmp_path: Path) -> None:
    ended = run("test-notification", "file")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout.startswith("accepted by file for alerts: ")
    assert "nothing has happened" in (tmp_path / "logs/alerts.jsonl").read_text()
    (alert,) = alerts.newest(Environment.DEMO)
    assert [each["status"] for each in deliveries.of_alert(alert["alert_id"])] == ["sent"]
    assert alert["resolution_action"] == "ignored", "a test is nobody's incident"


def test_a_failure_says_its_class_its_code_and_what_follows(run: Run, precog_env: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": "1",
        "SMTP_SECURITY": "none",
        "ALERT_FROM_EMAIL": "precog@example.com",
        "CRITICAL_ALERT_EMAILS": "ann@example.com",
    }.items():
        precog_env.setenv(name, value)
    ended = run("test-notification", "email")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr.startswith("TransientFailure (")
    assert "it surely was not sent; try again in a while" in ended.stderr
    assert ended.stderr.count("\n") == 1
    (alert,) = alerts.newest(Environment.DEMO)
    (mail,) = deliveries.of_alert(alert["alert_id"])
    assert (mail["recipient"], mail["status"]) == ("ann@example.com", "cancelled"), (
        "it is not tried again behind her back"
    )


def test_a_channel_that_is_off_is_named_with_the_reason(run: Run) -> None:
    ended = run("test-notification", "slack")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "SLACK_WEBHOOK_URL is not set; `precog config check` shows what each channel needs" in ended.stderr


def test_settings_of_this_shell_that_pass_nothing_pause_no_channel_of_the_workers(
    run: Run, precog_env: pytest.MonkeyPatch
) -> None:
    precog_env.setenv("CUSTOM_WEBHOOK_URL", "http://127.0.0.1:8099/hook")
    ended = run("test-notification", "webhook")
    assert ended.exit_code == 1
    assert ended.stderr.startswith("ChannelMisconfigured (private_address): ")
    assert ended.stderr.count("precog config check") == 1
    assert channels.paused(Environment.DEMO) == []
    assert alerts.newest(Environment.DEMO, alert_type="channel_paused") == []
    (alert,) = alerts.newest(Environment.DEMO)
    assert [each["status"] for each in deliveries.of_alert(alert["alert_id"])] == ["cancelled"]


def test_a_paused_channel_names_the_command_that_resumes_it(run: Run) -> None:
    channels.pause(Environment.DEMO, "file", error_code="EACCES", reason="the file cannot be written")
    ended = run("test-notification", "file")
    assert ended.exit_code == 1
    assert ended.stderr.count("precog channels resume file") == 1
