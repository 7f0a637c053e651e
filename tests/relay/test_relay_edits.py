"""Edited messages: sizes of fragments, characters, types, compression.

RFC 6455 section 5.4 (fragmentation), section 8.1 (UTF-8); RFC 7692 section 6 (what may be
compressed). If the length is the same, so are the fragments' sizes, in bytes of content.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties import examples
from relay_talk import SIDES, Talk
from wire_writer import cut
from wsdefrag import DeflateParams, Fragmenter, Opcode

DEFLATE = DeflateParams()
COMPRESSED = pytest.mark.parametrize("compress", [False, True], ids=["plain", "compressed"])


def edited(
    before: list[bytes],
    after: bytes,
    *,
    type: Opcode = Opcode.TEXT,
    new_type: Opcode | None = None,
    compress: bool = False,
    from_client: bool = True,
    fragmenter: Fragmenter | None = None,
) -> tuple[Talk, list[int]]:
    """Relay one message of these fragments with another content; give the sizes it went on in."""
    talk = Talk(deflate=DEFLATE, fragmenter=fragmenter)
    wire = b"".join(talk.sender(from_client).frames(type, before, compress=compress))
    message = talk.message(wire, from_client)
    assert message.content == b"".join(before)
    message.content = after
    message.type = new_type or type
    talk.relay.forward(message)
    assert talk.taken(not from_client) == b""
    talk.take(from_client)
    (heard,) = talk.receiver(from_client).messages
    assert (heard.opcode, heard.content) == (new_type or type, after)
    assert heard.compressed == compress
    assert talk.relay.bytes_buffered == 0
    assert talk.relay.websocket.messages == [message]
    return talk, heard.sizes


@SIDES
@COMPRESSED
@pytest.mark.parametrize("sizes", [[5], [2, 3], [1, 1, 3], [0, 5], [5, 0], [2, 0, 3]])
def test_same_length_keeps_the_sizes_of_the_fragments(
    sizes: list[int], compress: bool, from_client: bool
) -> None:
    points = [sum(sizes[:index]) for index in range(1, len(sizes))]
    before = cut(b"HELLO", points)
    _, found = edited(before, b"hello", compress=compress, from_client=from_client)
    assert found == sizes


@SIDES
@COMPRESSED
@pytest.mark.parametrize("after", [b"", b"x", b"longer than it was", b"x" * 70_000])
def test_other_length_goes_in_one_frame(after: bytes, compress: bool, from_client: bool) -> None:
    _, sizes = edited([b"HE", b"LLO"], after, compress=compress, from_client=from_client)
    assert sizes == [len(after)]


@COMPRESSED
def test_other_length_goes_in_the_sizes_the_fragmenter_chooses(compress: bool) -> None:
    fragmenter = Fragmenter(max_size=4)
    _, sizes = edited([b"HE", b"LLO"], b"hello world", compress=compress, fragmenter=fragmenter)
    assert sizes == [4, 4, 3]


@COMPRESSED
def test_fragmenter_leaves_same_lengths_and_untouched_messages_alone(compress: bool) -> None:
    fragmenter = Fragmenter(max_size=1)
    talk, sizes = edited([b"HE", b"LLO"], b"hello", compress=compress, fragmenter=fragmenter)
    assert sizes == [2, 3]
    plain = talk.client.text("untouched")
    talk.forward(talk.feed(plain))
    assert talk.taken() == plain


@COMPRESSED
def test_empty_message_can_be_filled(compress: bool) -> None:
    _, sizes = edited([b""], b"filled", compress=compress)
    assert sizes == [6]
    edited([b"", b""], b"filled", compress=compress)


@COMPRESSED
def test_text_set_as_str_is_forwarded_as_utf8(compress: bool) -> None:
    talk = Talk(deflate=DEFLATE)
    message = talk.message(talk.server.text("a price", compress=compress), False)
    message.text = "12 € \N{GRINNING FACE}"
    talk.relay.forward(message)
    assert talk.take(False) == [("text", "12 € \N{GRINNING FACE}".encode())]


@COMPRESSED
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([b"ab", b"cd"], "a\xe9d"),
        ([b"abc", b"d"], "ab\xe9"),
        ([b"a", b"bcd", b"e"], "a\u20acb"),
        ([b"a", b"b", b"c", b"d"], "\N{GRINNING FACE}"),
        ([b"a", b"b", b"c", b"d", b""], "\N{GRINNING FACE}"),
    ],
)
def test_kept_sizes_give_way_to_characters(before: list[bytes], after: str, compress: bool) -> None:
    talk, sizes = edited(before, after.encode(), compress=compress)
    assert sum(sizes) == sum(map(len, before))
    for part in talk.at_server.messages[0].parts:
        part.decode()


@COMPRESSED
def test_chosen_sizes_give_way_to_characters(compress: bool) -> None:
    after = "x" * 3999 + "\xe9" * 3999 + "\u20ac" * 3000
    fragmenter = Fragmenter(max_size=4000)
    talk, sizes = edited([b"x"], after.encode(), compress=compress, fragmenter=fragmenter)
    assert max(sizes) <= 4000
    assert len(sizes) > 3
    for part in talk.at_server.messages[0].parts:
        part.decode()


def test_binary_is_cut_anywhere() -> None:
    _, sizes = edited([b"ab", b"cd"], "a\xe9d".encode(), type=Opcode.BINARY)
    assert sizes == [2, 2]


@SIDES
@COMPRESSED
def test_type_changed_goes_on_as_the_other_type(compress: bool, from_client: bool) -> None:
    for type, new_type in ((Opcode.TEXT, Opcode.BINARY), (Opcode.BINARY, Opcode.TEXT)):
        for after in (b"hello", b"longer than it was"):
            edited(
                [b"HE", b"LLO"],
                after,
                type=type,
                new_type=new_type,
                compress=compress,
                from_client=from_client,
            )


@COMPRESSED
def test_type_alone_changed_goes_on_as_the_other_type(compress: bool) -> None:
    _, sizes = edited([b"HE", b"LLO"], b"HELLO", new_type=Opcode.BINARY, compress=compress)
    assert sizes == [2, 3]


def test_binary_turned_text_is_cut_between_characters() -> None:
    talk, _ = edited([b"\xc3", b"\xa9"], b"\xc3\xa9", type=Opcode.BINARY, new_type=Opcode.TEXT)
    for part in talk.at_server.messages[0].parts:
        part.decode()


@SIDES
def test_edit_that_is_taken_back_is_none(from_client: bool) -> None:
    talk = Talk()
    wire = talk.sender(from_client).text("a", "b", "c")
    message = talk.message(wire, from_client)
    message.content = b"other"
    message.content = b"abc"
    talk.relay.forward(message)
    assert talk.take(from_client) == [("text", b"abc")]


@SIDES
@COMPRESSED
def test_messages_around_an_edited_one_are_read(compress: bool, from_client: bool) -> None:
    talk = Talk(deflate=DEFLATE)
    sender = talk.sender(from_client)
    for number in range(6):
        wire = sender.text(f"message {number}, much like the others", compress=compress)
        message = talk.message(wire, from_client)
        if number % 2:
            message.text = message.text.replace("message", "line")
        talk.relay.forward(message)
    expected = [
        f"{'line' if number % 2 else 'message'} {number}, much like the others".encode()
        for number in range(6)
    ]
    talk.take(from_client)
    assert [heard.content for heard in talk.receiver(from_client).messages] == expected
    assert all(heard.compressed == compress for heard in talk.receiver(from_client).messages)


def test_plain_edits_leave_the_windows_alone() -> None:
    """What was not compressed is in no window, so what is compressed can go on as it came."""
    talk = Talk(deflate=DEFLATE)
    for number in range(4):
        message = talk.message(talk.client.text(f"plain {number}"))
        message.text = "edited"
        talk.relay.forward(message)
        talk.take()
        wire = talk.client.text("compressed as ever", compress=True)
        talk.forward(talk.feed(wire))
        assert talk.taken() == wire
    assert talk.relay.from_client.recompresses is False


def test_edited_message_has_fresh_keys_and_the_untouched_ones_theirs() -> None:
    talk = Talk()
    for text in ("one", "two", "three"):
        message = talk.message(talk.client.text(text))
        if text == "two":
            message.text = "2"
        talk.relay.forward(message)
    talk.take()
    keys = [frame.key for frame in talk.at_server.frames]
    assert keys[0] == keys[2] == talk.client.key
    assert keys[1] != talk.client.key


_letters = st.text("ab\xe9\u20ac\N{GRINNING FACE}", max_size=30)


@examples(300)
@given(
    before=_letters,
    after=_letters,
    points=st.lists(st.integers(0), max_size=5),
    max_size=st.none() | st.integers(1, 9),
    compress=st.booleans(),
)
def test_no_edit_cuts_a_character(
    before: str, after: str, points: list[int], max_size: int | None, compress: bool
) -> None:
    content = before.encode()
    parts = cut(content, [point % (len(content) + 1) for point in points])
    fragmenter = Fragmenter(max_size=max_size)
    talk, sizes = edited(parts, after.encode(), compress=compress, fragmenter=fragmenter)
    if after == before:
        assert sizes == [len(part) for part in parts]
        return
    for part in talk.at_server.messages[0].parts:
        part.decode()
    if len(after.encode()) == len(content):
        assert len(sizes) <= len(parts) or sizes == [len(part) for part in parts]
    elif max_size is None:
        assert len(sizes) == 1
