"""Which messages `FrameEncoder` compresses, and with which window.

The examples are those of RFC 7692 section 7.2.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import wsdefrag
from wire_writer import CONTINUATION, TEXT, deflate, read_frames
from wsdefrag import DeflateParams, Opcode

if TYPE_CHECKING:
    pass
from encoder_sides import DEFLATE, HELLO, server


def test_compressed_text_of_rfc_7692_section_7_2_3_1() -> None:
    assert server(deflate=DEFLATE).text("Hello") == b"\xc1\x07" + HELLO


def test_fragmented_compressed_text_of_rfc_7692_section_7_2_3_1() -> None:
    encoder = server(deflate=DEFLATE)
    first = encoder.frame(Opcode.TEXT, HELLO[:3], fin=False, rsv1=True)
    assert (first + encoder.frame(Opcode.CONTINUATION, HELLO[3:])).hex() == (
        "4103f248cd" + "8004c9c90700"
    )


def test_shared_window_of_rfc_7692_section_7_2_3_2() -> None:
    encoder = server(deflate=DEFLATE)
    encoder.text("Hello")
    assert encoder.text("Hello").hex() == "c105" + "f200110000"


def test_window_that_is_not_taken_over() -> None:
    alone = server(deflate=DeflateParams(server_no_context_takeover=True))
    assert [alone.text("Hello") for _ in range(3)] == [b"\xc1\x07" + HELLO] * 3
    # That the client has to do so is nothing to the server.
    other = server(deflate=DeflateParams(client_no_context_takeover=True))
    other.text("Hello")
    assert other.text("Hello").hex() == "c105" + "f200110000"


def test_stored_text_of_rfc_7692_section_7_2_3_3() -> None:
    stored = server(deflate=DEFLATE, compression_level=0).text("Hello")
    assert stored.hex() == "c10b" + "000500faff48656c6c6f00"


def test_two_blocks_of_rfc_7692_section_7_2_3_5() -> None:
    wire = server(deflate=DEFLATE).text("Hello", fragments=[2, 3])
    (first, last), rest = read_frames(wire)
    assert rest == b""
    assert (first.payload + last.payload).hex() == "f248050000" + "00ffff" + "cac9c90700"
    assert (first.rsv1, first.fin, first.opcode) == (True, False, TEXT)
    assert (last.rsv1, last.fin, last.opcode) == (False, True, CONTINUATION)


def test_empty_compressed_message_of_rfc_7692_section_7_2_3_6() -> None:
    encoder = server(deflate=DEFLATE)
    assert encoder.text("").hex() == "c10100"
    assert encoder.text("", fragments=[0, 0]).hex() == "4100" + "800100"


@pytest.mark.parametrize(("length", "compressed"), [(0, False), (9, False), (10, True)])
def test_messages_are_compressed_from_the_given_size(length: int, compressed: bool) -> None:
    encoder = server(deflate=DEFLATE, compress_from=10)
    assert encoder.binary(bytes(length))[0] == (0xC2 if compressed else 0x82)
    assert encoder.binary(bytes(length), compress=True)[0] == 0xC2
    assert encoder.binary(bytes(length), compress=False)[0] == 0x82
    assert encoder.fragment(Opcode.BINARY, bytes(length), fin=True)[0] == (
        0xC2 if compressed else 0x82
    )


def test_plain_messages_leave_the_window_alone() -> None:
    encoder = server(deflate=DEFLATE)
    encoder.text("Hello")
    assert encoder.text("Hello", compress=False) == b"\x81\x05Hello"
    assert encoder.text("Hello").hex() == "c105" + "f200110000"


def test_compression_that_was_not_agreed_on_is_refused() -> None:
    encoder = server()
    with pytest.raises(ValueError, match="not agreed on"):
        encoder.text("Hello", compress=True)
    assert encoder.text("Hello", compress=False) == encoder.text("Hello") == b"\x81\x05Hello"


def test_compression_is_chosen_with_the_first_fragment() -> None:
    encoder = server(deflate=DEFLATE)
    encoder.fragment(Opcode.TEXT, b"Hel", fin=False, compress=False)
    with pytest.raises(ValueError, match="first fragment"):
        encoder.fragment(Opcode.CONTINUATION, b"lo", fin=True, compress=False)
    assert encoder.fragment(Opcode.CONTINUATION, b"lo", fin=True) == b"\x80\x02lo"


def test_payload_of_the_callers_own_compression_empties_the_window() -> None:
    encoder = server(deflate=DEFLATE)
    wire = encoder.text("Hello") + encoder.frame(Opcode.TEXT, deflate(b"Bye"), rsv1=True)
    wire += encoder.text("Hello")
    assert wire.endswith(b"\xc1\x07" + HELLO)
    reassembler = wsdefrag.MessageReassembler(from_client=False, deflate=DEFLATE)
    read = reassembler.receive_data(wire + encoder.text("Hello"))
    assert [message.text for message in read] == ["Hello", "Bye", "Hello", "Hello"]


def test_compress_from_beyond_all_sizes_compresses_nothing() -> None:
    assert server(deflate=DEFLATE, compress_from=10**30).binary(bytes(1000))[0] == 0x82
