"""Reads hostile bytes: memory stays within the limits, and the error has the reason.

python examples/hostile_peer.py
"""

from __future__ import annotations

import zlib

import wsdefrag

MIB = 1 << 20
LIMITS = wsdefrag.Limits(max_frame_size=8 * MIB, max_message_size=MIB)


def show(title: str, wire: bytes) -> None:
    """Read bytes as if a server had sent them, and print the result."""
    reassembler = wsdefrag.MessageReassembler(
        from_client=False, deflate=wsdefrag.DeflateParams(), limits=LIMITS
    )
    messages = reassembler.receive_data(wire)
    print(f"{title} ({len(wire)} bytes)")
    print(f"  messages: {messages}, held back: {reassembler.bytes_buffered} bytes")
    # The call above returns messages before the error; the next call raises the error.
    try:
        reassembler.receive_eof()
    except (wsdefrag.ProtocolError, wsdefrag.LimitExceeded) as error:
        print(f"  {error.kind}: {error} [reply with {error.close_code}]")
    except wsdefrag.IncompleteMessage as error:
        print(f"  incomplete: {error}")


def main() -> None:
    """Try five attacks."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = compressor.compress(bytes(64 * MIB)) + compressor.flush(zlib.Z_SYNC_FLUSH)
    bomb = bomb[:-4]  # the sender leaves out 00 00 ff ff (RFC 7692 section 7.2.1)
    show("64 MiB of zeros, compressed", b"\xc2\x7e" + len(bomb).to_bytes(2, "big") + bomb)

    show("a frame that announces 2**40 bytes", b"\x82\x7f" + (1 << 40).to_bytes(8, "big"))
    show("a length with the top bit set", b"\x82\x7f" + b"\xff" * 8)
    show("1 MiB announced, 2 bytes sent", b"\x82\x7f" + MIB.to_bytes(8, "big") + b"hi")
    show("two good messages, then a Ping in fragments", b"\x81\x02hi\x81\x03you\x09\x00")


if __name__ == "__main__":
    main()
