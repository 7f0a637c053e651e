"""Limits: exactly the limit passes, one more is refused, None switches a limit off."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import wsdefrag
from wire_writer import (
    BINARY,
    KEY,
    PING,
    TEXT,
    Deflater,
    deflate,
    deflated_zeros,
    fragments,
    frame,
)
from wsdefrag import DeflateParams, LimitExceeded, Limits, MessageReassembler, WebSocketDirection

MIB = 1 << 20


def _refused(
    wire: bytes, limits: Limits | None, *, agreed: DeflateParams | None = None
) -> LimitExceeded:
    """The error that `wire` ends in, the same at once and byte by byte."""
    found: list[LimitExceeded] = []
    for size in (len(wire), 1):
        direction = WebSocketDirection(from_client=False, limits=limits, deflate=agreed)
        for start in range(0, len(wire), size):
            direction.receive_data(wire[start : start + size])
        assert isinstance(direction.error, LimitExceeded)
        found.append(direction.error)
    assert vars(found[0]) == vars(found[1])
    assert str(found[0]) == str(found[1])
    return found[0]


def _accepted(
    wire: bytes, limits: Limits | None, *, agreed: DeflateParams | None = None
) -> list[bytes]:
    reassembler = MessageReassembler(from_client=False, limits=limits, deflate=agreed)
    contents = [message.content for message in reassembler.receive_data(wire)]
    reassembler.receive_eof()
    return contents


def test_defaults_are_64_mib_and_16384_fragments() -> None:
    assert Limits() == Limits(
        max_frame_size=64 * MIB,
        max_message_size=64 * MIB,
        max_fragments=16_384,
        max_inflate_ratio=None,
    )


@pytest.mark.parametrize(
    "name", ["max_frame_size", "max_message_size", "max_fragments", "max_inflate_ratio"]
)
def test_limit_out_of_range_is_a_value_error(name: str) -> None:
    wrong: tuple[Any, ...] = (0, -1, float("nan")) if name == "max_inflate_ratio" else (0, -1)
    for value in wrong:
        with pytest.raises(ValueError, match=name):
            Limits(**{name: value})
    not_numbers: tuple[Any, ...] = ("64", b"1", [1])
    for value in not_numbers:
        with pytest.raises(TypeError, match=name):
            Limits(**{name: value})


def test_limits_are_frozen_equal_by_value_and_picklable() -> None:
    limits = Limits(max_frame_size=5, max_inflate_ratio=2.5)
    assert pickle.loads(pickle.dumps(limits)) == limits
    assert len({limits, dataclasses.replace(limits)}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        limits.max_frame_size = 6  # type: ignore[misc]
    with pytest.raises(TypeError):
        Limits(5)  # type: ignore[call-arg]


def test_default_frame_limit_is_inclusive() -> None:
    exact = b"\x82\x7f" + (64 * MIB).to_bytes(8, "big")
    reassembler = MessageReassembler(from_client=False)
    reassembler.receive_data(exact)
    assert reassembler.error is None
    error = _refused(b"\x82\x7f" + (64 * MIB + 1).to_bytes(8, "big"), None)
    assert (error.kind, error.value, error.requested) == (
        "max_frame_size",
        64 * MIB,
        64 * MIB + 1,
    )


@pytest.mark.parametrize("limit", [1, 125, 126, 1000, 65535, 65536])
@pytest.mark.parametrize("name", ["max_frame_size", "max_message_size"])
def test_size_limit_is_inclusive(name: str, limit: int) -> None:
    limits = Limits(**{name: limit})
    assert _accepted(frame(BINARY, bytes(limit)) * 2, limits) == [bytes(limit)] * 2
    error = _refused(frame(PING) + frame(BINARY, bytes(limit + 1)), limits)
    assert (error.kind, error.value, error.requested, error.offset) == (name, limit, limit + 1, 2)
    assert error.close_code == 1009


@pytest.mark.parametrize("name", ["max_frame_size", "max_message_size"])
def test_size_limit_is_checked_before_the_payload_arrives(name: str) -> None:
    header = frame(BINARY, bytes(11), key=KEY)[:6]
    reassembler = MessageReassembler(from_client=True, limits=Limits(**{name: 10}))
    assert reassembler.receive_data(header) == []
    assert isinstance(reassembler.error, LimitExceeded)
    assert reassembler.error.requested == 11


def test_frame_limit_is_for_each_frame_alone() -> None:
    limits = Limits(max_frame_size=10)
    wire = b"".join(fragments(BINARY, [bytes(10)] * 5))
    assert _accepted(wire, limits) == [bytes(50)]


def test_frame_limit_counts_compressed_bytes_on_the_wire() -> None:
    payload = deflate(bytes(5000))
    wire = frame(BINARY, payload, rsv1=True)
    agreed = DeflateParams()
    exact, short = Limits(max_frame_size=len(payload)), Limits(max_frame_size=len(payload) - 1)
    assert _accepted(wire, exact, agreed=agreed) == [bytes(5000)]
    assert _refused(wire, short, agreed=agreed).requested == len(payload)


def test_frame_limit_of_one_byte_spares_control_frames() -> None:
    assert _accepted(frame(PING, bytes(125)) + b"\x81\x01a", Limits(max_frame_size=1)) == [b"a"]


def test_message_limit_counts_all_fragments() -> None:
    limits = Limits(max_message_size=10)
    assert _accepted(b"".join(fragments(TEXT, [b"12345", b"", b"67890"])), limits) == [
        b"1234567890"
    ]
    error = _refused(b"".join(fragments(TEXT, [b"12345", b"", b"678901"])), limits)
    assert (error.kind, error.requested, error.offset) == ("max_message_size", 11, 9)


@pytest.mark.parametrize("limit", [1, 2, 16, 16_384])
def test_fragment_limit_is_inclusive_and_counts_empty_ones(limit: int) -> None:
    limits = Limits(max_fragments=limit)
    assert _accepted(b"".join(fragments(TEXT, [b""] * limit)) * 2, limits) == [b"", b""]
    error = _refused(b"".join(fragments(TEXT, [b""] * (limit + 1))), limits)
    assert (error.kind, error.value, error.requested) == ("max_fragments", limit, limit + 1)
    assert error.offset == 2 * limit


def test_fragment_limit_does_not_count_control_frames() -> None:
    wire = b"".join(fragments(TEXT, [b"a", b"b"], between=[frame(PING) * 50]))
    assert _accepted(wire, Limits(max_fragments=2)) == [b"ab"]


@pytest.mark.parametrize("size", [1, 100, 70_000])
@pytest.mark.parametrize("takeover", [True, False])
def test_message_limit_is_inclusive_while_inflating(size: int, takeover: bool) -> None:
    sender = Deflater(takeover=takeover)
    agreed = DeflateParams(server_no_context_takeover=not takeover)
    first = frame(BINARY, sender.compress(bytes(size)), rsv1=True)
    exact = first + frame(BINARY, sender.compress(bytes(size)), rsv1=True)
    limits = Limits(max_message_size=size)
    assert _accepted(exact, limits, agreed=agreed) == [bytes(size)] * 2
    sender = Deflater(takeover=takeover)
    first = frame(BINARY, sender.compress(bytes(size)), rsv1=True)
    over = first + frame(BINARY, sender.compress(bytes(size + 1)), rsv1=True)
    error = _refused(over, limits, agreed=agreed)
    assert (error.kind, error.value, error.offset) == ("max_message_size", size, len(first))
    assert error.requested > size


def test_message_limit_while_inflating_names_the_frame_that_exceeds_it() -> None:
    parts = deflated_zeros(4)
    frames = fragments(BINARY, parts, rsv1=True, between=[frame(PING)] * 3)
    error = _refused(b"".join(frames), Limits(max_message_size=2 * MIB), agreed=DeflateParams())
    assert error.kind == "max_message_size"
    assert error.offset == sum(map(len, frames[:4]))


def test_inflate_ratio_is_inclusive() -> None:
    payload = deflate(bytes(10_000))
    wire = frame(BINARY, payload, rsv1=True)
    ratio = 10_000 / len(payload)
    agreed = DeflateParams()
    assert _accepted(wire * 2, Limits(max_inflate_ratio=1000), agreed=agreed)[0] == bytes(10_000)
    assert _accepted(wire, Limits(max_inflate_ratio=ratio + 0.01), agreed=agreed) == [bytes(10_000)]
    error = _refused(wire, Limits(max_inflate_ratio=ratio - 0.01), agreed=agreed)
    assert (error.kind, error.value) == ("max_inflate_ratio", ratio - 0.01)
    assert error.offset == 0
    assert error.close_code == 1009


def test_inflate_ratio_is_that_of_the_message_so_far() -> None:
    dull, dense = bytes(range(256)) * 4, bytes(4000)
    compressor = Deflater(level=9)
    one = compressor.compress(dull) + b"\0\0\xff\xff"
    two = compressor.compress(dense)
    ratio = (len(dull) + len(dense)) / (len(one) + len(two)) + 0.01
    assert ratio < len(dense) / len(two)
    wire = b"".join(fragments(BINARY, [one, two], rsv1=True))
    accepted = _accepted(wire, Limits(max_inflate_ratio=ratio), agreed=DeflateParams())
    assert accepted == [dull + dense]


def test_inflate_ratio_leaves_plain_messages_alone() -> None:
    limits = Limits(max_inflate_ratio=0.001)
    assert _accepted(frame(BINARY, bytes(500)), limits, agreed=DeflateParams()) == [bytes(500)]


HUGE = b"\x82\x7f" + (1 << 62).to_bytes(8, "big")


@pytest.mark.parametrize(
    ("name", "others", "wire"),
    [
        ("max_frame_size", {"max_message_size": None}, HUGE),
        ("max_message_size", {"max_frame_size": None}, HUGE),
        ("max_fragments", {}, b"\x01\x00" + bytes(2) * 16_384),
    ],
)
def test_limit_of_none_is_off(name: str, others: dict[str, None], wire: bytes) -> None:
    assert _refused(wire, Limits(**others)).kind == name
    off = Limits(**others, **{name: None})
    reassembler = MessageReassembler(from_client=False, limits=off)
    reassembler.receive_data(wire)
    assert reassembler.error is None


def test_limits_hold_for_each_direction_of_a_connection() -> None:
    connection = wsdefrag.WebSocketConnection(limits=Limits(max_message_size=3))
    writers: list[tuple[bool, Callable[[bytes], bytes]]] = [
        (True, lambda payload: frame(TEXT, payload, key=KEY)),
        (False, lambda payload: frame(TEXT, payload)),
    ]
    for from_client, write in writers:
        (event,) = connection.receive_data(write(b"abc"), from_client=from_client)
        assert isinstance(event, wsdefrag.WebSocketMessage)
        (event,) = connection.receive_data(write(b"abcd"), from_client=from_client)
        assert isinstance(event, wsdefrag.ProtocolViolation)
        assert isinstance(event.error, LimitExceeded)


def test_frame_decoder_keeps_only_the_frame_limit() -> None:
    limits = Limits(max_frame_size=4, max_message_size=5, max_fragments=1)
    decoder = wsdefrag.FrameDecoder(from_client=False, limits=limits)
    assert len(decoder.receive_data(b"".join(fragments(TEXT, [b"1234"] * 3)))) == 3
    decoder.receive_data(frame(TEXT, b"12345"))
    assert isinstance(decoder.error, LimitExceeded)
    assert (decoder.error.kind, decoder.error.offset) == ("max_frame_size", 18)
