"""What `FrameEncoder` writes, byte for byte: frames, masks, control frames, the end, their order.

The examples are those of RFC 6455 section 5.7.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from hang_guard import HANG_SECONDS
from wire_writer import KEY, fragments, frame, read_frames
from wsdefrag import Close, Opcode, Strictness, WebSocketDirection

if TYPE_CHECKING:
    pass
from encoder_sides import DEFLATE, client, server


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


@pytest.mark.parametrize("length", [1 << 13, (1 << 16) - 1, 1 << 16])
def test_buffers_of_a_long_message_are_its_header_and_its_content(length: int) -> None:
    content = bytes(length)
    head, payload = server().message_buffers(Opcode.BINARY, content)
    assert head + payload == frame(Opcode.BINARY, content)
    assert payload is content


@pytest.mark.parametrize(
    ("make", "content", "options"),
    [
        (server, bytes((1 << 13) - 1), {}),
        (server, b"", {}),
        (server, bytearray(1 << 16), {}),
        (server, memoryview(bytes(1 << 16)), {}),
        (server, bytes(1 << 16), {"fragments": [1 << 15, 1 << 15]}),
        (partial(server, deflate=DEFLATE), bytes(1 << 16), {"compress": True}),
        (client, bytes(1 << 16), {"masking_key": KEY}),
        (client, bytes(1 << 16), {"masking_key": bytes(4)}),
    ],
    ids=[
        "short",
        "empty",
        "bytearray",
        "memoryview",
        "fragments",
        "compressed",
        "masked",
        "zero key",
    ],
)
def test_other_messages_are_one_buffer(make: Any, content: Any, options: Any) -> None:
    [whole] = make().message_buffers(Opcode.BINARY, content, **options)
    assert isinstance(whole, bytes)
    assert whole == make().message(Opcode.BINARY, content, **options)


def test_buffers_of_a_text_are_checked_too() -> None:
    encoder = server()
    with pytest.raises(ValueError, match="UTF-8"):
        encoder.message_buffers(Opcode.TEXT, b"\xff" * (1 << 13))
    encoder.close(1000)
    with pytest.raises(ValueError, match="Close"):
        encoder.message_buffers(Opcode.TEXT, b"late")


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
    subprocess.run([sys.executable, "-c", script], check=True, timeout=HANG_SECONDS)


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


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        (b"", b"\x88\x00"),  # read as 1005, which may not be sent
        (b"\x03\xe8bye", b"\x88\x02\x03\xe8"),
        (b"\x0f\xa0", b"\x88\x02\x0f\xa0"),
        (b"\x03\xee", b"\x88\x00"),  # 1006, which a peer must not send
        (b"\x00\x01", b"\x88\x00"),
    ],
)
def test_reply_to_a_close_has_its_code_if_that_may_be_sent(payload: bytes, answer: bytes) -> None:
    lenient = Strictness(close_codes=False)
    incoming = WebSocketDirection(from_client=True, strictness=lenient)
    (close,) = incoming.receive_data(frame(8, payload, key=KEY))
    assert isinstance(close, Close)
    encoder = server()
    assert encoder.close_reply(close) == answer
    assert encoder.closed
    assert encoder.close_reply(close) == b""  # the Close was sent already
    assert client().close_reply(close, masking_key=KEY) == frame(8, answer[2:], key=KEY)


def test_only_a_close_is_answered_with_a_close() -> None:
    with pytest.raises(TypeError, match="event must be a Close, not int"):
        server().close_reply(1000)  # type: ignore[arg-type]


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
