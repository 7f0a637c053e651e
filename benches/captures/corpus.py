"""The capture files, made from one seed.

    python -m captures.corpus DIRECTORY    all of them, in about a minute

`small`: one connection, 100,000 masked text messages of 200 B, four to a packet.
`large`: one connection, masked binary messages of 1 MiB in segments of 1,400 B.
`mixed`: three hundred connections at any time, in bursts; when one ends, a new one begins. Four
    tenths exchange small JSON texts and pings, two tenths compressed texts with context takeover. A
    few carry large binaries, from the client or the server: most of the bytes. The rest is plain
    HTTP, and records that look like TLS. Some packets are lost, doubled or late.
`many`: 10,000 connections that are all open until the file ends, nearly always each in the middle
    of a message.

The checksums of the sent messages are kept, so `Sent.check` can verify the complete messages of a
reader.
"""

import random
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path

from captures.packets import ACK, PUSH, Connection, write_pcap
from engine.corpus import BINARY, DEFLATE_TAIL, KIB, MIB, PING, SEED, TEXT, encode_frame, json_text

SMALL_SIZE = 200
SMALL_PER_PACKET = 4
LIVE = 300
NOISE = 16 * MIB
POOL = 2_000
"""Texts made beforehand: far more than a deflate window of 32 KiB holds."""

NUMBERED = len(b'{"id": 123456789, ') - 1

Key = tuple[str, int, bool]
"""A direction of a connection: the client's address and port, and whether it is the client's."""


@dataclass
class Sent:
    """What the connections of a file sent.

    Attributes:
        checksums: the CRC-32 of each message of a direction, in order.
    """

    checksums: dict[Key, list[int]] = field(default_factory=dict)

    def add(self, key: Key, content: bytes) -> None:
        """Remembers the next message of a direction."""
        self.checksums.setdefault(key, []).append(zlib.crc32(content))

    def check(self, whole: Iterable[tuple[Key, bytes]]) -> int:
        """Checks that every complete message of a reader was sent, and in this order.

        Returns:
            How many there were.
        """
        places: dict[Key, int] = {}
        number = 0
        for key, content in whole:
            # From where the last one was; a message that was never sent raises ValueError.
            place = self.checksums[key].index(zlib.crc32(content), places.get(key, 0))
            places[key] = place + 1
            number += 1
        return number


@dataclass(frozen=True)
class Network:
    """Loses, doubles and delays packets: one of so many."""

    lost: int = 20_000
    doubled: int = 2_000
    late: int = 500
    latest: int = 3
    """How many packets later a late one comes, at most."""

    def __call__(self, packets: Iterable[bytes], rng: random.Random) -> Iterator[bytes]:
        """The packets as they are captured."""
        lost, doubled, late = (
            1 / one if one else 0.0 for one in (self.lost, self.doubled, self.late)
        )
        harmed = lost + doubled + late
        waiting: dict[int, list[bytes]] = {}
        for position, packet in enumerate(packets):
            if position in waiting:
                yield from waiting.pop(position)
            fate = rng.random()
            if fate >= harmed:
                yield packet
            elif fate >= lost + doubled:
                if not may_be_late(packet):
                    yield packet
                    continue
                due = position + rng.randint(2, self.latest)
                waiting.setdefault(due, []).append(packet)
            elif fate >= lost:
                yield packet
                yield packet
        for packets_left in waiting.values():
            yield from packets_left


def may_be_late(packet: bytes) -> bool:
    """Whether a packet may be late: the other side waits for handshakes and HTTP heads."""
    return bool(packet[47] & PUSH) and packet[54:58] not in (b"GET ", b"HTTP")


IN_ORDER = Network(lost=0, doubled=0, late=0)
DISORDER = Network(lost=0, doubled=50, late=5)


class Traffic:
    """Makes connections of all kinds, one after the other."""

    def __init__(self, seed: str) -> None:
        self.rng = random.Random(f"{SEED} {seed}")
        self.noise = self.rng.randbytes(NOISE)
        sizes = [int(150 * 8 ** (number / POOL)) for number in range(POOL)]
        self.texts = [json_text(self.rng, size) for size in sizes]
        self.small_texts = [json_text(self.rng, SMALL_SIZE - NUMBERED) for _ in range(POOL)]
        self.sent = Sent()
        self._numbers = count()

    def connection(self, port: int = 80) -> Connection:
        """A connection of a client that had none before."""
        return Connection(next(self._numbers), port)

    def text(self, texts: list[bytes]) -> bytes:
        """One of `texts`, `NUMBERED` bytes longer and unlike any other."""
        number = self.rng.randrange(10**8, 10**9)
        return b'{"id": %d, ' % number + self.rng.choice(texts)[1:]

    def binary(self, size: int) -> bytes:
        """Noise."""
        place = self.rng.randrange(NOISE - size)
        return self.noise[place : place + size]

    def key(self, side: int) -> bytes | None:
        """A masking key for a client's frame."""
        return None if side else self.rng.randbytes(4)

    def plain_texts(self) -> Iterator[bytes]:
        """Both sides send small texts, one to four in a packet, and sometimes a ping."""
        connection, rng = self.connection(), self.rng
        yield from connection.upgrade("/texts")
        for _ in range(rng.randint(20, 400)):
            side = rng.random() < 0.7
            frames = []
            for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
                content = self.text(self.texts)
                self.sent.add((*connection.client, not side), content)
                frames.append(encode_frame(TEXT, content, key=self.key(side)))
            if rng.random() < 0.02:
                frames.append(encode_frame(PING, b"ping", key=self.key(side)))
            yield from connection.send(side, b"".join(frames))
        yield from connection.close()

    def compressed_texts(self) -> Iterator[bytes]:
        """The same, with permessage-deflate and one window a direction."""
        connection, rng = self.connection(), self.rng
        yield from connection.upgrade("/compressed", deflate=True)
        compressors = [zlib.compressobj(level=1, wbits=-15) for _ in range(2)]
        for _ in range(rng.randint(20, 400)):
            side = rng.random() < 0.7
            content = self.text(self.texts)
            self.sent.add((*connection.client, not side), content)
            compress = compressors[side]
            payload = compress.compress(content) + compress.flush(zlib.Z_SYNC_FLUSH)
            payload = payload.removesuffix(DEFLATE_TAIL)
            yield from connection.send(
                side, encode_frame(TEXT, payload, rsv1=True, key=self.key(side))
            )
        yield from connection.close()

    def large_binaries(self) -> Iterator[bytes]:
        """One side sends binaries of 64 KiB to 4 MiB."""
        connection, rng = self.connection(), self.rng
        yield from connection.upgrade("/binaries")
        side = rng.randrange(2)
        for _ in range(rng.randint(2, 6)):
            content = self.binary(int(64 * KIB * 64 ** rng.random()))
            self.sent.add((*connection.client, not side), content)
            yield from connection.send(side, encode_frame(BINARY, content, key=self.key(side)))
        yield from connection.close()

    def plain_http(self) -> Iterator[bytes]:
        """Requests and responses; nothing is upgraded."""
        connection, rng = self.connection(), self.rng
        yield from connection.open()
        for _ in range(rng.randint(1, 20)):
            yield from connection.send(0, b"GET /page HTTP/1.1\r\nHost: bench.example\r\n\r\n")
            body = b"".join(rng.choices(self.texts, k=rng.randint(1, 60)))
            head = (
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            )
            yield from connection.send(1, head % len(body) + body)
        yield from connection.close()

    def like_tls(self) -> Iterator[bytes]:
        """Records of TLS with noise inside."""
        connection, rng = self.connection(443), self.rng
        yield from connection.open()
        for number in range(rng.randint(20, 400)):
            size = rng.randint(100, 8000)
            head = (b"\x16\x03\x01" if number < 2 else b"\x17\x03\x03") + size.to_bytes(2, "big")
            yield from connection.send(rng.randrange(2), head + self.binary(size))
        yield from connection.close()

    def mixed(self, network: Network) -> Iterator[bytes]:
        """Packets of all kinds of connections, without end, as `network` lets them through."""
        return network(self._bursts(), self.rng)

    def _bursts(self) -> Iterator[bytes]:
        rng = self.rng
        kinds: list[tuple[Callable[[], Iterator[bytes]], int]] = [
            *[(self.plain_texts, 8)] * 12,
            *[(self.compressed_texts, 8)] * 6,
            *[(self.large_binaries, 64)] * 2,
            *[(self.plain_http, 8)] * 6,
            *[(self.like_tls, 8)] * 4,
        ]
        live = [kinds[number % len(kinds)] for number in range(LIVE)]
        streams = [make() for make, _ in live]
        while True:
            place = rng.randrange(LIVE)
            make, burst = live[place]
            packets = list(islice(streams[place], rng.randint(1, burst)))
            if not packets:
                streams[place] = make()
            yield from packets

    def small(self, messages: int) -> Iterator[bytes]:
        """One client sends texts of 200 B."""
        connection = self.connection()
        yield from connection.upgrade("/feed")
        for number in range(messages // SMALL_PER_PACKET):
            contents = [self.text(self.small_texts) for _ in range(SMALL_PER_PACKET)]
            for content in contents:
                self.sent.add((*connection.client, True), content)
            frames = (encode_frame(TEXT, content, key=self.key(0)) for content in contents)
            yield from connection.send(0, b"".join(frames))
            if number % 2:
                yield connection.packet(1, ACK)
        yield from connection.close()

    def feeds(self, connections: int) -> Iterator[bytes]:
        """Clients that send texts of 200 B in turn, without end."""
        streams = [self._feed() for _ in range(connections)]
        while True:
            for stream in streams:
                yield next(stream)

    def _feed(self) -> Iterator[bytes]:
        connection = self.connection()
        yield from connection.upgrade("/feed")
        while True:
            contents = [self.text(self.small_texts) for _ in range(SMALL_PER_PACKET)]
            frames = (encode_frame(TEXT, content, key=self.key(0)) for content in contents)
            yield from connection.send(0, b"".join(frames))
            yield connection.packet(1, ACK)

    def large(self, size: int) -> Iterator[bytes]:
        """One client sends binaries of 1 MiB until there are `size` bytes."""
        connection = self.connection()
        yield from connection.upgrade("/binaries")
        for _ in range(size // MIB):
            content = self.binary(MIB)
            self.sent.add((*connection.client, True), content)
            yield from connection.send(0, encode_frame(BINARY, content, key=self.key(0)))
        yield from connection.close()

    def many(self, connections: int, *, deflate: bool = False) -> Iterator[bytes]:
        """All connections go on for ever, in turn."""
        streams = [self._unending(deflate) for _ in range(connections)]
        while True:
            for stream in streams:
                yield next(stream)

    def _unending(self, deflate: bool) -> Iterator[bytes]:
        """Texts each way, cut into packets wherever 700 B end."""
        connection = self.connection()
        yield from connection.upgrade("/many", deflate=deflate)
        # Small ones: there are two of them for each connection.
        compressors = [zlib.compressobj(level=1, wbits=-10, memLevel=1) for _ in range(2)]
        waiting = [b"", b""]
        for number in count():
            side = number % 2
            while len(waiting[side]) < 700:
                content = self.text(self.texts)
                self.sent.add((*connection.client, not side), content)
                if deflate:
                    compress = compressors[side]
                    content = compress.compress(content) + compress.flush(zlib.Z_SYNC_FLUSH)
                    content = content.removesuffix(DEFLATE_TAIL)
                frame = encode_frame(TEXT, content, rsv1=deflate, key=self.key(side))
                waiting[side] += frame
            connection.pause()
            yield connection.packet(side, PUSH | ACK, waiting[side][:700])
            waiting[side] = waiting[side][700:]


def main() -> None:
    """Writes a file of each kind into the directory named on the command line."""
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    write_pcap(directory / "small.pcap", Traffic("small").small(100_000))
    write_pcap(directory / "large.pcap", Traffic("large").large(256 * MIB))
    write_pcap(directory / "mixed.pcap", Traffic("mixed").mixed(Network()), 1024 * MIB)
    write_pcap(directory / "many.pcap", Traffic("many").many(10_000), 64 * MIB)


if __name__ == "__main__":
    main()
