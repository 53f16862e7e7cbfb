"""The files that come with Precog: what they hold, and that they and .env.example name the same variables."""

import re
import shutil
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from traceback import format_exception

import pytest

from precog.channels.registry import KINDS
from precog.domain.alerts import Category, Severity
from precog.errors import ConfigError
from precog.pacing import receipt_looks
from precog.resources import resource
from precog.settings.delivery import ReceiptDeadlines
from precog.settings.load import FILES, load_rules, load_settings
from precog.settings.model import ChannelOff, Settings
from precog.settings.routes import describe_channels, planned_routes
from precog.settings.secrets import configured_secrets

pytestmark = pytest.mark.unit

CHANNELS = {name: kind.settings for name, kind in KINDS.items()}
ROOT = Path(__file__).parents[3]
ALL_SET = {
    "SMTP_HOST": "smtp.example.com",
    "SMTP_PORT": "465",
    "SMTP_USERNAME": "precog",
    "SMTP_PASSWORD": "canary-smtp-password",
    "SMTP_SECURITY": "tls",
    "SMTP_CA_FILE": __file__,
    "ALERT_FROM_EMAIL": "alerts@example.com",
    "CRITICAL_ALERT_EMAILS": "a@example.com, b@example.com",
    "HIGH_ALERT_EMAILS": "a@example.com",
    "MEDIUM_ALERT_EMAILS": "",
    "DEFAULT_ALERT_EMAILS": "c@example.com",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "canary-twilio-token",
    "TWILIO_FROM_NUMBER": "+12025550100",
    "CRITICAL_ALERT_PHONE_NUMBERS": "+12025550101,+12025550102",
    "HIGH_ALERT_PHONE_NUMBERS": "+12025550101",
    "TWILIO_API_BASE_URL": "https://gateway.example.com",
    "PRECOG_PUBLIC_URL": "https://precog.example.com",
    "TWILIO_SIGNING_KEY": "canary-signing-key",
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/canary-slack-token",
    "SLACK_ALERT_CHANNEL": "#alerts",
    "CUSTOM_WEBHOOK_URL": "https://hooks.example.com/canary-webhook-path",
    "CUSTOM_WEBHOOK_SECRET": "whsec_Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5",
    "CUSTOM_WEBHOOK_ALLOW_PRIVATE": "true",
}
SECRETS = (
    "canary-smtp-password",
    "canary-twilio-token",
    "canary-signing-key",
    "canary-slack-token",
    "canary-webhook-path",
    "Y2FuYXJ5",
)


def _load(environ: dict[str, str]) -> Settings:
    return load_settings(channels=CHANNELS, environ=environ)


def test_without_a_variable_only_what_needs_none_is_on() -> None:
    settings = _load({})
    off = {name for name, channel in settings.channels.items() if isinstance(channel, ChannelOff)}
    assert off == {"email", "sms", "slack", "webhook"}
    assert {route.channel for route in planned_routes(settings, KINDS)} == {"console", "file"}


def test_every_channel_that_is_off_says_which_variables_it_waits_for() -> None:
    assert describe_channels(_load({}), KINDS) == (
        "console: on, 1 recipient",
        "file: on, 1 recipient",
        "email: off: SMTP_HOST, ALERT_FROM_EMAIL are not set",
        "sms: off: TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_FROM_NUMBER are not set",
        "slack: off: SLACK_WEBHOOK_URL is not set",
        "webhook: off: CUSTOM_WEBHOOK_URL is not set",
    )


def test_with_every_variable_every_channel_is_on() -> None:
    settings = _load(ALL_SET)
    assert not [channel for channel in settings.channels.values() if isinstance(channel, ChannelOff)]
    assert describe_channels(settings, KINDS)[2:4] == ("email: on, 3 recipients", "sms: on, 2 recipients")


def test_critical_goes_everywhere_low_to_the_file_only_and_the_rest_between() -> None:
    routes = planned_routes(_load(ALL_SET), KINDS)
    reached = {severity: {route.channel for route in routes if route.severity is severity} for severity in Severity}
    assert reached[Severity.CRITICAL] == set(KINDS)
    assert reached[Severity.LOW] == {"file"}
    assert reached[Severity.LOW] < reached[Severity.MEDIUM] < reached[Severity.HIGH] < reached[Severity.CRITICAL]


def test_recipients_follow_the_severity() -> None:
    mails = [
        (route.severity.value, route.recipient)
        for route in planned_routes(_load(ALL_SET), KINDS)
        if route.channel == "email"
    ]
    assert mails == [
        ("critical", "a@example.com"),
        ("critical", "b@example.com"),
        ("high", "a@example.com"),
        ("medium", "c@example.com"),
    ]


def test_no_secret_is_in_any_text_of_the_settings() -> None:
    settings = _load(ALL_SET)
    texts = [repr(settings), str(settings), *describe_channels(settings, KINDS), repr(planned_routes(settings, KINDS))]
    assert not [secret for secret in SECRETS if any(secret in text for text in texts)]


@pytest.mark.parametrize("broken", sorted(ALL_SET))
def test_no_secret_is_in_an_error_whichever_variable_is_wrong(broken: str) -> None:
    environ = ALL_SET | {broken: f"{ALL_SET[broken]} and a blank that no value allows"}
    try:
        text = repr(_load(environ))
    except ConfigError as error:
        text = "".join(format_exception(error))
    assert not [secret for secret in SECRETS if secret in text]


def _variables_of_the_files() -> set[str]:
    files = [(resource("config") / name).read_text() for name in FILES.values()]
    process = (ROOT / "precog/settings/process.py").read_text()
    in_files = {name for text in files for name in re.findall(r"_env: ([A-Z_]+)", text)}
    in_compose = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    return (
        in_files | in_compose | {"PRECOG_HOME", "PRECOG_SERVE_PORT"} | set(re.findall(r'_value\("([A-Z_]+)"', process))
    )


def test_the_example_environment_names_every_variable_and_no_other() -> None:
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)) == _variables_of_the_files()


def test_each_variable_of_the_example_has_its_comment_and_no_value_that_could_be_secret() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    for above, line in pairwise(lines):
        if "=" in line and not line.startswith("#"):
            assert above.startswith("# "), line
            assert line in {"PRECOG_ENVIRONMENT=demo"} or line.endswith("="), line


def test_the_example_environment_as_it_is_turns_no_channel_on() -> None:
    example = dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert _load(example).channels == _load({}).channels


def test_every_shipped_type_of_alert_has_its_keys_and_its_category() -> None:
    rules = load_rules({})
    breakers = type(_load({}).trading.circuit_breakers).model_fields
    assert set(breakers) < set(rules.fingerprint_keys)
    assert set(rules.fingerprint_keys) < set(rules.categories)
    assert set(rules.bands) < set(rules.fingerprint_keys)
    assert rules.category("rapid_loss") is Category.RISK
    assert rules.band_of("rapid_loss", {"loss": "399.99"}) == 1


def test_a_breakers_first_step_is_its_threshold() -> None:
    settings = _load({})
    breakers, bands = settings.trading.circuit_breakers, settings.alerts.bands
    assert bands["rapid_loss"].steps[0] == breakers.rapid_loss.dollars
    assert bands["daily_loss_limit"].steps[0] == breakers.daily_loss_limit.dollars
    assert bands["api_failures"].steps[0] == breakers.api_failures.count
    assert bands["data_stale"].steps[0] == breakers.data_stale.seconds
    assert bands["consecutive_losses"].steps[0] == breakers.consecutive_losses.count
    assert bands["loss_alert"].steps[0] == settings.trading.profit_and_loss.loss_alert.dollars
    assert bands["gain_alert"].steps[0] == settings.trading.profit_and_loss.gain_alert.dollars
    positions = settings.position_management.alerts
    assert bands["position_oversized"].steps[0] == positions.position_oversized.at
    assert bands["exit_failing"].steps[0] == positions.exit_failing.attempts
    assert bands["rate_limit_usage"].steps[0] == settings.data_sources.usage_alert.at


def test_the_thresholds_are_those_of_the_schema() -> None:
    settings = _load({})
    breakers = settings.trading.circuit_breakers
    assert (breakers.api_failures.count, breakers.api_failures.window_minutes) == (5, 5)
    assert breakers.data_stale.seconds == 120
    assert breakers.edge_anomaly.above == Decimal("0.30")
    assert (breakers.edge_anomaly.count, breakers.edge_anomaly.window_minutes) == (3, 10)
    assert breakers.rapid_loss.dollars == 200
    assert breakers.rapid_loss.window_minutes == 15
    assert (breakers.unusual_activity.count, breakers.unusual_activity.window_minutes) == (20, 5)
    assert breakers.daily_loss_limit.dollars == 500
    assert breakers.consecutive_losses.count == 5
    assert settings.health.check_interval_seconds == 60
    assert settings.data_sources.usage_alert.at == Decimal("0.80")
    assert settings.probability_models.degradation.minimum_ratio == Decimal("0.85")
    assert settings.probability_models.degradation.window_days == 30


def test_a_receipt_is_waited_for_as_long_as_is_said_or_for_ever(tmp_path: Path) -> None:
    assert _load({}).delivery.receipt_deadline_seconds == ReceiptDeadlines(critical=60, high=300)
    shutil.copytree(resource("config"), tmp_path / "config")
    system = tmp_path / "config/system.yaml"
    system.write_text(system.read_text().replace("{critical: 60, high: 300}", "{critical: 20, high: null}"))
    deadlines = _load({"PRECOG_CONFIG_DIR": str(tmp_path / "config")}).delivery.receipt_deadline_seconds
    assert (deadlines.critical, deadlines.high) == (20, None)


def test_a_critical_receipt_is_asked_for_right_before_its_deadline() -> None:
    deadline = _load({}).delivery.receipt_deadline_seconds.critical
    assert deadline is not None
    for called_back in (True, False):
        last = max(age for age in receipt_looks(called_back=called_back) if age < deadline)
        assert deadline - last <= 5


def test_the_two_halves_of_a_profile_have_the_same_names() -> None:
    settings = _load({})
    sizes, entries = settings.position_management, settings.trade_strategies
    assert set(sizes.profiles) == set(entries.profiles) == {"conservative", "moderate", "aggressive"}
    assert sizes.default_profile == entries.default_profile


def test_an_older_file_without_position_alerts_means_the_shipped_ones(tmp_path: Path) -> None:
    shutil.copytree(resource("config"), tmp_path / "config")
    file = tmp_path / "config/position_management.yaml"
    file.write_text(file.read_text().partition("\nalerts:")[0])
    older = _load({"PRECOG_CONFIG_DIR": str(tmp_path / "config")}).position_management
    assert older == _load({}).position_management


def test_slippage_makes_no_position_too_large() -> None:
    settings = _load({})
    slips = [profile.max_slippage for profile in settings.trade_strategies.profiles.values()]
    assert settings.position_management.alerts.position_oversized.at > 1 + max(slips)


def test_the_retries_outlast_an_outage_of_hours_for_what_matters() -> None:
    policy = _load({}).delivery
    for severity in (Severity.CRITICAL, Severity.HIGH):
        retry = policy.retry[severity]
        pauses = [
            min(policy.backoff.cap_seconds, policy.backoff.base_seconds * 2**n) / 2 for n in range(retry.max_attempts)
        ]
        assert retry.max_age_seconds == 6 * 3600
        assert sum(pauses) > retry.max_age_seconds


def test_a_heartbeat_is_off_until_its_variable_is_set() -> None:
    assert _load({}).health.heartbeat_url is None
    url = "https://hc-ping.com/01234567-89ab-4cde-8f01-23456789abcd"
    settings = _load({"PRECOG_HEARTBEAT_URL": url})
    assert "hc-ping" not in repr(settings)
    assert url in configured_secrets(settings, {})


def test_a_heartbeat_that_is_no_web_address_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError, match="not a URL of the form") as caught:
        _load({"PRECOG_HEARTBEAT_URL": "hc-ping.com/0123"})
    assert "0123" not in str(caught.value)
