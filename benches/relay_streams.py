"""What goes through relays: masked messages of a client, in reads of 64 KiB.

It is imported in mitmproxy's environment too, so it needs nothing but Python.
"""

READ = 1 << 16
"""Bytes of a read, which is what mitmproxy asks its sockets for."""

KEY = bytes.fromhex("37fa213d")
SMALL, COUNT = 64, 2048
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


def stream(mebibytes: int) -> list[bytes]:
    """One message of so many MiB; `COUNT` messages of `SMALL` bytes for 0."""
    if mebibytes:
        return reads(masked(bytes(range(256)) * (mebibytes * MIB // 256)))
    return reads(masked(bytes(range(SMALL))) * COUNT)
