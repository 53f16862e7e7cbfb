import base64
from typing import Any

import pytest
from pydantic import ValidationError

from precog.channels.email import EmailSettings
from precog.channels.registry import KINDS
from precog.channels.slack import SlackSettings
from precog.channels.sms import SmsSettings
from precog.channels.webhook import WebhookSettings
from precog.domain.alerts import Severity
from precog.settings.channel import ChannelSettings

pytestmark = pytest.mark.unit

WHSEC = "whsec_" + base64.b64encode(b"k" * 32).decode()
EMAIL: dict[str, Any] = {
    "smtp_host": "smtp.example.com",
    "smtp_port": "2525",
    "from_email": "alerts@example.com",
    "recipients": {"critical": " a@example.com, b@example.com ,a@example.com,", "default": "ops@example.com"},
}
SMS: dict[str, Any] = {
    "account_sid": "AC" + "0" * 32,
    "auth_token": "planted-secret",
    "from_number": "+1 (415) 555-0100",
    "recipients": {"critical": "+14155550101,+44 20 7946 0000"},
}


def test_the_registry_lists_every_channel_in_the_order_of_the_documents() -> None:
    assert list(KINDS) == ["console", "file", "email", "sms", "slack", "webhook"]
    assert [name for name, kind in KINDS.items() if kind.remote] == ["email", "sms", "slack", "webhook"]
    assert all(kind.name == name for name, kind in KINDS.items())


def test_mail_recipients_come_from_a_comma_separated_variable_by_severity() -> None:
    settings = EmailSettings.model_validate(EMAIL)
    of = {severity: KINDS["email"].recipients(settings, severity) for severity in Severity}
    assert of == {
        Severity.CRITICAL: ("a@example.com", "b@example.com"),
        Severity.HIGH: ("ops@example.com",),
        Severity.MEDIUM: ("ops@example.com",),
        Severity.LOW: ("ops@example.com",),
    }
    assert settings.smtp_port == 2525


def test_phone_numbers_become_e164_and_medium_alerts_reach_nobody_by_sms() -> None:
    settings = SmsSettings.model_validate(SMS)
    of = {severity: KINDS["sms"].recipients(settings, severity) for severity in Severity}
    assert of[Severity.CRITICAL] == ("+14155550101", "+442079460000")
    assert of[Severity.HIGH] == of[Severity.MEDIUM] == of[Severity.LOW] == ()
    assert (settings.limits.per_hour, settings.limits.per_day) == (5, 20)


def test_a_hook_is_named_and_its_url_never_is() -> None:
    slack = SlackSettings.model_validate({"webhook_url": "https://hooks.slack.com/services/x", "channel": "#alerts"})
    webhook = WebhookSettings.model_validate({"url": "https://example.com/planted-secret"})
    assert KINDS["slack"].recipients(slack, Severity.HIGH) == ("#alerts",)
    assert KINDS["webhook"].recipients(webhook, Severity.HIGH) == ("webhook",)
    assert "planted-secret" not in repr(webhook)


@pytest.mark.parametrize(
    ("model", "given", "words"),
    [
        (EmailSettings, EMAIL | {"from_email": "a@b@example.com"}, "not a mail address"),
        (EmailSettings, EMAIL | {"from_email": "a@example.com\nBcc: x@example.com"}, "not a mail address"),
        (EmailSettings, EMAIL | {"recipients": {"default": "ops"}}, "not a mail address"),
        (EmailSettings, EMAIL | {"recipients": {}}, "nobody is named"),
        (EmailSettings, EMAIL | {"security": "none"}, "on this machine only"),
        (EmailSettings, EMAIL | {"security": "ssl"}, "starttls"),
        (EmailSettings, EMAIL | {"smtp_username": "x"}, "go together"),
        (EmailSettings, EMAIL | {"smtp_port": "70000"}, "65535"),
        (EmailSettings, EMAIL | {"smtp_hots": "x"}, "smtp_hots"),
        (SmsSettings, SMS | {"from_number": "5551234"}, "country code"),
        (SmsSettings, SMS | {"recipients": {"critical": "+1"}}, "phone number"),
        (SmsSettings, SMS | {"recipients": {"critical": "+1415555010"}}, "digits"),
        (SmsSettings, SMS | {"recipients": {"critical": "call me"}}, "country code"),
        (SmsSettings, SMS | {"account_sid": "SK" + "0" * 32}, "account_sid"),
        (SmsSettings, SMS | {"limits": {"per_hour": 2, "reserved_for_critical": 3}}, "reserved_for_critical"),
        (SmsSettings, SMS | {"max_parts": 11}, "max_parts"),
        (SmsSettings, SMS | {"api_base_url": "ftp://example.com"}, "URL"),
        (SmsSettings, SMS | {"public_url": "http://alerts.example.com"}, "https"),
        (SmsSettings, SMS | {"public_url": "https://alerts_of_ours.example.com"}, "underscore"),
        (SmsSettings, SMS | {"public_url": "https://alerts.example.com/?x=1"}, "without ? and #"),
        (SmsSettings, SMS | {"public_url": "alerts.example.com"}, "URL"),
        (SlackSettings, {"webhook_url": "http://hooks.slack.com/services/x"}, "https"),
        (SlackSettings, {"webhook_url": "hooks.slack.com/services/x"}, "URL"),
        (WebhookSettings, {"url": "file:///etc/passwd"}, "URL"),
        (WebhookSettings, {"url": "https://user:pass@example.com/"}, "user name or password"),
        (WebhookSettings, {"url": "https://example.com/", "secret": "hunter2"}, "whsec_"),
        (WebhookSettings, {"url": "https://example.com/", "secret": "whsec_c2hvcnQ="}, "24 to 64"),
        (WebhookSettings, {"url": "https://example.com/", "secret": f"{WHSEC},whsec_?"}, "24 to 64"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_with_its_reason(
    model: type[ChannelSettings], given: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate(given)
    assert words in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_a_server_on_this_machine_may_go_without_tls(host: str) -> None:
    assert EmailSettings.model_validate(EMAIL | {"security": "none", "smtp_host": host}).smtp_host == host


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://alerts.example.com/", "https://alerts.example.com"),
        ("https://example.com/precog/", "https://example.com/precog"),
        ("http://127.0.0.1:8010", "http://127.0.0.1:8010"),
    ],
)
def test_an_address_where_twilio_calls_back_ends_without_a_slash(given: str, used: str) -> None:
    assert SmsSettings.model_validate(SMS | {"public_url": given}).public_url == used


def test_an_international_mail_domain_is_sent_as_punycode() -> None:
    assert EmailSettings.model_validate(EMAIL | {"from_email": "a@bücher.example.com"}).from_email.endswith(
        "@xn--bcher-kva.example.com"
    )


def test_a_secret_that_is_being_changed_is_two() -> None:
    settings = WebhookSettings.model_validate({"url": "https://example.com/", "secret": f"{WHSEC}, {WHSEC}"})
    assert settings.secrets() == [WHSEC, WHSEC]


@pytest.mark.parametrize("name", list(KINDS))
def test_settings_are_closed_to_unknown_keys_and_frozen(name: str) -> None:
    config = KINDS[name].settings.model_config
    assert config.get("extra") == "forbid"
    assert config.get("frozen") is True
