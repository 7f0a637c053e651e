"""Messages as lines: escapes, widths, colours, and the complete content in JSON."""

from __future__ import annotations

import ast
import base64
import json
import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminal_columns import terminal_columns
from wsdefrag import Opcode, WebSocketMessage
from wsdefrag.cli.output.render import TextLines, json_line
from wsdefrag.formats.shown import escaped, shown_binary, shown_text

ROOMS = st.integers(min_value=3, max_value=40)

# Much of what Unicode has is printable; these are not, or are wide, or are the escape itself.
ODD = st.text(st.sampled_from("\\\n\r\t\x00\x1b\x7f\x9b\u202e\u2028\ufeff\ud7ff水👋é\u0301ab "))
TEXTS = st.one_of(st.text(), ODD)


def message(content: bytes, type: Opcode = Opcode.TEXT) -> WebSocketMessage:
    return WebSocketMessage(type, True, content, 1.5)


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (b"", ""),
        (b"plain", "plain"),
        ("grün €".encode(), "grün €"),
        (b"two\r\nlines", r"two\r\nlines"),
        (b"\x1b[2J\x07\x7f", r"\x1b[2J\x07\x7f"),
        ("\x9b31m".encode(), r"\x9b31m"),
        ("\u202egnp.exe".encode(), r"\u202egnp.exe"),
        ("a\u2028b\ufeff".encode(), r"a\u2028b\ufeff"),
        ("\U000e0041".encode(), r"\U000e0041"),
        (rb"C:\new", r"C:\\new"),
        (b"caf\xe9", r"caf\xe9"),
        (b"cut \xe2\x82", r"cut \xe2\x82"),
        (b"\xed\xa0\x80", r"\xed\xa0\x80"),
    ],
)
def test_unprintable_is_escaped(content: bytes, shown: str) -> None:
    assert shown_text(content, 80) == shown


@pytest.mark.parametrize(
    ("content", "room", "shown"),
    [
        ("x" * 10, 10, "x" * 10),
        ("x" * 11, 10, "xxxxxxx..."),
        ("é" * 10, 10, "é" * 10),
        ("é" * 11, 10, "ééééééé..."),
        ("水" * 5, 10, "水" * 5),
        ("水" * 6, 10, "水水水..."),  # half a character cannot be shown
        ("\n" * 5, 10, r"\n\n\n\n\n"),
        ("\n" * 6, 10, r"\n\n\n..."),  # nor half an escape
        ("😀" * 1000, 11, "😀😀😀😀..."),
    ],
)
def test_text_is_cut_between_characters(content: str, room: int, shown: str) -> None:
    assert shown_text(content.encode(), room) == shown


@pytest.mark.parametrize(
    ("size", "room", "shown"),
    [(0, 10, ""), (5, 10, "ab" * 5), (6, 10, "ababab..."), (6, 11, "abababab..."), (6, 3, "...")],
)
def test_binary_is_cut_between_bytes(size: int, room: int, shown: str) -> None:
    assert shown_binary(b"\xab" * size, room) == shown


@given(content=st.one_of(TEXTS.map(str.encode), st.binary()), room=ROOMS)
def test_shown_text_is_printable_and_fits(content: bytes, room: int) -> None:
    shown = shown_text(content, room)
    assert shown.isprintable()
    assert terminal_columns(shown) <= room


@given(text=TEXTS)
def test_shown_text_can_be_read_back(text: str) -> None:
    for shown in (shown_text(text.encode(), 10_000), escaped(text)):
        assert ast.literal_eval('"' + shown.replace('"', '\\"') + '"') == text


@given(text=TEXTS, room=ROOMS)
def test_cut_text_begins_as_the_whole_does(text: str, room: int) -> None:
    shown, whole = shown_text(text.encode(), room), escaped(text)
    if terminal_columns(whole) <= room:
        assert shown == whole
    else:
        assert shown.endswith("...")
        assert whole.startswith(shown[:-3])
        # The next character would not have fitted; the widest is an escape of ten columns.
        assert terminal_columns(shown) > room - 10


@pytest.mark.parametrize(
    "content", [b"x" * (8 << 20), "水".encode() * (3 << 20), b"\0" * (8 << 20)]
)
def test_only_what_is_shown_is_looked_at(content: bytes) -> None:
    tracemalloc.start()
    try:
        shown_text(content, 80)
        shown_binary(content, 80)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@given(text=TEXTS)
def test_json_text_is_kept(text: str) -> None:
    line = json_line(message(text.encode()))
    assert json.loads(line)["text"] == text
    assert line.endswith("}\n")
    assert len(line.splitlines()) == 1  # which knows more line ends than "\n"
    assert not re.search("[\x00-\x09\x0b-\x1f\x80-\x9f]", line)


@given(content=st.binary())
def test_json_bytes_are_kept(content: bytes) -> None:
    entry = json.loads(json_line(message(content, Opcode.BINARY)))
    assert base64.b64decode(entry["content"], validate=True) == content
    assert list(entry) == [
        "type", "from_client", "timestamp", "text", "content", "dropped", "injected"
    ]  # fmt: skip


@pytest.mark.parametrize("content", [b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"half \xe2\x82"])
def test_json_invents_no_text(content: bytes) -> None:
    entry = json.loads(json_line(message(content)))
    assert (entry["type"], base64.b64decode(entry["content"])) == ("text", content)
    assert entry["text"] is None


def test_json_has_the_values_of_the_message() -> None:
    one = WebSocketMessage(Opcode.TEXT, False, b"x", 1700000000.123456, dropped=True, injected=True)
    assert json.loads(json_line(one)) == {
        "type": "text",
        "from_client": False,
        "timestamp": 1700000000.123456,
        "text": "x",
        "content": None,
        "dropped": True,
        "injected": True,
    }


def test_colours_add_nothing_but_escape_codes() -> None:
    plain, coloured = (TextLines(60, colours=colours) for colours in (False, True))
    for content in (b"x" * 100, b"", "水\x1b".encode()):
        for type in (Opcode.TEXT, Opcode.BINARY):
            line = coloured(message(content, type))
            assert re.sub(r"\x1b\[\d+m", "", line) == plain(message(content, type))
            assert line.count("\x1b") == 4


def test_time_of_day_follows_the_message() -> None:
    lines = TextLines(80, colours=False)
    times = [
        lines(WebSocketMessage(Opcode.TEXT, True, b"", second)).split()[1]
        for second in (60.0, 60.0, 61.25, 60.0)
    ]
    assert times[0] == times[1] == times[3]
    assert times[2].endswith(":01.250")


def test_narrow_terminal_still_shows_some_content() -> None:
    line = TextLines(1, colours=False)(message(b"x" * 100))
    assert line.endswith(" xxxxxxxxxxxxx...\n")
