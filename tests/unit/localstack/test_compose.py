"""docker-compose.yml starts what the local stack starts, and keeps its promises about secrets and loss."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from precog.localstack.commands import FLOWER, MIGRATE, POSTGRES_SETTINGS, REDIS_SETTINGS, SERVE, WATCH, WORKERS

pytestmark = pytest.mark.unit

_TEXT = (Path(__file__).parents[3] / "docker-compose.yml").read_text()
_LONG_RUNNING = ("postgres", "redis", *WORKERS, "watch", "flower", "serve")
_ON_LOOPBACK = {"flower": ["127.0.0.1:5555:5555"], "serve": ["127.0.0.1:8010:8010"]}


@cache
def _compose() -> Any:
    return yaml.safe_load(_TEXT)


def _service(name: str) -> Any:
    return _compose()["services"][name]


def test_the_file_follows_the_compose_specification() -> None:
    resolved = yaml.safe_dump(_compose())
    assert set(PyCompose.from_yaml(resolved).service_names()) == {*_LONG_RUNNING, "migrate"}


def test_a_misspelt_key_would_not_pass_for_the_specification() -> None:
    with pytest.raises(ValueError, match="restrat"):
        PyCompose.from_yaml(yaml.safe_dump(_compose()).replace("restart:", "restrat:"))


@pytest.mark.parametrize("name", WORKERS)
def test_each_worker_is_started_as_the_local_stack_starts_it(name: str) -> None:
    assert tuple(_service(name)["command"]) == WORKERS[name]


def test_flower_is_started_as_the_local_stack_starts_it() -> None:
    assert tuple(_service("flower")["command"]) == FLOWER


def test_the_alert_sources_are_started_as_the_local_stack_starts_them() -> None:
    assert tuple(_service("watch")["command"]) == WATCH


def test_reports_are_taken_only_where_somebody_asks_for_it() -> None:
    serve = _service("serve")
    assert serve["profiles"] == ["reports"]
    assert tuple(serve["command"]) == (*SERVE, "--host", "0.0.0.0", "--port", "8010")


def test_the_database_is_migrated_as_the_local_stack_migrates_it() -> None:
    assert _service("migrate")["command"] == ["sh", "-c", " && ".join(" ".join(argv) for argv in MIGRATE)]


@pytest.mark.parametrize("name", [*WORKERS, "watch", "flower", "migrate"])
def test_only_what_migrates_knows_the_owner_of_the_database(name: str) -> None:
    environment = _service(name)["environment"]
    assert environment["DATABASE_URL"].startswith("postgresql://precog_programs:${PROGRAMS_PASSWORD")
    assert bool(environment["PRECOG_OWNER_URL"]) == (name == "migrate")
    assert environment["POSTGRES_PASSWORD"] == "", "it is in .env, which workers are given whole"


def test_postgres_runs_with_the_settings_of_the_local_stack() -> None:
    assert _service("postgres")["command"] == [
        "postgres",
        *(option for key, value in POSTGRES_SETTINGS.items() for option in ("-c", f"{key}={value}")),
    ]


def test_redis_runs_with_the_settings_of_the_local_stack() -> None:
    lines = _compose()["configs"]["redis"]["content"].splitlines()
    settings = dict(line.split(" ", 1) for line in lines)
    assert settings.items() >= REDIS_SETTINGS.items()
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["appendonly"] == "yes"


def test_mail_and_webhooks_have_a_worker_of_their_own() -> None:
    queues = {name: argv[argv.index("--queues") + 1].split(",") for name, argv in WORKERS.items()}
    assert queues["worker-mail"] == ["notifications.email", "notifications.webhook"]
    assert not set(queues["worker-mail"]) & set(queues["worker"])


@pytest.mark.parametrize("name", WORKERS)
def test_workers_can_be_scaled(name: str) -> None:
    assert not {"container_name", "ports", "hostname"} & set(_service(name))
    assert any(part.endswith("@%h") for part in _service(name)["command"])


@pytest.mark.parametrize("name", [*_LONG_RUNNING, "migrate"])
def test_nothing_of_ours_can_be_reached_from_another_machine(name: str) -> None:
    assert _service(name).get("ports", []) == _ON_LOOPBACK.get(name, [])


def test_flower_asks_for_a_password() -> None:
    assert _service("flower")["environment"]["FLOWER_BASIC_AUTH"].startswith("precog:${FLOWER_PASSWORD:?")


def test_flower_sees_no_secret_of_a_channel() -> None:
    assert "env_file" not in _service("flower")


@pytest.mark.parametrize("name", _LONG_RUNNING)
def test_a_service_that_ends_is_started_again_and_is_looked_after(name: str) -> None:
    assert _service(name)["restart"] == "unless-stopped"
    assert _service(name)["healthcheck"]["test"]


def test_no_service_starts_before_the_schema_is_there() -> None:
    for name in (*WORKERS, "watch", "flower", "serve"):
        assert _service(name)["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_the_data_of_both_servers_outlives_their_containers() -> None:
    for name in ("postgres", "redis"):
        (volume,) = (mount.split(":")[0] for mount in _service(name)["volumes"])
        assert volume in _compose()["volumes"]


def test_every_secret_comes_from_outside_and_its_absence_stops_the_start() -> None:
    secrets = re.findall(r"\$\{(\w+PASSWORD)(.*?)\}", _TEXT)
    assert {name for name, _ in secrets} == {
        "POSTGRES_PASSWORD",
        "PROGRAMS_PASSWORD",
        "REDIS_PASSWORD",
        "FLOWER_PASSWORD",
    }
    assert all(rest.startswith(":?") for _, rest in secrets)


def test_the_file_holds_no_secret() -> None:
    environment = [
        pair for service in _compose()["services"].values() for pair in service.get("environment", {}).items()
    ]
    secret = [value for name, value in environment if re.search("PASSWORD|AUTH|SECRET|TOKEN|KEY", name)]
    assert any(secret)
    assert all("${" in value for value in secret if value)
    assert re.findall(r"//\w*:(?!\$\{)[^@/\s]+@", _TEXT) == []
    assert re.findall(r"requirepass (?!\$\{)", _TEXT) == []
