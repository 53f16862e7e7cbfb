"""When a channel is on, when it is off, and when it is only half configured."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr, model_validator

from precog.domain.alerts import Severity
from precog.domain.routes import Route
from precog.errors import ConfigError
from precog.settings.channel import ChannelSettings
from precog.settings.load import load_settings
from precog.settings.model import ChannelOff, Settings
from precog.settings.routes import describe_channels, planned_routes

pytestmark = pytest.mark.unit
Install = Callable[..., dict[str, str]]


class Gateway(ChannelSettings):
    class Proxy(BaseModel):
        model_config = ConfigDict(frozen=True, extra="forbid")
        host: str = ""
        password: SecretStr | None = None

    host: str
    sender: str
    port: int = 25
    token: SecretStr | None = None
    proxy: Proxy = Proxy()

    @model_validator(mode="after")
    def _token_goes_with_a_port(self) -> "Gateway":
        if self.token and self.port == 25:
            raise ValueError(f"a token ({self.token.get_secret_value()}) needs a port of its own")
        return self


SYSTEM = """
logging: {}
health: {}
alerts: {}
retention:
  days: {critical: 1825, high: 730, medium: 180, low: 30}
delivery:
  fallback: []
  retry:
    critical: {max_attempts: 1, max_age_seconds: 60}
    high: {max_attempts: 1, max_age_seconds: 60}
    medium: {max_attempts: 1, max_age_seconds: 60}
    low: {max_attempts: 1, max_age_seconds: 60}
alert_routing: {critical: [gateway], high: [gateway], medium: [], low: []}
notifications:
  gateway:
    enabled: true
    host_env: GATEWAY_HOST
    sender_env: GATEWAY_SENDER
    port_env: GATEWAY_PORT
    token_env: GATEWAY_TOKEN
    proxy: {host_env: GATEWAY_PROXY, password_env: GATEWAY_PROXY_PASSWORD}
"""
SET = {"GATEWAY_HOST": "gw.example.com", "GATEWAY_SENDER": "ops"}


def _load(environ: dict[str, str]) -> Settings:
    return load_settings(channels={"gateway": Gateway}, environ=environ)


def _gateway(environ: dict[str, str]) -> Any:
    return _load(environ).channels["gateway"]


def _problems(environ: dict[str, str]) -> str:
    with pytest.raises(ConfigError) as caught:
        _load(environ)
    return str(caught.value)


def test_a_channel_is_on_when_its_required_variables_are_set(install: Install) -> None:
    gateway = _gateway(install(system=SYSTEM) | SET)
    assert (gateway.host, gateway.sender, gateway.port, gateway.token) == ("gw.example.com", "ops", 25, None)


def test_optional_variables_are_used_when_they_are_set(install: Install) -> None:
    environ = install(system=SYSTEM) | SET | {"GATEWAY_PORT": "2525", "GATEWAY_PROXY": "proxy"}
    gateway = _gateway(environ)
    assert (gateway.port, gateway.proxy.host) == (2525, "proxy")


@pytest.mark.parametrize("environ", [{}, {"GATEWAY_HOST": "", "GATEWAY_SENDER": "  "}, {"GATEWAY_PORT": "2525"}])
def test_a_channel_without_its_required_variables_is_off_and_names_them(
    install: Install, environ: dict[str, str]
) -> None:
    assert _gateway(install(system=SYSTEM) | environ) == ChannelOff(reason="GATEWAY_HOST, GATEWAY_SENDER are not set")


def test_a_half_configured_channel_is_a_problem_and_names_what_is_missing(install: Install) -> None:
    said = _problems(install(system=SYSTEM) | {"GATEWAY_SENDER": "ops", "GATEWAY_HOST": " "})
    assert "notifications.gateway.host_env: is required, but GATEWAY_HOST is not set or blank" in said
    assert "GATEWAY_SENDER" not in said


def test_a_disabled_channel_needs_nothing(install: Install) -> None:
    disabled = SYSTEM.replace("enabled: true", "enabled: false")
    off = ChannelOff(reason="notifications.gateway.enabled is false in system.yaml")
    assert _gateway(install(system=disabled) | {"GATEWAY_HOST": "gw.example.com"}) == off


def test_whether_it_is_enabled_may_come_from_the_environment(install: Install) -> None:
    environ = install(system=SYSTEM.replace("enabled: true", "enabled_env: GATEWAY_ON")) | SET
    assert isinstance(_gateway(environ | {"GATEWAY_ON": "False"}), ChannelOff)
    assert isinstance(_gateway(environ | {"GATEWAY_ON": "true"}), Gateway)
    assert isinstance(_gateway(environ), Gateway)


def test_a_channel_without_a_section_is_off(install: Install) -> None:
    environ = install(system=SYSTEM.partition("  gateway:")[0].replace("notifications:", "notifications: {}"))
    assert _gateway(environ) == ChannelOff(reason="there is no notifications.gateway in system.yaml")


def test_a_channel_may_be_configured_without_any_variable(install: Install) -> None:
    literal = SYSTEM.replace("host_env: GATEWAY_HOST", "host: gw").replace("sender_env: GATEWAY_SENDER", "sender: ops")
    assert _gateway(install(system=literal)).host == "gw"


def test_a_wrong_value_names_its_variable_and_is_not_repeated(install: Install) -> None:
    said = _problems(install(system=SYSTEM) | SET | {"GATEWAY_PORT": "hunter2"})
    assert "notifications.gateway.port_env (GATEWAY_PORT): should be a valid integer" in said
    assert "hunter2" not in said


def test_keys_that_are_wrong_together_name_the_variables_they_wait_for(install: Install) -> None:
    system = SYSTEM.replace("sender_env", "enabled_env: GATEWAY_ON\n    sender_env").replace("    enabled: true\n", "")
    said = _problems(install(system=system) | SET | {"GATEWAY_TOKEN": "abc1234"})
    assert "notifications.gateway: a token (***) needs a port of its own (not set: GATEWAY_PORT)" in said


@pytest.mark.parametrize("key", ["token_env: GATEWAY_TOKEN", "password_env: GATEWAY_PROXY_PASSWORD"])
def test_a_secret_in_the_file_is_refused_wherever_it_stands_and_not_repeated(install: Install, key: str) -> None:
    name = key.partition("_env")[0]
    said = _problems(install(system=SYSTEM.replace(key, f"{name}: hunter2hunter2")) | SET)
    assert f"name its variable with `{name}_env: VARIABLE`" in said
    assert "hunter2" not in said


def test_a_channel_that_does_not_exist_cannot_be_routed_to(install: Install) -> None:
    system = SYSTEM.replace("critical: [gateway]", "critical: [gatway]").replace("fallback: []", "fallback: [slcak]")
    said = _problems(install(system=system) | SET)
    assert "alert_routing.critical[0]: there is no channel 'gatway'; did you mean 'gateway'?" in said
    assert "delivery.fallback[0]: there is no channel 'slcak'" in said


class _Kind:
    @staticmethod
    def recipients(settings: Gateway, severity: Severity) -> tuple[str, ...]:
        return ("ops", "boss", "ops") if severity is Severity.CRITICAL else ("ops",)


KINDS = {"gateway": _Kind()}


def test_routes_name_each_recipient_of_each_severity_once(install: Install) -> None:
    settings = _load(install(system=SYSTEM) | SET | {"PRECOG_ENVIRONMENT": "prod"})
    routes = planned_routes(settings, KINDS)
    assert [(route.severity, route.recipient) for route in routes] == [
        (Severity.CRITICAL, "ops"),
        (Severity.CRITICAL, "boss"),
        (Severity.HIGH, "ops"),
    ]
    assert {(route.environment.value, route.channel) for route in routes} == {("prod", "gateway")}


def test_a_channel_that_is_off_gets_no_route(install: Install) -> None:
    routes: tuple[Route, ...] = planned_routes(_load(install(system=SYSTEM)), KINDS)
    assert routes == ()


def test_every_channel_is_described_without_a_name_or_a_secret(install: Install) -> None:
    on = _load(install(system=SYSTEM) | SET | {"GATEWAY_TOKEN": "canary-token", "GATEWAY_PORT": "587"})
    assert describe_channels(on, KINDS) == ("gateway: on, 2 recipients",)
    off = _load(install(system=SYSTEM))
    assert describe_channels(off, KINDS) == ("gateway: off: GATEWAY_HOST, GATEWAY_SENDER are not set",)
    idle = _load(install(system=SYSTEM.replace("[gateway]", "[]")) | SET)
    assert "no route leads to it" in describe_channels(idle, KINDS)[0]
