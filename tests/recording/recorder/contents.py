# ruff: noqa: RUF001 (letters of other scripts are the point here)
"""What the peers of the conversations send: generators of acts, the same on every run.

Each takes a random source, which the recorder seeds for each conversation and side. The contents
are made up: prices of things nobody trades, readings of stations nobody built.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random

from .endpoint import Act, Content, Fragments, Pause, Ping

SYMBOLS = ("AMBER", "BASALT", "CEDAR", "DUNE", "ELM", "FLINT", "GRANITE", "HAZEL")
STATIONS = ("harbour", "ridge", "orchard", "quarry", "lighthouse", "meadow")
FIELDS = ("temperature", "pressure", "humidity", "wind", "rain", "light")

# One sentence, "water flows over stones", in several scripts, and what else is hard about UTF-8:
# every length of a code point, combining marks, joined emoji, NUL, byte order mark, line
# separators, the replacement character itself, the first and last code points of each length.
SCRIPTS = (
    "Wasser fließt über Steine",
    "L'eau s'écoule entre les pierres, même l'été",
    "Вода тече по каміннях",
    "Το νερό κυλά πάνω στις πέτρες",
    "ջուրը հոսում է քարերի վրայով",
    "წყალი მიედინება ქვებზე",
    "המים זורמים על האבנים",
    "الماء يجري فوق الحجارة",
    "पानी पत्थरों पर बहता है",
    "น้ำไหลผ่านก้อนหิน",
    "水は石の上を流れる",
    "水流过石头",
    "물이 돌 위로 흐른다",
    "nước chảy qua đá",
    "💧 over 🪨🪨🪨, then 🌊",
    "👩🏽‍🔬 measures 🏔️ and 🏳️‍🌈",
    "𝄞 𝔴𝔞𝔱𝔢𝔯 𓈗 𐍅",
    "e\u0301 is not é, A\u030a is not Å",
    "NUL \x00 in between",
    "\ufeffbyte order mark first",
    "line\u2028separator, paragraph\u2029separator, next\u0085line",
    "already replaced: \ufffd",
    "\x7f\u0080 \u07ff\u0800 \ud7ff\ue000 \uffff\U00010000 \U0010ffff",
    "only the last is not ASCII €",
)


def prices(random: Random, count: int = 3000) -> Iterator[Act]:
    """A price feed: one small JSON text per tick, about 90 bytes."""
    mid = {symbol: random.uniform(20, 200) for symbol in SYMBOLS}
    for sequence in range(count):
        symbol = random.choice(SYMBOLS)
        mid[symbol] *= random.gauss(1, 0.0005)
        spread = random.uniform(0.01, 0.08)
        tick = {
            "sequence": sequence,
            "symbol": symbol,
            "bid": round(mid[symbol] - spread, 3),
            "ask": round(mid[symbol] + spread, 3),
            "size": random.randrange(1, 500),
        }
        yield json.dumps(tick)


def orders(random: Random, count: int = 600) -> Iterator[Act]:
    """A trader: a subscription, then small JSON orders."""
    yield json.dumps({"subscribe": list(SYMBOLS)})
    for order in range(1, count):
        side = random.choice(("buy", "sell"))
        symbol = random.choice(SYMBOLS)
        size = random.randrange(1, 50)
        yield json.dumps({"order": order, "side": side, "symbol": symbol, "size": size})


def telemetry(random: Random, count: int = 700) -> Iterator[Act]:
    """Small binary messages, 1 to 300 bytes, with all lengths around the end of the 7-bit form."""
    for size in (125, 126, 127, 128, 255, 256, 257):
        yield random.randbytes(size)
    for _ in range(count - 7):
        yield random.randbytes(min(300, 1 + int(random.expovariate(1 / 60))))


def report(random: Random, size: int) -> str:
    """A JSON text of at least `size` characters with many repetitions near and far."""
    readings: list[str] = []
    length = 0
    while length < size:
        station = random.choice(STATIONS)
        values = {field: round(random.gauss(15, 6), 1) for field in FIELDS}
        readings.append(json.dumps({"station": station, "minute": len(readings), **values}))
        length += len(readings[-1]) + 2
    return "[" + ",\n".join(readings) + "]"


def reports(random: Random, count: int = 120) -> Iterator[Act]:
    """Compressible messages of both types, 100 bytes to 5 KB, that are alike."""
    for index in range(count):
        text = report(random, min(4900, int(random.expovariate(1 / 700))))
        yield text.encode() if index % 5 == 4 else text


def in_fragments(random: Random, content: Content, *, pings: bool = True) -> Fragments:
    """Cut a message at random bytes, also inside code points and at adjacent bytes."""
    data = content.encode() if isinstance(content, str) else content
    cuts = sorted(random.choices(range(len(data) + 1), k=random.randrange(1, 6)))
    parts: list[bytes | Ping] = []
    for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True):
        parts.append(data[start:stop])
        if pings and stop != len(data) and random.random() < 0.5:
            parts.append(Ping(f"at byte {stop}".encode() if random.random() < 0.8 else b""))
    return Fragments(text=isinstance(content, str), parts=tuple(parts))


def fragmented(random: Random, count: int = 60) -> Iterator[Act]:
    """Fragmented messages with pings inside and between, and whole messages among them."""
    empty: tuple[bytes | Ping, ...] = (b"", b"some", Ping(b"after some"), b"", b"more", b"")
    yield Fragments(text=True, parts=empty)
    for index in range(count):
        text = report(random, random.randrange(10, 1500))
        content: Content = text.encode() if index % 3 == 2 else text
        yield in_fragments(random, content) if index % 4 else content
        if index % 7 == 0:
            yield Ping(b"between messages")


def scripts(random: Random) -> Iterator[Act]:
    """Every text of SCRIPTS whole, cut between any two bytes of one, and cut at random."""
    yield from SCRIPTS
    smallest = "é€💧".encode()
    for cut in range(1, len(smallest)):
        yield Fragments(text=True, parts=(smallest[:cut], Ping(b"inside"), smallest[cut:]))
    for text in SCRIPTS:
        yield in_fragments(random, f"{text}\n{text}", pings=random.random() < 0.3)
    yield Fragments(text=True, parts=tuple(bytes([byte]) for byte in SCRIPTS[10].encode()))
    yield "\n".join(SCRIPTS * 40)


def empties(random: Random) -> Iterator[Act]:
    """Empty messages of both types, alone, in a row and among others."""
    yield from ("", b"", "", "", "not empty", "", b"not empty", b"", b"")


def empties_and_pings(random: Random) -> Iterator[Act]:
    """The same with empty pings and messages of nothing but empty fragments."""
    yield Ping(b"")
    yield from empties(random)
    yield Fragments(text=True, parts=(b"", Ping(b""), b"", b""))
    yield Fragments(text=False, parts=(b"", b""))
    yield Ping(bytes(range(125)))
    yield "after the longest ping"


def large_binary(random: Random) -> Iterator[Act]:
    """1.2 MiB that do not compress, between two short texts."""
    yield "1.2 MiB follow"
    yield random.randbytes(1200 << 10)
    yield "that was all"


def large_text(random: Random) -> Iterator[Act]:
    """A text of 1.25 MiB that does compress, and a short one that resembles its end."""
    text = report(random, 1280 << 10)
    yield text
    yield text[-300:]


def unfinished_text(random: Random) -> Iterator[Act]:
    """A few messages, then a fragmented one that stops inside a code point."""
    yield from ("one", "two", b"three")
    parts = (b"costs ", Ping(b"still here"), b"three \xe2", b"\x82\xac or five \xe2\x82")
    yield Fragments(text=True, parts=parts, drop=True)


def large_frame(random: Random) -> Iterator[Act]:
    """Two messages, then a frame of 90,000 bytes."""
    yield "one"
    yield b"two"
    yield Pause(0.2)  # so that everything under way arrives
    yield random.randbytes(90_000)
