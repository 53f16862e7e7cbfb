"""A worker on a broker in a container, by pytest-celery's own fixtures: where a Docker engine answers."""

import shutil
import subprocess

import pytest

import precog
from tests.e2e.world import World, statuses, wait_until_all_are_sent

if shutil.which("docker") is None or subprocess.run(["docker", "info"], capture_output=True).returncode != 0:
    pytest.skip("no Docker engine answers here, and this test runs a container", allow_module_level=True)

# Not before: pytest-celery adds its own tasks to every Celery app. Its plugin is off, so its fixtures are named here.
from pytest_celery import (
    RedisTestBroker,
    celery_redis_broker,  # noqa: F401
    default_pytest_celery_network,  # noqa: F401
    default_redis_broker,  # noqa: F401
    default_redis_broker_cls,  # noqa: F401
    default_redis_broker_command,  # noqa: F401
    default_redis_broker_env,  # noqa: F401
    default_redis_broker_image,  # noqa: F401
    default_redis_broker_ports,  # noqa: F401
)

pytestmark = [pytest.mark.e2e, pytest.mark.filterwarnings("default")]  # what other packages warn of is not ours


def test_an_alert_goes_through_a_redis_in_a_container(
    world: World,
    celery_redis_broker: RedisTestBroker,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = celery_redis_broker.container.celeryconfig["host_url"]
    monkeypatch.setenv("REDIS_URL", url)
    worker = world.worker(REDIS_URL=url)
    alert_id = precog.log_alert("api_failures", "critical", "kalshi_api", "boom")
    wait_until_all_are_sent(alert_id)
    assert len(statuses(alert_id)) == 6
    assert len(worker.said("attempt finished")) == 6, "by the worker, and not by its recovery in the broker's absence"
