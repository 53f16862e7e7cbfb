"""`precog serve` on a free loopback port, as a provider meets it behind a proxy: at another address than its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from uuid import UUID

import requests
from twilio.request_validator import RequestValidator

from precog.channels.registry import KINDS
from precog.settings.load import load_settings
from precog.settings.model import Settings
from precog.store import deliveries
from precog.web.server import make_server
from tests.waiting import eventually

PUBLIC_URL = "https://alerts.example.com"
TOKEN = "a-token"
NOBODY = UUID("00000000-0000-4000-8000-000000000000")


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    address: str

    def report(
        self, delivery_id: UUID, sid: str, status: str, *, token: str = TOKEN, **fields: str
    ) -> requests.Response:
        """As Twilio reports on a message: signed for the public address, brought to this one."""
        form = {"MessageSid": sid, "MessageStatus": status, "AccountSid": "AC" + "0" * 32, **fields}
        path = f"/twilio/status/{delivery_id}"
        signature = RequestValidator(token).compute_signature(PUBLIC_URL + path, form)
        return self.post(path, form, {"X-Twilio-Signature": signature})

    def post(self, path: str, form: dict[str, str], headers: dict[str, str]) -> requests.Response:
        return requests.post(self.address + path, data=form, headers=headers, timeout=10)

    def get(self, path: str) -> requests.Response:
        return requests.get(self.address + path, timeout=10)


def as_configured() -> Settings:
    return load_settings(channels={name: kind.settings for name, kind in KINDS.items()})


@contextmanager
def serving(settings: Settings) -> Iterator[Web]:
    server = make_server(settings, host="127.0.0.1", port=0)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    eventually(lambda: server.started or not thread.is_alive())
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Web(address=f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sms:
    """One that Twilio accepted."""

    alert_id: int
    delivery_id: UUID
    sid: str

    def receipt(self) -> tuple[str | None, str | None, str | None]:
        """What is on record of it: the state, the code, the words."""
        row = next(each for each in deliveries.of_alert(self.alert_id) if each["delivery_id"] == str(self.delivery_id))
        return row["receipt"], row["receipt_code"], row["receipt_error"]


def sms_of(alert_id: int) -> UUID:
    return next(UUID(each["delivery_id"]) for each in deliveries.of_alert(alert_id) if each["channel"] == "sms")
