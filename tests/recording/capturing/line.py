"""A line between two network devices that delays, loses, repeats and reorders Ethernet frames.

Each end is a TAP device. The line reads what the kernel of one namespace sends, and writes it to
the other end: after a delay, twice, or not at all. TCP on both sides is the kernel's, so what
follows from it (retransmissions, selective acknowledgements, out-of-order segments) is real. A
third device can be a mirror port, as on a switch: it gets a copy of all that enters the line, with
the VLAN tags (IEEE 802.1Q) a trunk would carry.

It runs on the event loop: `start` begins to read, `stop` closes the devices.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from random import Random

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
FRAME_SIZE = 2048  # bytes, more than the MTU and the Ethernet header
ADDRESSES = 12  # bytes of a frame before its EtherType, where a tag goes
IPV6 = b"\x86\xdd"


@dataclass(frozen=True)
class Behaviour:
    """What the line does to a frame: delays are in seconds, the other values are probabilities."""

    delay: float = 0.0
    loss: float = 0.0
    repeat: float = 0.0
    reorder: float = 0.0
    reorder_delay: float = 0.006
    vlan: int | None = None
    ipv6_service_vlan: int | None = None


class Line:
    """The line; `lost`, `repeated` and `reordered` count frames."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.lost = self.repeated = self.reordered = 0
        self._behaviour = behaviour
        self._random = Random("line")
        self._ends: dict[str, int] = {}

    @contextmanager
    def closing(self) -> Iterator[Line]:
        """Stop at the end of the context."""
        try:
            yield self
        finally:
            self.stop()

    def open_client(self, name: str) -> None:
        """Make the client's device in the current namespace."""
        self._ends["client"] = _tap(name)

    def open_server(self, name: str) -> None:
        """Make the server's device in the current namespace."""
        self._ends["server"] = _tap(name)

    def open_mirror(self, name: str) -> None:
        """Make the mirror port in the current namespace."""
        self._ends["mirror"] = _tap(name)

    def start(self) -> None:
        """Begin to carry frames."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._ends["client"], self._carry, "client", "server")
        loop.add_reader(self._ends["server"], self._carry, "server", "client")
        loop.add_reader(self._ends["mirror"], self._read, "mirror")

    def stop(self) -> None:
        """Close the devices; frames that are still under way are lost."""
        ends, self._ends = self._ends, {}
        for end in ends.values():
            with suppress(RuntimeError):  # no loop runs any more, so no reader does
                asyncio.get_running_loop().remove_reader(end)
            os.close(end)

    def _read(self, name: str) -> bytes | None:
        try:
            return os.read(self._ends[name], FRAME_SIZE)
        except BlockingIOError:
            return None

    def _carry(self, source: str, target: str) -> None:
        while frame := self._read(source):
            if self._behaviour.vlan is not None:
                self._write("mirror", self._tagged(frame))
            self._send(target, frame)

    def _send(self, target: str, frame: bytes) -> None:
        behaviour, random = self._behaviour, self._random
        if random.random() < behaviour.loss:
            self.lost += 1
            return
        delay = behaviour.delay
        if random.random() < behaviour.reorder:
            self.reordered += 1
            delay += behaviour.reorder_delay
        later: Callable[..., object] = asyncio.get_running_loop().call_later
        later(delay, self._write, target, frame)
        if random.random() < behaviour.repeat:
            self.repeated += 1
            later(delay + behaviour.delay / 2, self._write, target, frame)

    def _write(self, name: str, frame: bytes) -> None:
        if name in self._ends:
            os.write(self._ends[name], frame)

    def _tagged(self, frame: bytes) -> bytes:
        tags = struct.pack("!HH", 0x8100, self._behaviour.vlan)
        service = self._behaviour.ipv6_service_vlan
        if service is not None and frame[ADDRESSES:].startswith(IPV6):
            tags = struct.pack("!HH", 0x88A8, service) + tags
        return frame[:ADDRESSES] + tags + frame[ADDRESSES:]


def _tap(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    return device
