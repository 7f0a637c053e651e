"""Hypothesis strategies for whole directions of a connection: valid ones, and broken copies.

A `Stream` is written frame by frame with `wire_writer` and remembers what must be read out of
it, which the property tests compare with what the package reads.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from wire_case import Case, Seen
from wire_writer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Deflater,
    LengthForm,
    close_frame,
    cut,
    frame,
)
from wsdefrag import DeflateParams, Limits, Strictness

CLOSE_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 4999)
"""Codes that may stand in a Close frame, without 1014, which one of the peers does not know."""

TIGHT = Limits(max_frame_size=64, max_message_size=200, max_fragments=4)


@dataclass(frozen=True)
class Written:
    """One frame as it was written: where it begins and ends, and what it said."""

    offset: int
    end: int
    opcode: int
    fin: bool
    rsv1: bool
    key: bytes | None
    payload: bytes


@dataclass(frozen=True)
class Stream:
    """One direction: its bytes, its parameters, its frames, and the events in them.

    `ends` has, for each event, the number of bytes after which it is complete.
    """

    wire: bytes
    from_client: bool
    deflate: DeflateParams | None
    frames: tuple[Written, ...]
    events: tuple[Seen, ...]
    ends: tuple[int, ...]

    def case(self) -> Case:
        """The stream as a wire case, for running it the way those are run."""
        return Case(
            "generated",
            self.wire,
            sees=self.events,
            from_client=self.from_client,
            deflate=self.deflate,
        )


class _Writer:
    """Writes a direction and keeps the record of it."""

    def __init__(self, from_client: bool, deflate: DeflateParams | None) -> None:
        self.from_client = from_client
        self.deflate = deflate
        self.wire = bytearray()
        self.frames: list[Written] = []
        self.events: list[Seen] = []
        self.ends: list[int] = []

    def frame(
        self,
        opcode: int,
        payload: bytes,
        key: bytes,
        *,
        fin: bool = True,
        rsv1: bool = False,
    ) -> None:
        offset = len(self.wire)
        used = key if self.from_client else None
        self.wire += frame(opcode, payload, fin=fin, rsv1=rsv1, key=used)
        written = Written(offset, len(self.wire), opcode, fin, rsv1, used, payload)
        self.frames.append(written)

    def event(self, seen: Seen) -> None:
        self.events.append(seen)
        self.ends.append(len(self.wire))

    def stream(self) -> Stream:
        return Stream(
            bytes(self.wire),
            self.from_client,
            self.deflate,
            tuple(self.frames),
            tuple(self.events),
            tuple(self.ends),
        )


keys = st.binary(min_size=4, max_size=4)
_letters = st.text("ab é€\N{GRINNING FACE}\0", max_size=40)
_texts = st.one_of(
    _letters,
    st.text(max_size=40),
    st.builds(lambda part, times: part * times, _letters, st.integers(1, 40)),
).map(lambda text: text.encode())
_binaries = st.one_of(
    st.binary(max_size=60),
    st.builds(lambda part, times: part * times, st.binary(max_size=9), st.integers(1, 40)),
    st.sampled_from([124, 125, 126, 127, 128, 255, 256]).map(bytes),
    st.sampled_from([65535, 65536]).map(bytes),
)
_pings = st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125), keys)


def deflates(bits: st.SearchStrategy[int] | None = None) -> st.SearchStrategy[DeflateParams]:
    """Agreed parameters: both takeover settings, and window bits from 8 to 15 or as given."""
    window = st.integers(8, 15) if bits is None else bits
    return st.builds(
        DeflateParams,
        server_no_context_takeover=st.booleans(),
        client_no_context_takeover=st.booleans(),
        server_max_window_bits=window,
        client_max_window_bits=window,
    )


def _deflater(from_client: bool, deflate: DeflateParams) -> Deflater:
    """A sender that keeps to the parameters of its own direction."""
    if from_client:
        bits, alone = deflate.client_max_window_bits, deflate.client_no_context_takeover
    else:
        bits, alone = deflate.server_max_window_bits, deflate.server_no_context_takeover
    return Deflater(bits, takeover=not alone)


@st.composite
def streams(
    draw: st.DrawFn,
    deflate: st.SearchStrategy[DeflateParams | None] | None = None,
    *,
    max_messages: int = 5,
    interleaved: bool = True,
    closed: bool = True,
) -> Stream:
    """A valid direction.

    Args:
        deflate: the agreed parameters; anything by default.
        max_messages: how many messages there are at most.
        interleaved: whether control frames stand between the fragments of a message.
        closed: whether it may end in a Close.
    """
    agreed = draw(st.none() | deflates() if deflate is None else deflate)
    writer = _Writer(draw(st.booleans()), agreed)
    sender = _deflater(writer.from_client, agreed) if agreed else None
    for _ in range(draw(st.integers(0, max_messages))):
        _control(draw, writer)
        _message(draw, writer, sender, interleaved)
    _control(draw, writer)
    if closed and draw(st.booleans()):
        code = draw(st.sampled_from(CLOSE_CODES))
        reason = draw(st.text(max_size=30))
        writer.frame(CLOSE, close_frame(code, reason.encode())[2:], draw(keys))
        writer.event(("close", code, reason))
    return writer.stream()


def _control(draw: st.DrawFn, writer: _Writer) -> None:
    for opcode, payload, key in draw(st.lists(_pings, max_size=2)):
        writer.frame(opcode, payload, key)
        writer.event(("ping" if opcode == PING else "pong", payload))


def _message(draw: st.DrawFn, writer: _Writer, sender: Deflater | None, interleaved: bool) -> None:
    opcode = draw(st.sampled_from([TEXT, BINARY]))
    content = draw(_texts if opcode == TEXT else _binaries)
    compressed = sender is not None and draw(st.booleans())
    payload = sender.compress(content) if sender is not None and compressed else content
    points = draw(st.lists(st.integers(0, len(payload)), max_size=4))
    parts = cut(payload, points)
    for index, part in enumerate(parts):
        if index and interleaved:
            _control(draw, writer)
        writer.frame(
            opcode if index == 0 else CONTINUATION,
            part,
            draw(keys),
            fin=index == len(parts) - 1,
            rsv1=compressed and index == 0,
        )
    writer.event(("text" if opcode == TEXT else "binary", content))


@st.composite
def loose_frames(draw: st.DrawFn) -> bytes:
    """One frame of any kind: any first byte, any length form, any mask, valid or not."""
    payload = draw(st.binary(max_size=20))
    form: LengthForm | None = draw(st.sampled_from([None, 7, 16, 64]))
    announced = draw(st.none() | st.integers(0, 127 if form == 7 else 40)) if form else None
    written = frame(0, payload, key=draw(st.none() | keys), form=form, announced=announced)
    first = draw(st.sampled_from([0x01, 0x80, 0x81, 0x82, 0x88, 0x89]) | st.integers(0, 255))
    return bytes([first]) + written[1:]


@st.composite
def broken(draw: st.DrawFn, wire: bytes) -> bytes:
    """A copy of `wire` with one to three places changed, taken out, doubled or cut off."""
    damaged = bytearray(wire)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(damaged) - 1, 0)))
        size = draw(st.integers(1, 6))
        match draw(st.sampled_from(["flip", "set", "out", "twice", "in", "end"])):
            case "flip" if damaged:
                damaged[at] ^= 1 << draw(st.integers(0, 7))
            case "set" if damaged:
                damaged[at] = draw(st.sampled_from([0, 0x7E, 0x7F, 0x80, 0xFF, 0xC1, 0x88]))
            case "out":
                del damaged[at : at + size]
            case "twice":
                damaged[at:at] = damaged[at : at + size]
            case "in":
                damaged[at:at] = draw(loose_frames())
            case "end":
                del damaged[at:]
    return bytes(damaged)


@st.composite
def cuts(draw: st.DrawFn, wire: bytes) -> list[bytes]:
    """`wire` in chunks: at drawn places, or in chunks of one small size."""
    if draw(st.booleans()):
        step = draw(st.integers(1, 16))
        return [wire[start : start + step] for start in range(0, len(wire), step)]
    return cut(wire, draw(st.lists(st.integers(0, len(wire)), max_size=12)))


cases = st.builds(
    Case,
    name=st.just("drawn"),
    wire=st.just(b""),
    from_client=st.booleans(),
    deflate=st.none() | deflates(),
    limits=st.sampled_from([None, TIGHT, Limits(max_inflate_ratio=3.0)]),
    strictness=st.builds(
        Strictness,
        mask_direction=st.booleans(),
        minimal_length=st.booleans(),
        reserved_bits=st.booleans(),
        close_codes=st.booleans(),
        utf8=st.booleans(),
        no_context_takeover=st.booleans(),
        empty_compressed_payload=st.booleans(),
        deflate_tail=st.booleans(),
    ),
)
"""A reader's options, for bytes that are drawn besides."""
