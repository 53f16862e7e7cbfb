"""`precog serve` as a process, from a worker's SMS to the receipt that Twilio brings."""

import socket
import sys
from pathlib import Path
from uuid import UUID

import pytest
import requests
from twilio.request_validator import RequestValidator

import precog
from precog.localstack.server import free_port
from precog.store import deliveries
from tests.e2e.world import Program, World, write_routes
from tests.waiting import eventually

pytestmark = pytest.mark.e2e

_PRECOG = str(Path(sys.executable).with_name("precog"))


def _serve(world: World, port: int, **variables: str) -> Program:
    return world.start("serve", _PRECOG, "serve", "--port", str(port), **variables)


def _sms_of(alert_id: int) -> tuple[UUID, str | None, str | None]:
    """Its id, what the provider calls it, and its receipt."""
    [row] = [each for each in deliveries.of_alert(alert_id) if each["channel"] == "sms"]
    return UUID(row["delivery_id"]), row["provider_message_id"], row["receipt"]


def test_an_sms_that_a_worker_sent_gets_the_receipt_that_twilio_reports(world: World) -> None:
    port = free_port()
    public_url = f"http://127.0.0.1:{port}"
    serve = _serve(world, port, PRECOG_PUBLIC_URL=public_url)
    serve.wait_until_it_says("Uvicorn running")
    world.worker(PRECOG_PUBLIC_URL=public_url)
    alert_id = precog.log_alert("api_failures", "critical", "kalshi_api", "5 failures in 5 minutes")
    eventually(lambda: _sms_of(alert_id)[1])
    delivery_id, sid, _ = _sms_of(alert_id)
    [sent] = world.outside.twilio.asked_to_send
    url = sent.form["StatusCallback"]
    assert url == f"{public_url}/twilio/status/{delivery_id}"
    report = {"MessageSid": str(sid), "MessageStatus": "delivered"}
    assert requests.post(url, data=report, timeout=10).status_code == 403
    signature = RequestValidator(world.variables["TWILIO_AUTH_TOKEN"]).compute_signature(url, report)
    signed = requests.post(url, data=report, headers={"X-Twilio-Signature": signature}, timeout=10)
    assert (signed.status_code, _sms_of(alert_id)[2]) == (204, "delivered")
    serve.process.stop()
    assert serve.process.exit_status == 0, serve.output
    assert "Traceback" not in serve.output


def test_it_is_heard_on_this_machine_alone_and_says_whether_the_store_answers(world: World) -> None:
    port = free_port()
    serve = _serve(world, port)
    serve.wait_until_it_says("Uvicorn running")
    answer = requests.get(f"http://127.0.0.1:{port}/healthz", timeout=10)
    assert (answer.status_code, answer.json()) == (200, {"status": "degraded"}), "PostgreSQL is there, and no routes"
    assert serve.said("no reports are taken here")
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = {fields[1].partition(":")[0] for fields in listening if fields[1].endswith(f":{port:04X}")}
    assert ours == {"0100007F"}


def test_a_port_that_is_taken_ends_it_with_a_line_that_says_so(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        serve = _serve(world, taken.getsockname()[1])
        assert serve.process.wait(30)
    assert serve.process.exit_status == 1
    assert "address already in use" in serve.output


def test_a_broken_configuration_is_said_and_nothing_is_served(world: World) -> None:
    write_routes()
    serve = _serve(world, free_port(), PRECOG_PUBLIC_URL="http://alerts.example.com")
    assert serve.process.wait(30)
    assert serve.process.exit_status == 1
    assert "public_url_env (PRECOG_PUBLIC_URL): reports name phone numbers and go over https" in serve.output
