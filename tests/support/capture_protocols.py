"""The shapes of protocols that are no WebSocket, for connections captured from the middle on.

Each function of `PROTOCOLS` writes a flow: who sends which segments, in turn. The shapes follow the
protocols' documents closely enough for what a reader of frames sees: the bytes at the start of each
segment, the lengths, the counters. Numbers that a peer chooses start anywhere, so that they run
through values that look like frames.

`flows` cuts each flow at a random place, gives it ports, and drops one direction of some.
Everything follows from the seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from capture_conversation import Conversation, Segment

Flow = list[tuple[bool, bytes]]
"""Who sends which segments, in turn."""


def _big(number: int, size: int) -> bytes:
    return int(number % 256**size).to_bytes(size, "big")


def _little(number: int, size: int) -> bytes:
    return int(number % 256**size).to_bytes(size, "little")


def _text(rng: random.Random, most: int = 40) -> bytes:
    words = ["alpha", "beta", '{"id":7,"ok":true}', "temperature=21.5", "GET", "value", "/a/b", "é"]
    return " ".join(rng.choices(words, k=rng.randint(1, 1 + most // 8))).encode()[:most]


def _binary(rng: random.Random, most: int = 60) -> bytes:
    """Bytes like those of binary protocols: small numbers, zeros, some text."""
    length = rng.randint(0, most)
    kind = rng.random()
    if kind < 0.3:
        return rng.randbytes(length)
    if kind < 0.6:
        return b"".join(_big(rng.randint(0, 300), 4) for _ in range(length // 4))
    return bytes(rng.choice([0, 0, 1, 2, 16, 32, 65, 128, 255]) for _ in range(length))


def _content(rng: random.Random, most: int = 60) -> bytes:
    return _text(rng, most) if rng.random() < 0.5 else _binary(rng, most)


def _turns(rng: random.Random, count: int = 12) -> Iterator[bool]:
    """Which side sends: usually the two in turn."""
    side = rng.random() < 0.5
    for _ in range(rng.randint(4, count)):
        yield side
        if rng.random() < 0.7:
            side = not side


def length_prefixed(rng: random.Random) -> Flow:
    size, write = rng.choice([1, 2, 4]), rng.choice([_big, _little])
    head = rng.randbytes(rng.choice([0, 0, 1, 2]))
    flow = []
    for side in _turns(rng):
        content = _content(rng, 200)
        flow.append((side, head + write(len(content), size) + content))
    return flow


def type_length_value(rng: random.Random) -> Flow:
    types = [rng.randrange(256) for _ in range(rng.randint(1, 4))]
    size = rng.choice([1, 1, 2])
    flow = []
    for side in _turns(rng):
        parts = []
        for _ in range(rng.randint(1, 3)):
            value = _content(rng, 100)
            parts.append(bytes([rng.choice(types)]) + _big(len(value), size) + value)
        flow.append((side, b"".join(parts)))
    return flow


def little_endian_counters(rng: random.Random) -> Flow:
    counter = rng.randrange(2**32)
    kind = rng.randrange(256)
    flow = []
    for side in _turns(rng):
        content = _binary(rng)
        flow.append(
            (side, _little(counter, 4) + bytes([kind]) + _little(len(content), 2) + content)
        )
        counter += rng.choice([0, 1, 1, 1, len(content)])
    return flow


def fixed_records(rng: random.Random) -> Flow:
    """Records of one size, with a counter, in one direction most of the time."""
    head = bytes([rng.choice([0x81, 0x82, 0x89, 0x01, rng.randrange(256)]), rng.randrange(256)])
    size, counter, base = rng.randint(1, 60), rng.randrange(2**16), _binary(rng, 60)
    length = size if rng.random() < 0.5 else head[1] & 127
    flow = []
    for number in range(rng.randint(4, 20)):
        body = (_big(counter + number, 2) + base).ljust(length, b"\0")[:length]
        flow.append((rng.random() < 0.1, head + body))
    return flow


def mqtt(rng: random.Random) -> Flow:
    """MQTT 3.1.1; a remaining length has 7 bits a byte."""

    def packet(first: int, body: bytes) -> bytes:
        length, rest = b"", len(body)
        while True:
            rest, digit = divmod(rest, 128)
            length += bytes([digit | (128 if rest else 0)])
            if not rest:
                return bytes([first]) + length + body

    identifier = rng.randrange(2**16)
    flow: Flow = []
    only = rng.choice([None, "subscribe", "publish", "ping"])
    for _ in range(rng.randint(4, 12)):
        identifier += 1
        topic = _text(rng, rng.choice([12, 60, 200]))
        named = _big(len(topic), 2) + topic
        what = only or rng.choice(["subscribe", "publish", "ping", "unsubscribe"])
        if what == "subscribe":
            flow.append((True, packet(0x82, _big(identifier, 2) + named + b"\x01")))
            flow.append((False, packet(0x90, _big(identifier, 2) + b"\x01")))
        elif what == "unsubscribe":
            flow.append((True, packet(0xA2, _big(identifier, 2) + named)))
            flow.append((False, packet(0xB0, _big(identifier, 2))))
        elif what == "ping":
            flow.append((True, b"\xc0\x00"))
            flow.append((False, b"\xd0\x00"))
        else:
            first = rng.choice([0x30, 0x31, 0x32])
            number = _big(identifier, 2) if first == 0x32 else b""
            flow.append((rng.random() < 0.5, packet(first, named + number + _content(rng, 150))))
    return flow


def modbus(rng: random.Random) -> Flow:
    """MODBUS Messaging on TCP/IP Implementation Guide, section 3.1.3."""
    transaction = rng.choice([rng.randrange(2**16), rng.randrange(0x8100, 0x8B00)])
    step, unit = rng.choice([0, 1, 1, 1, 256]), rng.randrange(256)
    flow: Flow = []
    for _ in range(rng.randint(3, 12)):
        function = rng.choice([1, 2, 3, 4, 5, 6, 16])
        request = (
            bytes([unit, function]) + _big(rng.randrange(2**16), 2) + _big(rng.randint(1, 125), 2)
        )
        values = rng.randbytes(rng.choice([1, 2, 4, 10, 250]))
        response = bytes([unit, function, len(values)]) + values
        for side, body in ((True, request), (False, response)):
            flow.append((side, _big(transaction, 2) + b"\0\0" + _big(len(body), 2) + body))
        transaction += step
    return flow


def hart_ip(rng: random.Random) -> Flow:
    """HART-IP: version, message type, id, status, sequence number, length."""
    sequence = rng.randrange(2**16)
    flow: Flow = []
    for _ in range(rng.randint(3, 12)):
        sequence += 1
        kind = rng.choice([0, 2, 3])
        for side in (True, False):
            body = _binary(rng, 40)
            head = bytes([1, 0 if side else 1, kind, 0]) + _big(sequence, 2)
            flow.append((side, head + _big(8 + len(body), 2) + body))
    return flow


def mysql(rng: random.Random) -> Flow:
    flow: Flow = []
    for _ in range(rng.randint(3, 10)):
        query = bytes([rng.choice([1, 2, 3, 14])]) + (_text(rng) if rng.random() < 0.7 else b"")
        flow.append((True, _little(len(query), 3) + b"\0" + query))
        parts = []
        for number in range(rng.randint(1, 5)):
            row = rng.choice([b"\x01", b"\0\0\0\2\0\0\0", b"\xfe\0\0\2\0", _content(rng, 80)])
            parts.append(_little(len(row), 3) + bytes([number + 1]) + row)
        flow.append((False, b"".join(parts)))
    return flow


def smb(rng: random.Random) -> Flow:
    protocol = rng.choice([b"\xffSMB", b"\xfeSMB"])
    message = rng.randrange(2**32)
    flow: Flow = []
    for _ in range(rng.randint(3, 10)):
        message += 1
        for side in (True, False):
            body = protocol + _little(64, 2) + _little(message, 8) + _binary(rng, 120)
            flow.append((side, b"\0" + _big(len(body), 3) + body))
    if rng.random() < 0.3:
        flow.insert(0, (True, b"\x81\x00\x00\x44 " + b"CKFDENECFDEFFCFGEFFCCACACACACACA\0" * 2))
        flow.insert(1, (False, b"\x82\x00\x00\x00"))
    return flow


def amqp(rng: random.Random) -> Flow:
    """AMQP 0-9-1: type, channel, size, payload, 0xCE."""
    flow: Flow = []
    for side in _turns(rng):
        kind, body = rng.choice([1, 2, 3, 8]), _content(rng, 100)
        if kind == 8:
            body = b""
        channel = rng.choice([0, 1, 2, 129, 130])
        flow.append((side, bytes([kind]) + _big(channel, 2) + _big(len(body), 4) + body + b"\xce"))
    return flow


def dns(rng: random.Random) -> Flow:
    flow: Flow = []
    for _ in range(rng.randint(3, 8)):
        number = rng.randbytes(2)
        name = b"\x07example\x03com\0\0\x01\0\x01"
        query = number + b"\x01\x20\0\x01\0\0\0\0\0\x01" + name
        answers = rng.randint(1, 20)
        answer = number + b"\x81\x80\0\x01" + _big(answers, 2) + b"\0\0\0\0" + name
        answer += b"".join(
            b"\xc0\x0c\0\1\0\1" + _big(300, 4) + b"\0\4" + rng.randbytes(4) for _ in range(answers)
        )
        flow += [(True, _big(len(query), 2) + query), (False, _big(len(answer), 2) + answer)]
    return flow


def kafka(rng: random.Random) -> Flow:
    correlation = rng.randrange(2**32)
    flow: Flow = []
    for _ in range(rng.randint(3, 10)):
        correlation += 1
        request = (
            _big(rng.choice([0, 1, 3, 18]), 2) + _big(rng.randint(0, 12), 2) + _big(correlation, 4)
        )
        request += b"\0\x07rdkafka" + _binary(rng, 80)
        response = _big(correlation, 4) + _binary(rng, 300)
        flow += [
            (True, _big(len(request), 4) + request),
            (False, _big(len(response), 4) + response),
        ]
    return flow


def postgres(rng: random.Random) -> Flow:
    flow: Flow = []
    for side in _turns(rng):
        kinds = b"QPBDESCXHp" if side else b"TDCZ123nNEtAR"
        parts = []
        for _ in range(rng.randint(1, 4)):
            body = _content(rng, 60)
            parts.append(bytes([rng.choice(kinds)]) + _big(4 + len(body), 4) + body)
        flow.append((side, b"".join(parts)))
    return flow


def redis(rng: random.Random) -> Flow:
    flow: Flow = []
    for _ in range(rng.randint(3, 12)):
        words = [rng.choice([b"GET", b"SET", b"HGETALL"]), _text(rng, 20), _content(rng, 40)]
        request = b"*3\r\n" + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
        response = rng.choice([b"+OK\r\n", b"$-1\r\n", b":1000\r\n", b"$5\r\nhello\r\n", b"*0\r\n"])
        flow += [(True, request), (False, response)]
    return flow


def ssh(rng: random.Random) -> Flow:
    flow: Flow = [(False, b"SSH-2.0-OpenSSH_9.6\r\n"), (True, b"SSH-2.0-OpenSSH_9.6\r\n")]
    for side in _turns(rng):
        flow.append((side, rng.randbytes(rng.choice([36, 44, 52, 100, 600]))))
    return flow


def rtmp(rng: random.Random) -> Flow:
    """Chunks: format and stream, time, length, type, and the payload in pieces of 128 bytes."""
    flow: Flow = []
    time = rng.randrange(2**24)
    for side in _turns(rng):
        stream = rng.choice([2, 3, 4, 5, 6])
        body = _content(rng, 300)
        kind = rng.choice([0, 1, 2])
        time += rng.randint(0, 40)
        head = bytes([kind << 6 | stream]) + _big(time, 3)
        if kind < 2:
            head += _big(len(body), 3) + bytes([rng.choice([4, 8, 9, 20])])
        if kind == 0:
            head += _little(1, 4)
        chunks = [body[at : at + 128] for at in range(0, len(body), 128)] or [b""]
        flow.append((side, head + bytes([0xC0 | stream]).join(chunks)))
    return flow


def vnc(rng: random.Random) -> Flow:
    """RFC 6143 sections 7.5 and 7.6."""
    flow: Flow = []
    for _ in range(rng.randint(4, 12)):
        position = _big(rng.randrange(1920), 2) + _big(rng.randrange(1080), 2)
        flow.append(
            (
                True,
                rng.choice(
                    [
                        b"\x02\0" + _big(3, 2) + rng.randbytes(12),
                        b"\x03" + bytes([rng.randrange(2)]) + position * 2,
                        b"\x04\x01\0\0" + _big(rng.randrange(2**16), 4),
                        b"\x05" + bytes([rng.randrange(8)]) + position,
                    ]
                ),
            )
        )
        pixels = rng.randbytes(rng.choice([16, 64, 300]))
        flow.append((False, b"\0\0\0\x01" + position * 2 + b"\0\0\0\0" + pixels))
        flow.append(
            (
                False,
                rng.choice([b"\x01", b"\x02", b"\x03"])
                + rng.choice([b"", b"\0\0\0" + _big(5, 4) + b"hello"]),
            )
        )
    return flow


def memcached(rng: random.Random) -> Flow:
    """The binary protocol: requests begin with 0x80, responses with 0x81."""
    opaque = rng.randrange(2**32)
    flow: Flow = []
    for _ in range(rng.randint(3, 12)):
        opaque += 1
        operation, value = rng.choice([0, 1, 10, 12, 22]), _content(rng, 60)
        rest = _big(len(value), 4) + _big(opaque, 4) + rng.randbytes(8)
        for side, magic in ((True, 0x80), (False, 0x81)):
            flow.append((side, bytes([magic, operation, 0, 0, 0, 0, 0, 0]) + rest + value))
    return flow


def cassandra(rng: random.Random) -> Flow:
    """Versions 1 and 2: responses begin with 0x81 and 0x82."""
    version = rng.choice([1, 2])
    flow: Flow = []
    for _ in range(rng.randint(3, 12)):
        stream = rng.randrange(128)
        for side, first in ((True, version), (False, 0x80 | version)):
            body = _binary(rng, 100)
            operation = 7 if side else 8
            flow.append((side, bytes([first, 0, stream, operation]) + _big(len(body), 4) + body))
    return flow


def ber(rng: random.Random) -> Flow:
    """ASN.1 (X.690), as in LDAP and MMS, with context-specific tags first."""
    tag = rng.choice([0x30, 0x60, 0x80, 0x81, 0x82, 0xA0, 0xA1])
    flow: Flow = []
    for number, side in enumerate(_turns(rng)):
        body = b"\x02\x01" + bytes([number + 1]) + b"\x81\x05hello" * rng.randint(0, 3)
        body += bytes([4, 10]) + _binary(rng, 10).ljust(10, b"\0")
        flow.append((side, bytes([tag, len(body)]) + body))
    return flow


def tls(rng: random.Random) -> Flow:
    flow: Flow = []
    for side in _turns(rng):
        body = rng.randbytes(rng.choice([40, 100, 1300]))
        flow.append(
            (side, bytes([rng.choice([20, 21, 22, 23, 23, 23]), 3, 3]) + _big(len(body), 2) + body)
        )
    return flow


def tpkt(rng: random.Random) -> Flow:
    """RFC 1006 with COTP, as S7 and RDP have it."""
    flow: Flow = []
    for side in _turns(rng):
        body = b"\x02\xf0\x80\x32" + _binary(rng, 80)
        flow.append((side, b"\x03\0" + _big(4 + len(body), 2) + body))
    return flow


def random_bytes(rng: random.Random) -> Flow:
    return [(side, rng.randbytes(rng.randint(1, 400))) for side in _turns(rng, 30)]


def constant_bytes(rng: random.Random) -> Flow:
    byte = bytes([rng.choice([0x00, 0x01, 0x02, 0x81, 0x82, 0x89, 0x8A, 0xC1, rng.randrange(256)])])
    return [(side, byte * rng.randint(1, 200)) for side in _turns(rng, 30)]


def repeated_pattern(rng: random.Random) -> Flow:
    """A short pattern repeated, cut into segments anywhere or at the end of a pattern."""
    pattern = bytes([rng.choice([0x81, 0x82, 0xC2, 0x89]), rng.randrange(256)]) + rng.randbytes(
        rng.randint(0, 12)
    )
    whole = rng.random() < 0.5
    flow: Flow = []
    for side in _turns(rng, 30):
        data = pattern * rng.randint(1, 8)
        flow.append((side, data if whole else data[: rng.randint(1, len(data))]))
    return flow


PROTOCOLS: dict[str, Callable[[random.Random], Flow]] = {
    function.__name__: function
    for function in (
        length_prefixed,
        type_length_value,
        little_endian_counters,
        fixed_records,
        mqtt,
        modbus,
        hart_ip,
        mysql,
        smb,
        amqp,
        dns,
        kafka,
        postgres,
        redis,
        ssh,
        rtmp,
        vnc,
        memcached,
        cassandra,
        ber,
        tls,
        tpkt,
        random_bytes,
        constant_bytes,
        repeated_pattern,
    )
}

PORTS = [80, 443, 8080, 9000, 12_345, 12_345, 31_000, 31_000]
"""Of servers. A port of another protocol would only make it easier."""


def flows(count: int, seed: int) -> Iterator[tuple[str, list[Segment]]]:
    """Write flows of all protocols in turn, each as the segments of one TCP connection.

    Each starts at a random segment, some at a random byte of it. Some have only one direction.

    Args:
        count: how many.
        seed: of everything random.
    """
    rng = random.Random(seed)
    names = list(PROTOCOLS)
    for number in range(count):
        name = names[number % len(names)]
        flow = PROTOCOLS[name](rng)
        client = (
            f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
            rng.randint(49_152, 65_535),
        )
        talk = Conversation(
            client,
            ("192.0.2.20", rng.choice(PORTS)),
            client_isn=rng.randrange(2**32),
            server_isn=rng.randrange(2**32),
        )
        only = rng.choice([True, False, None, None, None, None])
        start = rng.randrange(len(flow)) if rng.random() < 0.8 else 0
        for position, (side, data) in enumerate(flow[start:]):
            if position == 0 and rng.random() < 0.3:
                data = data[rng.randint(0, len(data)) :]
            if data and only in (None, side):
                talk.say(side, data, size=1400, acked=False)
        yield name, talk.segments
