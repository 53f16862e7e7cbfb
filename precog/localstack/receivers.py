"""Receivers on loopback that stand for Slack, Twilio and a webhook: they record what they got and answer as told."""

import json
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    method: str
    path: str
    """With its query."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    connection: int
    """The client's port: the same for all that came over one connection."""

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form body, as Twilio gets them."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


class Fault(StrEnum):
    HANG = "takes the request and never answers"
    DROP = "takes the request and closes the connection"
    DRIP_HEAD = "answers with headers that never end, a byte at a time"
    DRIP_BODY = "answers with a body that never ends, a byte at a time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    fault: Fault | None = None


Answer = Callable[[Received], Reply]


class Receiver:
    """An HTTP server on a free loopback port. `received` grows with every request, whatever it is answered."""

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self._answer = answer
        self._scripted: deque[Reply] = deque()
        self._arrived = threading.Condition()
        self.closing = threading.Event()
        self.received: list[Received] = []
        self._server = _server(self)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def script(self, *replies: Reply) -> None:
        """Answer the next requests with `replies`, one each, and after them as usual again."""
        self._scripted.extend(replies)

    def unscript(self) -> None:
        """Forget the replies that were not needed, and answer as usual from now on."""
        self._scripted.clear()

    def take(self, request: Received) -> Reply:
        with self._arrived:
            self.received.append(request)
            self._arrived.notify_all()
            scripted = self._scripted.popleft() if self._scripted else None
        return scripted or self._answer(request)

    def wait_for(self, count: int, seconds: float = 10.0) -> list[Received]:
        """The requests so far, once there are `count` of them; TimeoutError when they do not come."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.received) >= count, seconds):
                raise TimeoutError(f"{len(self.received)} of {count} requests came within {seconds} s")
            return list(self.received)

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _server(receiver: Receiver) -> ThreadingHTTPServer:
    class Handler(_Handler):
        owner: ClassVar[Receiver] = receiver

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is part of the play."""

    return Server(("127.0.0.1", 0), Handler)


class _Handler(BaseHTTPRequestHandler):
    owner: ClassVar[Receiver]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.owner.take(
            Received(method=self.command, path=self.path, headers=headers, body=body, connection=self.client_address[1])
        )
        if reply.fault is None:
            self._send(reply)
        else:
            self.close_connection = True
            self._misbehave(reply, reply.fault)

    do_GET = do_POST  # noqa: N815 -- the name is the base class's

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        if reply.status < 200:  # nothing but the head, and the end: what a broken server does
            self.send_header("Connection", "close")
            self.end_headers()
            return
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.status not in {204, 304}:
            self.wfile.write(reply.body)

    def _misbehave(self, reply: Reply, fault: Fault) -> None:
        if fault is Fault.HANG:
            self.owner.closing.wait()
        elif fault is Fault.DRIP_HEAD:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            self._drip()
        elif fault is Fault.DRIP_BODY:
            self.send_response(reply.status)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self._drip()

    def _drip(self) -> None:
        while not self.owner.closing.wait(0.02):
            self.wfile.write(b"x")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is the base class's
        """Silent: what arrived is in `received`."""


@contextmanager
def receiver(answer: Answer | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A webhook's receiver: 200 for everything, unless `answer` says otherwise."""
    running = Receiver(answer or (lambda _: Reply()), tls)
    try:
        yield running
    finally:
        running.close()


@contextmanager
def slack_receiver() -> Iterator[Receiver]:
    """Slack as an incoming webhook sees it: 200 and the body `ok`."""
    with receiver(lambda _: Reply(body=b"ok")) as running:
        yield running


class Twilio(Receiver):
    """Twilio's Messages: a POST is accepted with a sid, a GET shows one or lists those to the number asked for."""

    def __init__(self) -> None:
        self._messages: dict[str, dict[str, str | int | None]] = {}
        super().__init__(self._twilio)

    def becomes(self, sid: str, status: str, *, error_code: int | None = None) -> None:
        """From now on, say this of an accepted message."""
        self._messages[sid] |= {"status": status, "error_code": error_code}

    @property
    def asked_to_send(self) -> list[Received]:
        """The messages, accepted or not, without the questions about them."""
        return [each for each in self.received if each.method == "POST"]

    def _twilio(self, request: Received) -> Reply:
        if request.method == "POST":
            sid = f"SM{len(self._messages) + 1:032x}"
            of_send = {"sid": sid, "to": request.form["To"], "body": request.form["Body"], "status": "queued"}
            self._messages[sid] = {**of_send, "error_code": None, "error_message": None}
            return _json(201, self._messages[sid])
        where = urlsplit(request.path)
        if where.path.endswith("/Messages.json"):
            to = parse_qs(where.query).get("To", [""])[0]
            sent_to = [each for each in reversed(self._messages.values()) if each["to"] == to]
            return _json(200, {"messages": sent_to, "next_page_uri": None})
        found = self._messages.get(where.path.rpartition("/")[2].removesuffix(".json"))
        return _json(404, {"code": 20404, "message": "no such message"}) if found is None else _json(200, found)


@contextmanager
def twilio_receiver() -> Iterator[Twilio]:
    running = Twilio()
    try:
        yield running
    finally:
        running.close()


def _json(status: int, content: object) -> Reply:
    headers = (("Content-Type", "application/json"),)
    return Reply(status=status, body=json.dumps(content).encode(), headers=headers)
