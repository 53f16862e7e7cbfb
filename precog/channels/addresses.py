"""Which addresses a webhook may reach: it must not become a way into the network the worker stands in."""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from precog.channels.deadline import Deadline
from precog.errors import ChannelMisconfigured, TransientFailure

Address = IPv4Address | IPv6Address

_CONNECT_SECONDS = 5.0
"""For one address; a name may have several, and one may be dead."""
_DISGUISES = tuple(
    ip_network(network)
    for network in (
        "::ffff:0:0/96",  # IPv4 written as IPv6
        "64:ff9b::/96",  # IPv4 behind NAT64
        "64:ff9b:1::/48",
        "2002::/16",  # IPv4 behind 6to4
        "2001::/32",  # IPv4 behind Teredo
    )
)
"""IPv6 that carries an IPv4 address. `is_global` calls some of them global, whatever they carry."""


def is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not any(address in network for network in _DISGUISES)


def dial(host: str, port: int, *, allow_private: bool, deadline: Deadline) -> socket.socket:
    """A connection to `host`, made to an address that was looked at.

    The name is resolved once and its answer is what we connect to: a name server that answers otherwise a moment later
    gains nothing. If any of its addresses is private, none is used.
    """
    addresses = _resolve(host, port)
    if not allow_private and not all(is_public(address) for address in addresses):
        raise ChannelMisconfigured(
            "the host has an address that is private, local or reserved; only CUSTOM_WEBHOOK_ALLOW_PRIVATE permits it",
            code="private_address",
        )
    return _connect(addresses, port, deadline)


def _resolve(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TransientFailure("the host's name has no address at the moment", code="dns") from None
    return [ip_address(str(entry[4][0])) for entry in found]


def _connect(addresses: Sequence[Address], port: int, deadline: Deadline) -> socket.socket:
    reason = "no address"
    for address in addresses:
        try:
            sock = socket.create_connection((str(address), port), min(_CONNECT_SECONDS, deadline.left))
        except OSError as error:
            reason = error.strerror or "no answer in time"
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        if deadline.passed:
            break
    raise TransientFailure(f"no connection: {reason}", code="connection")
