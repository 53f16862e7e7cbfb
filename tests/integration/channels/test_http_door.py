import gzip
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import requests

from precog.channels.http import BODY_LIMIT, Door
from precog.errors import ChannelMisconfigured, SendFailure, TransientFailure, UnknownOutcome
from precog.localstack.receivers import Fault, Receiver, Reply, receiver

pytestmark = pytest.mark.integration

SECRET_PATH = "/services/T0SECRET/B0SECRET/planted"


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


Open = Callable[..., Door]


@pytest.fixture
def open_door(cleanup: ExitStack) -> Open:
    """A door that is closed after the test."""

    def make(**options: Any) -> Door:
        return cleanup.enter_context(closing(Door(**options)))

    return make


def post(url: str) -> requests.Request:
    return requests.Request("POST", url + SECRET_PATH, data=b"x")


def failure(door: Door, url: str) -> SendFailure:
    with pytest.raises(SendFailure) as caught:
        door.send(post(url))
    assert "planted" not in "".join(traceback.format_exception(caught.value))
    return caught.value


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.DRIP_HEAD])
def test_a_peer_that_never_finishes_its_headers_is_cut_at_the_deadline(
    open_door: Open, server: Receiver, fault: Fault
) -> None:
    server.script(Reply(fault=fault))
    started = time.monotonic()
    seen = failure(open_door(seconds=0.4), server.url)
    assert time.monotonic() - started < 3
    assert (type(seen), seen.code) == (UnknownOutcome, "timeout")


def test_a_status_counts_although_its_body_never_ends(open_door: Open, server: Receiver) -> None:
    server.script(Reply(status=202, fault=Fault.DRIP_BODY))
    started = time.monotonic()
    assert open_door(seconds=0.4).send(post(server.url)).status == 202
    assert time.monotonic() - started < 3


def test_a_connection_that_ends_without_an_answer_leaves_the_outcome_open(open_door: Open, server: Receiver) -> None:
    server.script(Reply(fault=Fault.DROP))
    assert type(failure(open_door(), server.url)) is UnknownOutcome


def test_nothing_listening_means_surely_not_sent(open_door: Open) -> None:
    with receiver() as closed:
        pass
    seen = failure(open_door(), closed.url)
    assert (type(seen), seen.code) == (TransientFailure, "connection")


def test_a_name_without_an_address_means_surely_not_sent(open_door: Open) -> None:
    seen = failure(open_door(), "http://no-such-host.invalid")
    assert (type(seen), seen.code) == (TransientFailure, "dns")


def test_a_huge_body_is_read_no_further_than_the_cap(open_door: Open, server: Receiver) -> None:
    server.script(Reply(body=b"x" * 5_000_000))
    assert len(open_door().send(post(server.url)).body) == BODY_LIMIT


def test_a_packed_body_is_never_unpacked(open_door: Open, server: Receiver) -> None:
    bomb = gzip.compress(b"\0" * 5_000_000)
    server.script(Reply(body=bomb, headers=(("Content-Encoding", "gzip"),)))
    assert len(open_door().send(post(server.url)).body) <= len(bomb)
    assert server.received[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(open_door: Open, server: Receiver, status: int) -> None:
    server.script(Reply(status=status, headers=(("Location", server.url + "/elsewhere"),)))
    assert open_door().send(post(server.url)).status == status
    assert len(server.received) == 1


def test_cookies_proxies_and_netrc_play_no_part(
    open_door: Open, server: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login planted password planted")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server.script(Reply(headers=(("Set-Cookie", "a=b"),)))
    door = open_door()
    door.send(post(server.url))
    door.send(post(server.url))
    assert not {"cookie", "authorization"} & set(server.received[1].headers)


def test_a_connection_is_kept_for_the_next_message(open_door: Open, server: Receiver) -> None:
    door = open_door()
    for _ in range(2):
        door.send(post(server.url))
    door.close()
    door.close()
    first, second = server.received
    assert first.connection == second.connection


def test_a_door_that_is_closed_keeps_no_connection_and_opens_again(open_door: Open, server: Receiver) -> None:
    door = open_door()
    for _ in range(2):
        door.post(server.url, b"{}", {})
    door.close()
    door.post(server.url, b"{}", {})
    first, second, third = server.received
    assert first.connection == second.connection != third.connection


def test_a_connection_with_more_to_come_is_not_kept(open_door: Open, server: Receiver) -> None:
    server.script(Reply(body=b"x" * 5_000_000))
    door = open_door()
    assert door.send(post(server.url)).status == 200
    assert door.send(post(server.url)).body == ""
    first, second = server.received
    assert first.connection != second.connection


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "0", "[::1]"])
def test_a_private_address_is_not_even_connected_to(open_door: Open, server: Receiver, host: str) -> None:
    seen = failure(open_door(allow_private=False), f"http://{host}:{server.port}")
    assert (type(seen), seen.code) == (ChannelMisconfigured, "private_address")
    assert server.received == []


def test_one_private_address_among_public_ones_is_one_too_many(
    open_door: Open, server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo
    both = [*resolve("8.8.8.8", server.port), *resolve("127.0.0.1", server.port)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    seen = failure(open_door(allow_private=False), f"http://mixed.example.com:{server.port}")
    assert (type(seen), seen.code) == (ChannelMisconfigured, "private_address")
    assert server.received == []


def test_a_dead_address_is_passed_over_for_the_next(
    open_door: Open, server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo

    def two(host: str, port: int, *args: Any, **options: Any) -> Any:
        if host != "two.example.com":
            return resolve(host, port, *args, **options)
        return [*resolve("127.0.0.2", port), *resolve("127.0.0.1", port)]  # the receiver listens on the second only

    monkeypatch.setattr(socket, "getaddrinfo", two)
    assert open_door().send(post(f"http://two.example.com:{server.port}")).status == 200


def test_the_address_that_was_looked_at_is_the_one_that_is_used(
    open_door: Open, server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers with a public address first and a private one later gains nothing."""
    resolve = socket.getaddrinfo
    asked: list[object] = []

    def rebinding(host: str, port: int, *args: object, **options: object) -> object:
        if host != "rebind.example.com":
            return resolve(host, port, *args, **options)  # type: ignore[arg-type]
        asked.append(host)
        address = "192.0.2.1" if len(asked) > 1 else "127.0.0.1"
        return resolve(address, port, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    assert open_door().send(post(f"http://rebind.example.com:{server.port}")).status == 200
    assert asked == ["rebind.example.com"]
    assert server.received[0].headers["host"] == f"rebind.example.com:{server.port}"


def test_a_certificate_is_checked_against_the_name_and_the_authority(
    open_door: Open, server_tls: ssl.SSLContext, other_tls: ssl.SSLContext, ca_file: Path
) -> None:
    with receiver(tls=server_tls) as right, receiver(tls=other_tls) as wrong:
        assert open_door(ca_file=ca_file).send(post(right.url)).status == 200
        for door, url in ((open_door(), right.url), (open_door(ca_file=ca_file), wrong.url)):
            seen = failure(door, url)
            assert (type(seen), seen.code) == (ChannelMisconfigured, "certificate")
        assert wrong.received == []


def test_a_peer_that_speaks_no_http_leaves_the_outcome_open(open_door: Open) -> None:
    def greet(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"220 mail.example.com ESMTP\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=greet, args=(listener,), daemon=True)
        thread.start()
        assert type(failure(open_door(), f"http://127.0.0.1:{listener.getsockname()[1]}")) is UnknownOutcome
        thread.join()


def test_head_and_body_travel_together(open_door: Open) -> None:
    seen: list[bytes] = []

    def take(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            for _ in range(2):  # the second time over the kept connection
                seen.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=take, args=(listener,), daemon=True)
        thread.start()
        door, url = open_door(), f"http://127.0.0.1:{listener.getsockname()[1]}/hook"
        assert [door.post(url, b"the body", {}).status for _ in range(2)] == [204, 204]
        thread.join()
    assert [each.endswith(b"\r\n\r\nthe body") for each in seen] == [True, True]
