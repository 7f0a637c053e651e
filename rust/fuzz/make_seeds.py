"""Write the inputs that fuzzing starts from: the wire cases of `tests/`, in each target's form.

Run it with the environment that the tests run in; it rewrites `seeds/`:

    .venv/bin/python rust/fuzz/make_seeds.py

The form of an input of `arbitrary_bytes` and `split_feeding` is described in
`rust/wsdefrag-core/tests/contract/input.rs`, those of `deflate`, `encoder` and `relay` in the files
of those names beside it, that of `packets` in `rust/wsdefrag-capture/tests/packets/contract.rs`.
"""

from __future__ import annotations

import re
import shutil
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tests" / "support"))

import wire_cases  # noqa: E402 - it is found by the line above
from wire_case import Case  # noqa: E402
from wsdefrag import DeflateParams, Limits  # noqa: E402

LONGEST = 700
"""Bytes of the longest wire case taken; longer ones differ from others by their length alone."""

FEW = 4
"""Cases of a family, that is of names that differ by their numbers alone."""

TEXT, PLAIN, FINAL, EMPTY_BLOCK, CONTROLS, FORM_16, FORM_64 = 1, 2, 4, 8, 16, 0x80, 0xC0
"""Bits of the shape of a message for `deflate`."""


def size(limit: int | None) -> int:
    """The byte that stands for a limit in bytes, or for the nearest there is."""
    if limit is None:
        return 0
    return limit if limit < 128 else min(127 + max(limit >> 10, 1), 255)


def head(case: Case, cuts: int) -> bytes:
    """The seven bytes that say what the case is read with."""
    deflate = case.deflate or DeflateParams()
    limits = case.limits or Limits(max_frame_size=None, max_message_size=None, max_fragments=None)
    flags = (
        case.from_client
        | (case.deflate is not None) << 1
        | deflate.server_no_context_takeover << 2
        | deflate.client_no_context_takeover << 3
        | (case.utf8 == "lax") << 4
    )
    strict = case.strictness
    lenience = 0
    if strict is not None:
        rules = (
            strict.mask_direction,
            strict.minimal_length,
            strict.reserved_bits,
            strict.close_codes,
        )
        lenience = sum((not rule) << bit for bit, rule in enumerate(rules))
    ratio = 0 if limits.max_inflate_ratio is None else min(int(limits.max_inflate_ratio * 4), 255)
    return bytes(
        [
            flags,
            lenience,
            size(limits.max_frame_size),
            size(limits.max_message_size),
            min(limits.max_fragments or 0, 255),
            ratio,
            cuts,
        ]
    )


def wires() -> dict[str, bytes]:
    """A few short wire cases of each family, by their names."""
    families: dict[str, list[Case]] = {}
    for case in wire_cases.CASES:
        if len(case.wire) <= LONGEST:
            families.setdefault(re.sub(r"\d+", "", case.name), []).append(case)
    few = [case for family in families.values() for case in family[:: -(-len(family) // FEW)]]
    return {case.name: head(case, 37 * index % 256) + case.wire for index, case in enumerate(few)}


def message(shape: int, content: bytes, *, cuts: int = 0, repeats: int = 0) -> bytes:
    """One message for `deflate`."""
    return bytes([shape, cuts, repeats, len(content)]) + content


def bodies() -> dict[str, bytes]:
    """Messages in the form of `deflate`: what its wire cases are about."""
    story = b"the same words again and again"
    return {
        "takeover": message(TEXT, story) * 3,
        "plain-between": message(TEXT, story) + message(TEXT | PLAIN, story) + message(0, story),
        "fragments-and-controls": message(CONTROLS, story, cuts=2, repeats=9) * 2,
        "final-blocks": message(FINAL, story)
        + message(FINAL | EMPTY_BLOCK, story)
        + message(0, story),
        "empty": message(TEXT, b"") * 2 + message(FINAL, b"") + message(0, b""),
        "long-runs": message(0, b"\0" * 255, repeats=99) + message(0, b"\0", repeats=99),
        "every-byte": message(0, bytes(range(255)), repeats=20, cuts=7) * 2,
        "long-forms": message(FORM_16, story) + message(FORM_64 | CONTROLS, story, cuts=1),
        "scripts-of-text": message(TEXT, "aä€😀".encode(), repeats=40, cuts=5) * 2,
    }


def scripts() -> dict[str, bytes]:
    """Messages for `deflate`, and the same with a byte damaged."""
    scripts = {}
    for index, (name, body) in enumerate(bodies().items()):
        flags = (0, 1, 2, 3)[index % 4] | (index % 8) << 2 | (index % 5) << 5
        scripts[name] = bytes([flags, index, 31 * index % 256, 0, 0, 0]) + body
        damaged = bytes([flags, index, 31 * index % 256, 1 << index % 8, 0, 7 * index + 9]) + body
        scripts[f"{name}-damaged"] = damaged
    return scripts


def call(what: int, shape: int, content: bytes, *, repeats: int = 0) -> bytes:
    """One call for `encoder`."""
    return bytes([what, shape, repeats, len(content)]) + content


def calls() -> dict[str, bytes]:
    """Calls for `encoder`: each kind of them, with deflate and without, alone and refused."""
    word = b"again and "
    bodies = {
        "messages": call(0x28, 0, word, repeats=9) + call(0, 0x60, word) + call(0x29, 1, word) * 2,
        "texts": call(2, 0, "aä€😀".encode(), repeats=3) + call(0, 0, b"\xff") + call(0, 0, b""),
        "fragments": call(3, 0, b"\xe2\x82") + call(0x13, 0, b"\xac") + call(0x13, 1, b""),
        "frames-of-the-callers": call(0x0D, 2, word)
        + call(0x15, 1, word)
        + call(0x28, 1, word) * 2,
        "controls": call(6, 1, word)
        + call(6, 0, word, repeats=15)
        + call(7, 2, b"bye", repeats=63),
        "without-memory": call(0xA8, 0, word) + call(0x28, 0, word) * 2 + call(0xA8, 0, word),
    }
    heads = (bytes([0b0010, 7, 3]), bytes([0b0111, 0x30, 90]), bytes([0b0001, 0x31, 5]))
    return {
        f"{name}-{index}": head + body
        for name, body in bodies.items()
        for index, head in enumerate(heads)
    }


def relayed() -> dict[str, bytes]:
    """Messages for `relay`, decided on in different ways, and wire cases that go through."""
    forward, longer, drop, close = 0, 0x2C, 5, 0xFF
    decisions = {
        "untouched": bytes([forward]),
        "all-sorts": bytes([3, forward, longer, 6, drop, forward, 0x0E, 7]),
        "closed": bytes([3, 4, 6, 5, forward, forward, close]),
    }
    legs = (0b0000110, 0b0001110, 0b0111110, 0b0000010, 0b0000101)
    seeds = {}
    for index, (name, body) in enumerate(bodies().items()):
        for how, decided in decisions.items():
            for way, kind in enumerate(("messages", "frames", "bytes")):
                flags = legs[(index + way) % len(legs)]
                windows = way << 6 | 0b111_111 - index % 3
                head = bytes([flags, windows, 0xF0 * (index % 2), 0, 37 * index % 256])
                seeds[f"{name}-{how}-{kind}"] = head + bytes([len(decided)]) + decided + body
    for index, (name, wire) in enumerate(wires().items()):
        flags, lenience, _, most, _, _, cuts = wire[:7]
        legs_of = 0x80 | flags & 1 | (flags & 2 and 0b110) | (flags & 0x10 and 0x40)
        windows = index % 3 << 6 | 0b111_111
        decided = decisions["all-sorts"]
        head = bytes([legs_of, windows, lenience, most, cuts, len(decided)])
        seeds[f"wire-{name}"] = head + decided + wire[7:]
    return seeds


def fragments() -> bytes:
    """A pcap file of raw IP with a datagram in pieces, of IPv4 and of IPv6."""
    segment = bytes.fromhex("9c40 0050 00000001 00000007 5010 0100 0000 0000") + bytes(28)
    packets = []
    for start, flags in ((0, 0x2000), (24, 3)):
        piece = segment[start : start + 24]
        head = struct.pack(">BBHHHBBHII", 0x45, 0, 44, 7, flags, 64, 6, 0, 0x0A000001, 0x0A000002)
        packets.append(head + piece)
        more = struct.pack(">BBHI", 6, 0, start | (start == 0), 7)
        head = struct.pack(">IHBB", 0x60000000, 32, 44, 64)
        packets.append(head + bytes(15) + b"\1" + bytes(15) + b"\2" + more + piece)
    file = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for packet in packets:
        file += struct.pack("<IIII", 1, 2, len(packet), len(packet)) + packet
    return file


def captures() -> dict[str, bytes]:
    """The beginnings of recorded captures, and what none of them holds."""
    folder = HERE.parent.parent / "vectors" / "captures"
    files = {path.stem: path.read_bytes() for path in sorted(folder.glob("*.pcap*"))}
    for name in [name for name, file in files.items() if file.startswith(b"\x1f\x8b")]:
        del files[name]
    files["fragments"] = fragments()
    return {
        name: bytes([37 * index % 256, index % 7]) + file[:1500]
        for index, (name, file) in enumerate(files.items())
    }


def write(target: str, inputs: dict[str, bytes]) -> None:
    """Replace the seeds of a target."""
    folder = HERE / "seeds" / target
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, data in inputs.items():
        (folder / name).write_bytes(data)
    print(f"{target}: {len(inputs)} inputs, {sum(map(len, inputs.values()))} bytes")


if __name__ == "__main__":
    write("arbitrary_bytes", wires())
    write("split_feeding", wires())
    write("deflate", scripts())
    write("encoder", calls())
    write("relay", relayed())
    write("packets", captures())
