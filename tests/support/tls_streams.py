"""An independent reader of intact captures of TLS: every record, opened, and where it was in TCP.

It cannot read captures with losses: it fails where a byte is missing or a record does not open, so
its results can be relied on. Tests then take packets away, or change records and seal them again.
Packets are IPv4 on Ethernet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address

from capture_craft import Captured, Endpoint
from capture_packets import ip_start, is_syn, payload_start, tcp_start
from tls_keys import (
    APPLICATION,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    SUITES,
    TLS13,
    NotOpenedError,
    Protection,
    Protection13,
    Suite,
    protections12,
)

CLIENT_HELLO, SERVER_HELLO, NEW_SESSION_TICKET, END_OF_EARLY_DATA = 1, 2, 4, 5
ENCRYPTED_EXTENSIONS, FINISHED, KEY_UPDATE = 8, 20, 24
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random of a ServerHello that is a HelloRetryRequest (RFC 8446 section 4.1.3)."""

EARLY_DATA, SUPPORTED_VERSIONS, ENCRYPT_THEN_MAC = 42, 43, 22

Secrets = dict[tuple[str, bytes], bytes]


def secrets_of(key_log: bytes) -> Secrets:
    """The secrets of a well-formed key log (RFC 9850), by label and client random."""
    found: Secrets = {}
    for line in key_log.decode("ascii").splitlines():
        words = line.split()
        if len(words) == 3 and not line.startswith("#"):
            found[words[0], bytes.fromhex(words[1])] = bytes.fromhex(words[2])
    return found


@dataclass(frozen=True)
class Part:
    """The bytes of a direction in a packet: from `start` to `end`."""

    packet: int
    connection: tuple[Endpoint, Endpoint]
    from_client: bool
    start: int
    end: int


@dataclass
class TcpConnection:
    """One connection whose SYNs were captured: where its sides' bytes begin, and the bytes."""

    client: Endpoint
    server: Endpoint
    first: dict[bool, int] = field(default_factory=dict)
    data: dict[bool, bytearray] = field(
        default_factory=lambda: {True: bytearray(), False: bytearray()}
    )

    @property
    def ends(self) -> tuple[Endpoint, Endpoint]:
        return self.client, self.server


def ends_of(packet: Captured) -> tuple[Endpoint, Endpoint]:
    """The source and the destination of a packet."""
    ip, header, data = ip_start(packet), tcp_start(packet), packet.data
    source, destination = (str(IPv4Address(data[ip + at : ip + at + 4])) for at in (12, 16))
    ports = (int.from_bytes(data[header + at : header + at + 2], "big") for at in (0, 2))
    return (source, next(ports)), (destination, next(ports))


def payload_of(packet: Captured) -> bytes:
    """The TCP payload of a packet, as far as it was captured."""
    ip = ip_start(packet)
    end = ip + int.from_bytes(packet.data[ip + 2 : ip + 4], "big")
    return packet.data[payload_start(packet) : end]


def _number(packet: Captured) -> int:
    header = tcp_start(packet)
    return int.from_bytes(packet.data[header + 4 : header + 8], "big")


def tcp_connections(packets: Sequence[Captured]) -> dict[tuple[Endpoint, Endpoint], TcpConnection]:
    """The connections of an intact capture, by their ends, with all bytes."""
    found: dict[tuple[Endpoint, Endpoint], TcpConnection] = {}
    for packet in packets:
        source, destination = ends_of(packet)
        if is_syn(packet):
            acknowledges = packet.data[tcp_start(packet) + 13] & 0x10
            ends = (destination, source) if acknowledges else (source, destination)
            connection = found.setdefault(ends, TcpConnection(*ends))
            connection.first[not acknowledges] = (_number(packet) + 1) % 2**32
    for part, payload in _parts(packets, found):
        data = found[part.connection].data[part.from_client]
        assert part.start <= len(data), "an intact capture has its segments in order"
        data[part.start : part.end] = payload
    return found


@dataclass(frozen=True)
class _Segment:
    source: Endpoint
    destination: Endpoint
    number: int
    payload: bytes
    is_syn: bool


# Most packets of a damaged capture are those of the intact one.
@lru_cache(maxsize=1 << 15)
def _segment(packet: Captured) -> _Segment:
    return _Segment(*ends_of(packet), _number(packet), payload_of(packet), is_syn(packet))


def _parts(
    packets: Sequence[Captured], known: dict[tuple[Endpoint, Endpoint], TcpConnection]
) -> Iterator[tuple[Part, bytes]]:
    for index, packet in enumerate(packets):
        segment = _segment(packet)
        source, destination, payload = segment.source, segment.destination, segment.payload
        if segment.is_syn or not payload:
            continue
        from_client = (source, destination) in known
        ends = (source, destination) if from_client else (destination, source)
        if ends in known:
            start = (segment.number - known[ends].first[from_client]) % 2**32
            yield Part(index, ends, from_client, start, start + len(payload)), payload


def parts_of(
    packets: Sequence[Captured], known: dict[tuple[Endpoint, Endpoint], TcpConnection]
) -> list[Part]:
    """The part of a known connection in each packet with payload."""
    return [part for part, _ in _parts(packets, known)]


@dataclass
class Record:
    """One record: where it was in the sender's TCP stream, and what it says.

    `kind` is the type inside. `protection` is None for a record in clear. `on_stream` tells whether
    the content is a part of the application's stream: early data that was refused is not.
    """

    from_client: bool
    start: int
    end: int
    packet: int
    kind: int
    content: bytes
    padding: int = 0
    sequence: int = 0
    protection: Protection | None = None
    is_early: bool = False
    on_stream: bool = False


@dataclass
class TlsConnection:
    """A connection whose records were all opened, in the order in which they were complete."""

    tcp: TcpConnection
    version: int
    suite: Suite
    records: list[Record]
    server_hello_end: int

    def of(self, from_client: bool) -> list[Record]:
        return [record for record in self.records if record.from_client == from_client]

    def application(self, from_client: bool) -> bytes:
        """The stream of the application of one side."""
        return b"".join(one.content for one in self.of(from_client) if one.on_stream)


@dataclass
class _Direction:
    protection: Protection | None = None
    sequence: int = 0
    is_early: bool = False
    handshake: bytearray = field(default_factory=bytearray)

    def switch(self, protection: Protection | None, *, is_early: bool = False) -> None:
        self.protection, self.sequence, self.is_early = protection, 0, is_early


def _vector(data: bytes, at: int, width: int) -> tuple[bytes, int]:
    start = at + width
    end = start + int.from_bytes(data[at:start], "big")
    return data[start:end], end


def _extensions(data: bytes, at: int) -> dict[int, bytes]:
    if at == len(data):
        return {}
    content, _ = _vector(data, at, 2)
    found, place = {}, 0
    while place < len(content):
        kind = int.from_bytes(content[place : place + 2], "big")
        found[kind], place = _vector(content, place + 2, 2)
    return found


class _Reader:
    def __init__(self, tcp: TcpConnection, secrets: Secrets) -> None:
        self.tcp = tcp
        self.secrets = secrets
        self.sides = {True: _Direction(), False: _Direction()}
        self.records: list[Record] = []
        self.client_random = self.server_random = b""
        self.version, self.suite = 0, SUITES[0x1301]
        self.pending: dict[bool, Protection] = {}
        self.offers_early = self.accepts_early = False
        self.server_hello_end = 0

    def secret(self, label: str) -> bytes:
        return self.secrets[label, self.client_random]

    def traffic(self, side: str, label: str) -> Protection13:
        return Protection13(self.suite, self.secret(f"{side}_{label}"))

    def take(self, raw: bytes, record: Record) -> None:
        side = self.sides[record.from_client]
        kind = raw[0]
        in_clear = self.version == TLS13 and kind != APPLICATION
        if side.protection is None or in_clear:
            record.kind, record.content = kind, raw[5:]
        else:
            self.open(side, raw, record)
        self.records.append(record)
        if record.kind == CHANGE_CIPHER_SPEC and self.version != TLS13:
            side.switch(self.pending.pop(record.from_client))
        elif record.kind == HANDSHAKE:
            side.handshake += record.content
            while len(side.handshake) >= 4:
                body, end = _vector(bytes(side.handshake), 1, 3)
                if len(side.handshake) < end:
                    break
                message = side.handshake[0]
                del side.handshake[:end]
                self.message(record, message, bytes(body))

    def open(self, side: _Direction, raw: bytes, record: Record) -> None:
        assert side.protection is not None
        try:
            opened = side.protection.open(side.sequence, raw)
        except NotOpenedError:
            # Early data that was refused has no end of its own.
            if not side.is_early:
                raise
            side.switch(self.traffic("CLIENT", "HANDSHAKE_TRAFFIC_SECRET"))
            assert side.protection is not None
            opened = side.protection.open(0, raw)
        record.kind, record.content, record.padding = opened
        record.protection, record.sequence = side.protection, side.sequence
        record.is_early = side.is_early
        side.sequence += 1

    def message(self, record: Record, kind: int, body: bytes) -> None:
        side = self.sides[record.from_client]
        if kind == CLIENT_HELLO:
            self.client_hello(body)
        elif kind == SERVER_HELLO:
            self.server_hello(record, body)
        elif self.version != TLS13:
            return
        elif kind == ENCRYPTED_EXTENSIONS:
            self.accepts_early = EARLY_DATA in _extensions(body, 0)
        elif kind == END_OF_EARLY_DATA:
            side.switch(self.traffic("CLIENT", "HANDSHAKE_TRAFFIC_SECRET"))
        elif kind == FINISHED:
            name = "CLIENT" if record.from_client else "SERVER"
            side.switch(self.traffic(name, "TRAFFIC_SECRET_0"))
        elif kind == KEY_UPDATE:
            assert isinstance(side.protection, Protection13)
            side.switch(side.protection.updated())

    def client_hello(self, body: bytes) -> None:
        self.client_random = body[2:34]
        _, at = _vector(body, 34, 1)
        ciphers, at = _vector(body, at, 2)
        _, at = _vector(body, at, 1)
        self.offers_early = EARLY_DATA in _extensions(body, at)
        early = ("CLIENT_EARLY_TRAFFIC_SECRET", self.client_random)
        if self.offers_early and early in self.secrets:
            size = len(self.secrets[early])
            numbers = [int.from_bytes(ciphers[at : at + 2], "big") for at in range(0, 6, 2)]
            fits = {32: (0x1301, 0x1303), 48: (0x1302,)}[size]
            suite = next(SUITES[number] for number in numbers if number in fits)
            protection = Protection13(suite, self.secrets[early])
            self.sides[True].switch(protection, is_early=True)
            self.version = TLS13

    def server_hello(self, record: Record, body: bytes) -> None:
        _, at = _vector(body, 34, 1)
        self.suite = SUITES[int.from_bytes(body[at : at + 2], "big")]
        extensions = _extensions(body, at + 3)
        self.version = int.from_bytes(extensions.get(SUPPORTED_VERSIONS, body[:2]), "big")
        if body[2:34] == RETRY:
            # What follows of early data is refused; the second hello is in clear again.
            return
        self.server_random = body[2:34]
        # It is in clear, so the rest of its record is not needed.
        self.server_hello_end = self.server_hello_end or record.start + 9 + len(body)
        if self.version == TLS13:
            self.sides[False].switch(self.traffic("SERVER", "HANDSHAKE_TRAFFIC_SECRET"))
            if not self.sides[True].is_early:
                self.sides[True].switch(self.traffic("CLIENT", "HANDSHAKE_TRAFFIC_SECRET"))
            return
        self.pending = protections12(
            self.suite,
            self.secret("CLIENT_RANDOM"),
            self.client_random,
            self.server_random,
            mac_last=ENCRYPT_THEN_MAC in extensions,
        )

    def finish(self) -> TlsConnection:
        for record in self.records:
            record.on_stream = record.kind == APPLICATION and (
                not record.is_early or self.accepts_early
            )
        return TlsConnection(
            self.tcp, self.version, self.suite, self.records, self.server_hello_end
        )


def _raw_records(
    data: bytes, parts: Iterable[Part], from_client: bool
) -> Iterator[tuple[int, Record]]:
    """The records of a direction, with the number of the packet that completes each."""
    start, captured = 0, 0
    for part in parts:
        captured = max(captured, part.end)
        while start + 5 <= captured:
            end = start + 5 + int.from_bytes(data[start + 3 : start + 5], "big")
            if end > captured:
                break
            yield part.packet, Record(from_client, start, end, part.packet, data[start], b"")
            start = end


def tls_connections(packets: Sequence[Captured], key_log: bytes) -> list[TlsConnection]:
    """All connections of an intact capture, in the order of their SYNs."""
    known = tcp_connections(packets)
    secrets = secrets_of(key_log)
    by_direction: dict[tuple[tuple[Endpoint, Endpoint], bool], list[Part]] = defaultdict(list)
    for part in parts_of(packets, known):
        by_direction[part.connection, part.from_client].append(part)
    found = []
    for ends, tcp in known.items():
        reader = _Reader(tcp, secrets)
        records = [
            (packet, record)
            for from_client in (True, False)
            for packet, record in _raw_records(
                bytes(tcp.data[from_client]), by_direction[ends, from_client], from_client
            )
        ]
        for _, record in sorted(records, key=lambda one: (one[0], one[1].start)):
            data = tcp.data[record.from_client]
            reader.take(bytes(data[record.start : record.end]), record)
        found.append(reader.finish())
    return found
