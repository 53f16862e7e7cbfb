"""`python -m tests.chaos.receiver FOLDER`: mail server, Twilio, Slack and webhook in a process of their own.

What it accepts it first writes down, fsynced, with its own clock, in FOLDER/accepted.jsonl: the witness that no
database and no worker can talk to. FOLDER/manners.json says how each channel is answered; it may change at any moment.
"""

import asyncio
import json
import os
import re
import sys
import threading
import time
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.smtp import SMTP, Envelope, Session

from precog.localstack.receivers import Fault, Received, Reply, receiver

CHANNELS = ("email", "sms", "slack", "webhook")


class Manner(StrEnum):
    KIND = "accepts"
    BUSY = "asks to come back later"
    BROKEN = "fails, and says so"
    SILENT = "takes the request, accepts nothing and never answers"
    FORGETFUL = "accepts, and drops the connection without an answer"
    SLOW = "accepts, and answers a second later"
    GATED = "takes the request and answers when the gate of its number is there"


class Witness:
    """The journal of what was accepted, and the manners of the moment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = (folder / "accepted.jsonl").open("a")
        self._lock = threading.Lock()
        self._taken = 0

    def manner(self, channel: str) -> Manner:
        manners: dict[str, str] = json.loads((self._folder / "manners.json").read_text())
        return Manner[manners.get(channel, Manner.KIND.name)]

    def accept(self, channel: str, identity: str, *, to: str = "", answered: bool = True) -> None:
        """Durable when it returns. `identity`: of the delivery, the same on every try."""
        line = {"at": time.monotonic(), "channel": channel, "identity": identity, "to": to, "answered": answered}
        with self._lock:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def wait_at_the_gate(self) -> int:
        """The status to answer with, once a file `gate.N` holds it, for the Nth request that came to a gate."""
        with self._lock:
            self._taken += 1
            gate = self._folder / f"gate.{self._taken}"
            (self._folder / "taken").write_text(str(self._taken))
        until = time.monotonic() + 60
        while not gate.exists() and time.monotonic() < until:
            time.sleep(0.02)
        return int(gate.read_text()) if gate.exists() else 503


class Http:
    """One HTTP service: how it is answered, whatever its manner, and what identifies a delivery in it."""

    def __init__(self, witness: Witness, channel: str) -> None:
        self._witness, self._channel = witness, channel
        self._texts: list[dict[str, str]] = []

    def answer(self, request: Received) -> Reply:
        if request.method == "GET":
            return self._listed(request)
        match manner := self._witness.manner(self._channel):
            case Manner.BUSY:
                return Reply(status=429, headers=(("Retry-After", "1"),))
            case Manner.BROKEN:
                return Reply(status=500)
            case Manner.SILENT:
                return Reply(fault=Fault.HANG)
            case Manner.GATED if (status := self._witness.wait_at_the_gate()) >= 300:
                return Reply(status=status)
        answered = manner is not Manner.FORGETFUL
        accepted = self._accept(request, answered=answered)
        if manner is Manner.SLOW:
            time.sleep(1)
        return accepted if answered else Reply(fault=Fault.DROP)

    def _accept(self, request: Received, *, answered: bool) -> Reply:
        match self._channel:
            case "sms":
                entry = {"sid": f"SM{len(self._texts):032x}", "to": request.form["To"], "body": request.form["Body"]}
                mark = re.search(r"\[([0-9a-f]{6})\]$", entry["body"])
                self._witness.accept("sms", mark[1] if mark else "", to=entry["to"], answered=answered)
                self._texts.append({**entry, "status": "queued"})
                return _json(201, entry)
            case "slack":
                mark = re.search(r"precog alerts ack\w* (\d+)", request.body.decode())
                self._witness.accept("slack", mark[1] if mark else "", answered=answered)
                return Reply(body=b"ok")
            case _:
                self._witness.accept(self._channel, request.headers.get("webhook-id", ""), answered=answered)
                return Reply()

    def _listed(self, request: Received) -> Reply:
        """Twilio's list of what it accepted for a number, newest first."""
        to = parse_qs(urlsplit(request.path).query).get("To", [""])[0]
        mine = [entry for entry in reversed(self._texts) if entry["to"] == to]
        return _json(200, {"messages": mine[:100], "next_page_uri": None})


class Mail:
    """The hooks of aiosmtpd's session."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        manner = self._witness.manner("email")
        match manner:
            case Manner.BUSY | Manner.BROKEN:
                return "454 4.3.0 not now"  # 450 and 451 ask for a minute, which is longer than a storm has
            case Manner.SILENT:
                await asyncio.sleep(60)
                return "451 4.3.0 too late"
        mark = re.search(rb"(?mi)^Message-ID: <([0-9a-f-]{36})@", envelope.original_content or b"")
        self._witness.accept(
            "email",
            mark[1].decode() if mark else "",
            to=envelope.rcpt_tos[0],
            answered=manner is not Manner.FORGETFUL,
        )
        if manner is Manner.SLOW:
            await asyncio.sleep(1)
        if manner is Manner.FORGETFUL and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        return "250 2.0.0 queued"


def _json(status: int, content: Any) -> Reply:
    return Reply(status=status, body=json.dumps(content).encode(), headers=(("Content-Type", "application/json"),))


async def _serve_mail(witness: Witness, folder: Path, ports: dict[str, int]) -> None:
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: SMTP(Mail(witness), hostname="mail.localhost", loop=loop), "127.0.0.1", 0
    )
    ports["email"] = int(listening.sockets[0].getsockname()[1])
    draft = folder / "ports.new"
    draft.write_text(json.dumps(ports))
    draft.replace(folder / "ports.json")  # whoever waits for it may begin
    await asyncio.Event().wait()


def main() -> None:
    folder = Path(sys.argv[1])
    witness = Witness(folder)
    with ExitStack() as running:
        https = {name: running.enter_context(receiver(Http(witness, name).answer)) for name in CHANNELS[1:]}
        asyncio.run(_serve_mail(witness, folder, {name: each.port for name, each in https.items()}))


if __name__ == "__main__":
    main()
