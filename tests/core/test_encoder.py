"""What `FrameEncoder` writes, byte for byte, and what it refuses to write."""

from __future__ import annotations

import os
import subprocess
import sys
from array import array
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

import wsdefrag
from wire_writer import CONTINUATION, KEY, PING, TEXT, deflate, fragments, frame, read_frames
from wsdefrag import DeflateParams, FrameEncoder, Opcode

if TYPE_CHECKING:
    from typing_extensions import Self

DEFLATE = DeflateParams()
HELLO = bytes.fromhex("f248cdc9c90700")


def server(**options: Any) -> FrameEncoder:
    return FrameEncoder(from_client=False, **options)


def client(**options: Any) -> FrameEncoder:
    return FrameEncoder(from_client=True, **options)


# The examples of the RFCs


def test_unmasked_text_of_rfc_6455_section_5_7() -> None:
    assert server().text("Hello").hex() == "810548656c6c6f"


def test_masked_text_of_rfc_6455_section_5_7() -> None:
    assert client().text("Hello", masking_key=KEY).hex() == "818537fa213d7f9f4d5158"


def test_fragmented_text_of_rfc_6455_section_5_7() -> None:
    encoder = server()
    assert encoder.text("Hello", fragments=[3, 2]).hex() == "010348656c" + "80026c6f"
    assert encoder.fragment(Opcode.TEXT, b"Hel", fin=False).hex() == "010348656c"
    assert encoder.fragment(Opcode.CONTINUATION, b"lo", fin=True).hex() == "80026c6f"
    assert encoder.frame(Opcode.TEXT, b"Hel", fin=False).hex() == "010348656c"
    assert encoder.frame(Opcode.CONTINUATION, b"lo").hex() == "80026c6f"


def test_ping_and_pong_of_rfc_6455_section_5_7() -> None:
    assert server().ping(b"Hello").hex() == "890548656c6c6f"
    assert client().pong(b"Hello", masking_key=KEY).hex() == "8a8537fa213d7f9f4d5158"


@pytest.mark.parametrize(
    ("length", "header"),
    [
        (0, "8200"),
        (125, "827d"),
        (126, "827e007e"),
        (256, "827e0100"),
        (65_535, "827effff"),
        (65_536, "827f0000000000010000"),
    ],
)
def test_length_is_in_its_shortest_form(length: int, header: str) -> None:
    payload = bytes(index % 251 for index in range(length))
    assert server().binary(payload) == bytes.fromhex(header) + payload
    assert client().binary(payload, masking_key=KEY) == frame(2, payload, key=KEY)


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


# What is compressed


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


# Masks


def test_every_frame_gets_a_fresh_key() -> None:
    encoder = client()
    frames = [encoder.ping() for _ in range(1000)]
    frames += [encoder.binary(b"abc", fragments=[1, 1, 1]) for _ in range(1000)]
    keys = [one.key for one in read_frames(b"".join(frames))[0]]
    assert len(keys) == 4000
    assert None not in keys
    # The chance of a pair among 4,000 keys is 1 in 537, of three pairs 1 in a thousand million.
    assert len(set(keys)) > 3997


def test_given_key_is_that_of_all_fragments() -> None:
    wire = client().binary(b"abcdef", fragments=[1, 5], masking_key=KEY)
    assert wire == b"".join(fragments(2, [b"a", b"bcdef"], key=KEY))
    assert client().binary(b"abc", masking_key=bytes(4)) == b"\x82\x83\0\0\0\0abc"


def test_server_does_not_mask() -> None:
    encoder = server()
    calls: list[Callable[[], bytes]] = [
        lambda: encoder.text("a", masking_key=KEY),
        lambda: encoder.ping(masking_key=KEY),
        lambda: encoder.frame(Opcode.TEXT, b"a", masking_key=KEY),
        lambda: encoder.close(masking_key=KEY),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="does not mask"):
            call()
    assert not encoder.closed


@pytest.mark.parametrize("key", [b"", b"abc", b"abcde"])
def test_key_of_another_length_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="four bytes"):
        client().ping(masking_key=key)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")
def test_keys_are_not_shared_with_a_forked_process() -> None:
    """Random bytes are fetched many at a time; a child must not go on with its parent's."""
    script = """
import os
from wsdefrag import FrameEncoder
encoder = FrameEncoder(from_client=True)
encoder.ping()
reader, writer = os.pipe()
if os.fork() == 0:
    os.write(writer, b"".join(encoder.ping()[2:] for _ in range(200)))
    os._exit(0)
parents = {encoder.ping()[2:] for _ in range(200)}
os.close(writer)
with open(reader, "rb") as pipe:
    childs = pipe.read()
os.wait()
assert len(childs) == 800
shared = parents & {childs[start:start + 4] for start in range(0, 800, 4)}
assert len(shared) < 2, shared
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


# Control frames and the end


@pytest.mark.parametrize("name", ["ping", "pong"])
def test_control_frames_hold_at_most_125_bytes(name: str) -> None:
    encoder = server()
    encode = getattr(encoder, name)
    opcode = Opcode[name.upper()]
    assert encode() == encode(b"") == encode(None) == frame(opcode)
    assert encode(b"a" * 125) == frame(opcode, b"a" * 125)
    with pytest.raises(ValueError, match=f"{opcode.name} of 126 bytes"):
        encode(b"a" * 126)
    with pytest.raises(ValueError, match=r"of 126 bytes"):
        encoder.frame(opcode, b"a" * 126)
    with pytest.raises(ValueError, match=f"fragmented {opcode.name}"):
        encoder.frame(opcode, b"", fin=False)


def test_control_frames_stand_between_fragments() -> None:
    encoder = server()
    wire = encoder.fragment(Opcode.BINARY, b"a", fin=False)
    assert encoder.inside_message
    wire += encoder.ping(b"!") + encoder.pong(b"?")
    wire += encoder.fragment(Opcode.CONTINUATION, b"b", fin=True)
    assert not encoder.inside_message
    assert wire == b"\x02\x01a" + b"\x89\x01!" + b"\x8a\x01?" + b"\x80\x01b"


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1014, 3000, 4999])
def test_close_holds_its_code_and_its_reason(code: int) -> None:
    payload = code.to_bytes(2, "big")
    assert server().close(code) == b"\x88\x02" + payload
    assert server().close(code, "größe") == b"\x88\x09" + payload + "größe".encode()
    assert client().close(code, masking_key=KEY) == frame(8, payload, key=KEY)


def test_close_without_a_code_is_empty() -> None:
    assert server().close() == b"\x88\x00"
    with pytest.raises(ValueError, match="without a code"):
        server().close(reason="bye")


@pytest.mark.parametrize(
    "code", [-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535, 65_536]
)
def test_close_codes_that_may_not_be_sent_are_refused(code: int) -> None:
    encoder = server()
    with pytest.raises(ValueError, match="close code"):
        encoder.close(code)
    assert not encoder.closed


def test_close_reason_holds_at_most_123_bytes() -> None:
    assert len(server().close(1000, "é" * 61 + "e")) == 127
    with pytest.raises(ValueError, match="CLOSE of 126 bytes"):
        server().close(1000, "é" * 62)


@pytest.mark.parametrize("raw", [False, True])
def test_nothing_follows_a_close(raw: bool) -> None:
    encoder = server()
    encoder.fragment(Opcode.TEXT, b"a", fin=False)
    assert (encoder.frame(Opcode.CLOSE, b"") if raw else encoder.close()) == b"\x88\x00"
    assert encoder.closed
    assert not encoder.inside_message
    calls: list[Callable[[], bytes]] = [
        lambda: encoder.text("a"),
        lambda: encoder.ping(),
        lambda: encoder.close(1000),
        lambda: encoder.frame(Opcode.TEXT, b""),
        lambda: encoder.fragment(Opcode.CONTINUATION, b"", fin=True),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="nothing follows a Close"):
            call()


# The order of frames


def test_messages_are_not_merged() -> None:
    encoder = server()
    with pytest.raises(ValueError, match="without a message"):
        encoder.fragment(Opcode.CONTINUATION, b"", fin=True)
    with pytest.raises(ValueError, match="without a message"):
        encoder.frame(Opcode.CONTINUATION, b"")
    encoder.fragment(Opcode.TEXT, b"a", fin=False)
    calls: list[Callable[[], bytes]] = [
        lambda: encoder.text("b"),
        lambda: encoder.binary(b"b"),
        lambda: encoder.fragment(Opcode.TEXT, b"b", fin=True),
        lambda: encoder.frame(Opcode.BINARY, b"b"),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="inside a fragmented message"):
            call()
    with pytest.raises(ValueError, match="either frames or fragments"):
        encoder.frame(Opcode.CONTINUATION, b"b")
    encoder.fragment(Opcode.CONTINUATION, b"b", fin=True)
    encoder.frame(Opcode.TEXT, b"a", fin=False)
    with pytest.raises(ValueError, match="either frames or fragments"):
        encoder.fragment(Opcode.CONTINUATION, b"b", fin=True)


@pytest.mark.parametrize("bits", range(8))
def test_reserved_bits_are_written_as_they_are_given(bits: int) -> None:
    wire = server().frame(
        Opcode.BINARY, b"", rsv1=bool(bits & 4), rsv2=bool(bits & 2), rsv3=bool(bits & 1)
    )
    assert wire == bytes([0x82 | bits << 4, 0])


@pytest.mark.parametrize("opcode", [Opcode.CONTINUATION, Opcode.CLOSE, Opcode.PING, Opcode.PONG])
def test_message_is_text_or_binary(opcode: Opcode) -> None:
    with pytest.raises(ValueError, match=f"not {opcode.name}"):
        server().message(opcode, b"")
    if opcode:
        with pytest.raises(ValueError, match=f"not {opcode.name}"):
            server().fragment(opcode, b"", fin=True)


def test_message_takes_plain_integers_and_refuses_what_is_no_opcode() -> None:
    assert server().message(1, b"a") == b"\x81\x01a"
    for wrong in (3, -1, 256):
        with pytest.raises(ValueError, match="not a valid Opcode"):
            server().message(wrong, b"a")


# Text


@pytest.mark.parametrize("content", [b"\xff", b"a\xed\xa0\x80", b"a\xe2\x82", b"\xc0\x80"])
def test_text_that_is_not_utf8_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="not UTF-8"):
        server().message(Opcode.TEXT, content)
    with pytest.raises(ValueError, match="not UTF-8"):
        server().fragment(Opcode.TEXT, content, fin=True)
    assert server().message(Opcode.BINARY, content) == frame(2, content)
    assert server(utf8="lax").message(Opcode.TEXT, content) == frame(1, content)
    assert server(utf8="lax").fragment(Opcode.TEXT, content, fin=True) == frame(1, content)


def test_character_may_be_cut_by_fragments_that_are_asked_for() -> None:
    euro = "€".encode()
    assert server().text("€", fragments=[1, 2]) == b"\x01\x01\xe2" + b"\x80\x02\x82\xac"
    encoder = server()
    encoder.fragment(Opcode.TEXT, euro[:1], fin=False)
    encoder.fragment(Opcode.CONTINUATION, b"", fin=False)
    with pytest.raises(ValueError, match="not UTF-8"):
        encoder.fragment(Opcode.CONTINUATION, euro[1:2], fin=True)
    with pytest.raises(ValueError, match="not UTF-8"):
        encoder.fragment(Opcode.CONTINUATION, b"a", fin=False)
    assert encoder.fragment(Opcode.CONTINUATION, euro[1:], fin=True) == b"\x80\x02\x82\xac"


@pytest.mark.parametrize("text", ["", "a", "€", "a" * 5000, "€" * 5000, "\N{GRINNING FACE}" * 5000])
def test_text_is_sent_as_utf8(text: str) -> None:
    assert server().text(text) == frame(TEXT, text.encode())


def test_surrogates_are_refused() -> None:
    for text in ("\ud800", "\ud800" * 5000):
        with pytest.raises(UnicodeEncodeError):
            server().text(text)


# Arguments


@pytest.mark.parametrize(
    "content",
    [bytearray(b"abcd"), memoryview(b"abcd"), memoryview(b"a-b-c-d")[::2], array("B", b"abcd")],
    ids=["bytearray", "memoryview", "strided", "array"],
)
def test_content_is_anything_with_a_buffer(content: Any) -> None:
    assert server().binary(content) == b"\x82\x04abcd"
    assert server().message(Opcode.TEXT, content) == b"\x81\x04abcd"
    assert server().ping(content) == frame(PING, b"abcd")
    assert bytes(content) == b"abcd"


def test_fragments_have_to_add_up() -> None:
    encoder = server()
    for wrong in ([1], [3], [1, 2], [2**64 - 1, 3], [0]):
        with pytest.raises(ValueError, match="must"):
            encoder.binary(b"ab", fragments=wrong)
    with pytest.raises(ValueError, match="at least one"):
        encoder.binary(b"", fragments=[])
    with pytest.raises(ValueError, match="sizes in bytes"):
        encoder.binary(b"ab", fragments=[-1, 3])
    assert encoder.binary(b"ab", fragments=(0, 2, 0)) == b"\x02\x00" + b"\x00\x02ab" + b"\x80\x00"


@pytest.mark.parametrize(
    "call",
    [
        lambda one: one.text(b"a"),
        lambda one: one.binary("a"),
        lambda one: one.message("TEXT", b"a"),
        lambda one: one.message(1, None),
        lambda one: one.binary(b"a", fragments=1),
        lambda one: one.binary(b"a", fragments=["1"]),
        lambda one: one.binary(b"a", compress=1),
        lambda one: one.ping(b"", masking_key=1),
        lambda one: one.close("1000"),
        lambda one: one.close(1000, b"bye"),
        lambda one: one.fragment(1, b"a"),
        lambda one: one.frame(1, b"a", 1),
    ],
)
def test_arguments_of_a_wrong_type_are_refused(call: Any) -> None:
    with pytest.raises(TypeError):
        call(server())


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"from_client": 1}, TypeError),
        ({"deflate": "permessage-deflate"}, TypeError),
        ({"compress_from": 1.0}, TypeError),
        ({"compress_from": -1}, ValueError),
        ({"compression_level": True}, TypeError),
        ({"compression_level": 10}, ValueError),
        ({"compression_level": -1}, ValueError),
        ({"utf8": "loose"}, ValueError),
    ],
)
def test_options_that_mean_nothing_are_refused(
    options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=next(iter(options))):
        FrameEncoder(**{"from_client": False} | options)


def test_compress_from_beyond_all_sizes_compresses_nothing() -> None:
    assert server(deflate=DEFLATE, compress_from=10**30).binary(bytes(1000))[0] == 0x82


def test_encoder_can_be_subclassed() -> None:
    class Client(FrameEncoder):
        def __new__(cls) -> Self:
            return super().__new__(cls, from_client=True)

    assert Client().ping(masking_key=KEY) == frame(PING, key=KEY)
