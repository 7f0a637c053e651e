"""Which fragments `Fragmenter` chooses, and that no character of a text is damaged by them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_writer import cut, read_frames
from wsdefrag import DeflateParams, Fragmenter, FrameEncoder, Opcode

TEXT, BINARY = Opcode.TEXT, Opcode.BINARY
_texts = st.text("ab é€\N{GRINNING FACE}", max_size=60)


@pytest.mark.parametrize(
    ("fragments", "expected"),
    [([5], [5]), ([2, 3], [2, 3]), ([0, 5, 0], [0, 5, 0]), ([], [5]), ([2, 2], [5]), ([6], [5])],
)
def test_sizes_are_kept_where_the_length_is_the_same(
    fragments: list[int], expected: list[int]
) -> None:
    assert Fragmenter().sizes(BINARY, b"hello", fragments) == expected


def test_other_lengths_give_one_frame_or_pieces() -> None:
    content = bytes(10_000)
    assert Fragmenter().sizes(BINARY, content, [9_999]) == [10_000]
    assert Fragmenter(max_size=4000).sizes(BINARY, content, [9_999]) == [4000, 4000, 2000]
    assert Fragmenter(max_size=4000).sizes(BINARY, content[:8000]) == [4000, 4000]
    assert Fragmenter(max_size=4000).sizes(BINARY, content, [9_999, 1]) == [9_999, 1]
    assert Fragmenter(max_size=4000).sizes(BINARY, b"") == [0]
    assert Fragmenter(max_size=2**70).sizes(BINARY, b"abc") == [3]


def test_borders_do_not_cut_characters_unless_told_to() -> None:
    text = "a€b".encode()
    for at, size in [(0, 0), (1, 1), (2, 1), (3, 1), (4, 4), (5, 5)]:
        kept = [at, 5 - at]
        assert Fragmenter().sizes(TEXT, text, kept) == [size, 5 - size]
        assert Fragmenter(cut_characters=True).sizes(TEXT, text, kept) == kept
        assert Fragmenter().sizes(BINARY, text, kept) == kept
    assert Fragmenter(max_size=2).sizes(TEXT, text) == [1, 3, 1]
    assert Fragmenter(max_size=2, cut_characters=True).sizes(TEXT, text) == [2, 2, 1]


def test_edited_text_with_a_character_across_4000_bytes_is_not_damaged() -> None:
    """mitmproxy cuts such a text every 4,000 bytes, and its receivers read U+FFFD there."""
    text = "é" * 5000 + "€" * 1000
    for content in (text, "x" + text):
        sizes = Fragmenter(max_size=4000).sizes(TEXT, content.encode(), [10])
        for agreed in (None, DeflateParams()):
            wire = FrameEncoder(from_client=False, deflate=agreed).text(
                content, fragments=sizes, compress=False
            )
            payloads = [one.payload.decode() for one in read_frames(wire)[0]]
            assert "".join(payloads) == content


@given(text=_texts, max_size=st.integers(1, 9), points=st.lists(st.integers(0, 300), max_size=5))
def test_fragments_of_a_text_are_texts(text: str, max_size: int, points: list[int]) -> None:
    content = text.encode()
    fragmenter = Fragmenter(max_size=max_size)
    kept = [len(part) for part in cut(content, [at % (len(content) + 1) for at in points])]
    for fragments in (kept, []):
        sizes = fragmenter.sizes(TEXT, content, fragments)
        assert sum(sizes) == len(content)
        assert len(sizes) == len(kept) or not fragments
        assert fragments or max(sizes) <= max(max_size, 4)
        start = 0
        for size in sizes:
            content[start : start + size].decode()
            start += size


@given(content=st.binary(max_size=60), max_size=st.integers(1, 9))
def test_bytes_that_are_no_text_are_cut_all_the_same(content: bytes, max_size: int) -> None:
    sizes = Fragmenter(max_size=max_size).sizes(TEXT, content)
    assert sum(sizes) == len(content)
    assert all(sizes) or content == b""


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"max_size": 0}, ValueError),
        ({"max_size": -1}, ValueError),
        ({"max_size": 1.5}, TypeError),
        ({"max_size": True}, TypeError),
        ({"cut_characters": 1}, TypeError),
    ],
)
def test_options_that_mean_nothing_are_refused(
    options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=next(iter(options))):
        Fragmenter(**options)


def test_sizes_that_mean_nothing_are_refused() -> None:
    fragmenter = Fragmenter()
    with pytest.raises(ValueError, match="sizes in bytes"):
        fragmenter.sizes(TEXT, b"abc", [-1, 4])
    with pytest.raises(ValueError, match="Opcode"):
        fragmenter.sizes(3, b"abc")
    wrong: Any = "abc"
    with pytest.raises(TypeError):
        fragmenter.sizes(TEXT, wrong)
