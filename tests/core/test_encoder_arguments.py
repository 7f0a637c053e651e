"""What `FrameEncoder` takes as content and options, and what it refuses."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

import pytest

from wire_writer import KEY, PING, TEXT, frame
from wsdefrag import FrameEncoder, Opcode, Strictness

if TYPE_CHECKING:
    from typing_extensions import Self
from encoder_sides import server


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


@pytest.mark.parametrize("content", [b"\xff", b"a\xed\xa0\x80", b"a\xe2\x82", b"\xc0\x80"])
def test_text_that_is_not_utf8_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="not UTF-8"):
        server().message(Opcode.TEXT, content)
    with pytest.raises(ValueError, match="not UTF-8"):
        server().fragment(Opcode.TEXT, content, fin=True)
    assert server().message(Opcode.BINARY, content) == frame(2, content)
    lax = Strictness(utf8=False)
    assert server(strictness=lax).message(Opcode.TEXT, content) == frame(1, content)
    assert server(strictness=lax).fragment(Opcode.TEXT, content, fin=True) == frame(1, content)


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
        with pytest.raises(ValueError, match="do not add up"):
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
        ({"strictness": "loose"}, TypeError),
    ],
)
def test_options_that_mean_nothing_are_refused(
    options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=next(iter(options))):
        FrameEncoder(**{"from_client": False} | options)


def test_encoder_can_be_subclassed() -> None:
    class Client(FrameEncoder):
        def __new__(cls) -> Self:
            return super().__new__(cls, from_client=True)

    assert Client().ping(masking_key=KEY) == frame(PING, key=KEY)
