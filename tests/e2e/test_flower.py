"""Flower beside a real worker: closed without its password, and the only one who makes the worker tell of its tasks."""

import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.auth import HTTPBasicAuth

import precog
from precog import queue
from precog.localstack.commands import FLOWER
from precog.localstack.server import free_port
from precog.localstack.services import installed
from tests.e2e.world import World, wait_until_all_are_sent
from tests.waiting import eventually

pytestmark = pytest.mark.e2e

Get = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def world(shared_world: World) -> World:
    shared_world.worker()
    return shared_world


@pytest.fixture(scope="module")
def quiet_before(world: World) -> list[str]:
    """The kinds of events that the worker sent about one delivery before Flower was there."""
    return _kinds_of_events_about_an_alert(world)


@pytest.fixture(scope="module")
def get(world: World, quiet_before: list[str]) -> Get:
    port, password = free_port(), secrets.token_hex(8)
    flower = world.start(
        "flower",
        *installed(FLOWER),
        FLOWER_ADDRESS="127.0.0.1",
        FLOWER_PORT=str(port),
        FLOWER_BASIC_AUTH=f"precog:{password}",
    )

    def get(path: str, *, user: str | None = "precog") -> requests.Response:
        auth = None if user is None else HTTPBasicAuth(user, password)
        return requests.get(f"http://127.0.0.1:{port}{path}", auth=auth, timeout=10)

    eventually(lambda: "Visit me at" in flower.output or flower.process.exit_status is not None)
    assert flower.process.exit_status is None, flower.output
    return get


@pytest.mark.parametrize("path", ["/", "/workers", "/tasks", "/broker", "/api/workers", "/api/tasks"])
def test_nobody_gets_in_without_the_password(get: Get, path: str) -> None:
    assert get(path, user=None).status_code == 401
    assert get(path, user="somebody").status_code == 401


def test_it_shows_the_worker_with_a_queue_for_each_channel(get: Get) -> None:
    workers: dict[str, Any] = eventually(lambda: get("/api/workers?refresh=1").json())
    [(name, worker)] = workers.items()
    assert name.startswith("worker@")
    assert {each["name"] for each in worker["active_queues"]} == set(map(queue.queue_name, queue.CHANNELS))
    eventually(lambda: name in get("/").text)


def test_a_worker_tells_of_its_tasks_once_flower_asks_and_not_before(
    world: World, quiet_before: list[str], get: Get
) -> None:
    assert set(quiet_before) == {"worker-heartbeat"}
    eventually(lambda: "task-succeeded" in _kinds_of_events_about_an_alert(world))


def test_a_delivered_task_is_shown_by_its_name_with_an_id_and_nothing_of_the_alert(world: World, get: Get) -> None:
    eventually(lambda: "task-succeeded" in _kinds_of_events_about_an_alert(world))
    precog.log_alert("api_failures", "low", "a secret place", "a secret text")
    shown = eventually(
        lambda: [task for task in get("/api/tasks").json().values() if task["name"] == "precog.deliver_file"]
    )
    assert eventually(lambda: get("/api/tasks?state=SUCCESS").json())
    assert "secret" not in get("/api/tasks").text
    assert all(len(task["args"]) == len("('00000000-0000-0000-0000-000000000000',)") for task in shown)


def test_without_a_password_it_does_not_start_and_says_how_to_give_it_one(world: World) -> None:
    flower = world.start("flower without a password", *installed(FLOWER), FLOWER_PORT=str(free_port()))
    assert flower.process.wait(30)
    assert flower.process.exit_status == 1
    assert "set FLOWER_BASIC_AUTH=user:password" in flower.output


def test_it_listens_on_this_machine_only_unless_told_otherwise(world: World) -> None:
    port = free_port()
    flower = world.start(
        "flower without an address", *installed(FLOWER), FLOWER_PORT=str(port), FLOWER_BASIC_AUTH="precog:precog"
    )
    eventually(lambda: "Visit me at" in flower.output or flower.process.exit_status is not None)
    assert _listeners(port) == {"0100007F"}


def _listeners(port: int) -> set[str]:
    """The local addresses, as the kernel writes them, at which somebody listens on a port: IPv4 and IPv6."""
    tables = [Path(f"/proc/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    ends = [line.split()[1:4] for table in tables for line in table]
    return {local.rpartition(":")[0] for local, _, state in ends if state == "0A" and local.endswith(f":{port:04X}")}


def _kinds_of_events_about_an_alert(world: World) -> list[str]:
    """What the worker sends while it delivers an alert, from one sign of life to another."""
    kinds: list[str] = []
    delivered_at = float("inf")

    def note(event: dict[str, Any]) -> None:
        kinds.append(event["type"])
        receiver.should_stop = event["type"] == "worker-heartbeat" and event["timestamp"] > delivered_at

    with world.celery() as app, app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, handlers={"*": note})
        events = receiver.itercapture(limit=None, timeout=20, wakeup=False)
        next(events)
        wait_until_all_are_sent(precog.log_alert("api_failures", "low", f"test {time.monotonic()}", "boom"))
        delivered_at = time.time()
        for _ in events:
            pass
    return kinds
