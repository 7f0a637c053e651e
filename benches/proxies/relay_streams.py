"""The input of the relays: masked messages of a client, in reads of 64 KiB or one by one.

It is imported in mitmproxy's environment too, so it needs nothing but Python.
"""

READ = 1 << 16
"""Bytes of a read, which is what mitmproxy asks its sockets for."""

KEY = bytes.fromhex("37fa213d")
SMALL, COUNT = 64, 2048
TOGETHER, SINGLE = "together", "single"
"""`COUNT` messages of `SMALL` bytes, as many in a read as there is room for, or one."""

MIB = 1 << 20


def masked(payload: bytes) -> bytes:
    """One BINARY frame of a client."""
    length = len(payload)
    if length < 126:
        head = bytes([0x82, 0x80 | length])
    else:
        head = bytes([0x82, 0xFF]) + length.to_bytes(8, "big")
    pad = (KEY * (length // 4 + 1))[:length]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")
    return head + KEY + mixed.to_bytes(length, "big")


def reads(wire: bytes) -> list[bytes]:
    """The stream, cut as a socket would."""
    return [wire[start : start + READ] for start in range(0, len(wire), READ)]


def stream(name: str) -> list[bytes]:
    """Small messages, `TOGETHER` or `SINGLE`; otherwise one of so many MiB."""
    if name == TOGETHER:
        return reads(masked(bytes(range(SMALL))) * COUNT)
    if name == SINGLE:
        return [masked(bytes(range(SMALL)))] * COUNT
    return reads(masked(bytes(range(256)) * (int(name) * MIB // 256)))
