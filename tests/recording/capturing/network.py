"""The networks of captures: namespaces, and cables between them.

A capture is made in namespaces that exist only for it. So it has no other packets, any port is free
and any address may be used. The recorder itself moves into the client's namespace. It makes each
listener while it visits the server's namespace, where the listener stays (a socket belongs to the
namespace it was made in, and so do the connections it accepts). Addresses are from the ranges for
documentation (RFC 5737, RFC 3849).
"""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .line import Behaviour, Line
from .tools import run

NEW_NETWORK = 0x40000000  # CLONE_NEWNET of sched.h
CLIENT_4, SERVER_4 = "192.0.2.10", "192.0.2.80"
CLIENT_6, SERVER_6 = "2001:db8:77::10", "2001:db8:77::80"
MTU = 1500
BACKLOG = 32

_libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """A network namespace that has only a loopback device."""

    def __init__(self, name: str) -> None:
        self.name = name
        run("ip", "netns", "add", name)
        self._path = Path("/run/netns") / name
        self.ip("link", "set", "lo", "up")

    def ip(self, *arguments: str) -> None:
        """Run `ip` inside."""
        run("ip", "-n", self.name, *arguments)

    def exec(self, *command: str) -> None:
        """Run a program inside."""
        run("ip", "netns", "exec", self.name, *command)

    def delete(self) -> None:
        """Delete the namespace with everything in it."""
        run("ip", "netns", "delete", self.name)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Enter the namespace: sockets, devices and processes made meanwhile belong to it."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(self._path, os.O_RDONLY)
        try:
            _set_namespace(there)
            yield
        finally:
            _set_namespace(home)
            os.close(home)
            os.close(there)

    def address(self, device: str, *addresses: str) -> None:
        """Give a device its addresses and bring it up."""
        for address in addresses:
            width, options = ("64", ["nodad"]) if ":" in address else ("24", [])
            self.ip("address", "add", f"{address}/{width}", "dev", device, *options)
        self.ip("link", "set", device, "mtu", str(MTU), "up")


def _set_namespace(descriptor: int) -> None:
    if _libc.setns(descriptor, NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "setns failed")


@dataclass
class Network:
    """The namespaces of the clients (where this process is meanwhile) and servers, and the line.

    `client_address` and `server_address` map 4 and 6 to an address of that IP version.
    """

    server: Namespace
    client_address: dict[int, str]
    server_address: dict[int, str]
    line: Line | None = None

    def listener(self, port: int, version: int = 4) -> socket.socket:
        """Make a listening socket in the namespace of the servers."""
        family = socket.AF_INET6 if version == 6 else socket.AF_INET
        with self.server.entered():
            address = (self.server_address[version], port)
            return socket.create_server(address, family=family, backlog=BACKLOG)

    def loopback_listener(self, port: int) -> socket.socket:
        """Make a listening socket on 127.0.0.1 in the namespace of the clients."""
        return socket.create_server(("127.0.0.1", port), backlog=BACKLOG)


@contextmanager
def _namespace(name: str) -> Iterator[Namespace]:
    namespace = Namespace(f"{name}-{os.getpid()}")
    try:
        yield namespace
    finally:
        namespace.delete()


@contextmanager
def loopback() -> Iterator[Network]:
    """Clients and servers in one namespace, on 127.0.0.1 and ::1 of its `lo`."""
    with _namespace("captures") as only, only.entered():
        yield Network(only, {4: "127.0.0.1", 6: "::1"}, {4: "127.0.0.1", 6: "::1"})


@contextmanager
def cable() -> Iterator[Network]:
    """Two namespaces joined by a veth pair, `client0` and `server0`, of MTU 1500.

    Offloading is switched off at both ends, so a segment in the capture is one that fits the wire.
    """
    with _namespace("captures-server") as server, _namespace("captures-client") as client:
        client.ip("link", "add", "client0", "type", "veth", "peer", "name", "server0")
        client.ip("link", "set", "server0", "netns", server.name)
        for end, name in ((client, "client0"), (server, "server0")):
            off = ("tso", "off", "gso", "off", "gro", "off", "tx", "off")
            end.exec("ethtool", "-K", name, *off)
        client.address("client0", CLIENT_4, CLIENT_6)
        server.address("server0", SERVER_4, SERVER_6)
        with client.entered():
            yield Network(server, {4: CLIENT_4, 6: CLIENT_6}, {4: SERVER_4, 6: SERVER_6})


@contextmanager
def line(behaviour: Behaviour) -> Iterator[Network]:
    """Two namespaces joined by a `Line`: `client0` here, `server0` there, `mirror0` here too."""
    with ExitStack() as stack:
        server = stack.enter_context(_namespace("captures-server"))
        client = stack.enter_context(_namespace("captures-client"))
        between = stack.enter_context(Line(behaviour).closing())
        with server.entered():
            between.open_server("server0")
        with client.entered():
            between.open_client("client0")
            between.open_mirror("mirror0")
        for device in ("client0", "mirror0"):  # no router solicitations of the system's own
            client.ip("link", "set", device, "addrgenmode", "none")
        server.ip("link", "set", "server0", "addrgenmode", "none")
        client.address("mirror0")
        client.address("client0", CLIENT_4, CLIENT_6)
        server.address("server0", SERVER_4, SERVER_6)
        stack.enter_context(client.entered())
        yield Network(server, {4: CLIENT_4, 6: CLIENT_6}, {4: SERVER_4, 6: SERVER_6}, between)
