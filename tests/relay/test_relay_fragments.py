"""Fragments of a compressed message keep their sizes, RSV1 its meaning; many cost no more."""

from __future__ import annotations

from typing import Any

import pytest

from relay_wires import LAX, THROUGH, contents, relay_of, sent
from wire_writer import BINARY, PING, TEXT, Deflater, fragments, frame, read_frames
from wsdefrag import (
    Budget,
    DeflateParams,
    Fragmenter,
    Limits,
    MessageReassembler,
    WebSocketMessage,
    WebSocketRelay,
)


class TestRsv1:
    """RFC 7692 section 6: RSV1 of a message means "compressed" where deflate was agreed on."""

    def test_tolerated_one_does_not_come_to_mean_something(self) -> None:
        relay = WebSocketRelay(deflate=DeflateParams(), server_deflate=None, strictness=LAX)
        wire = frame(TEXT, b"hello", rsv1=True, rsv2=True) + frame(PING, b"", rsv1=True)
        for event in relay.receive_data(wire, from_client=False):
            relay.forward(event)
        expected = frame(TEXT, b"hello", rsv2=True) + frame(PING, b"", rsv1=True)
        assert sent(relay) == expected

    @pytest.mark.parametrize("mode", ["messages", *THROUGH])
    def test_tolerated_one_stays_where_it_means_nothing(self, mode: Any) -> None:
        relay = relay_of(mode, strictness=LAX)
        wire = frame(TEXT, b"hello", rsv1=True)
        for event in relay.receive_data(wire, from_client=False):
            if mode == "messages":
                relay.forward(event)
        assert sent(relay) == wire


class TestFragmentsOfACompressedMessage:
    @pytest.mark.parametrize("between", [b"x", b""])
    @pytest.mark.parametrize("after", [0, 1, 2])
    def test_sizes_are_kept_with_a_ping_between_them(self, between: bytes, after: int) -> None:
        deflate = DeflateParams(server_no_context_takeover=True)
        parts = [b"hello", b"world", b"and", b"again"]
        deflater = Deflater()
        payloads = [deflater.compress(part) + b"\x00\x00\xff\xff" for part in parts]
        payloads[-1] = payloads[-1][:-4]
        frames = fragments(BINARY, payloads, rsv1=True)
        frames.insert(after + 1, frame(PING, between))
        relay = WebSocketRelay(deflate=deflate)
        *_, message = relay.receive_data(b"".join(frames), from_client=False)
        assert isinstance(message, WebSocketMessage)
        message.content = message.content.upper()
        relay.forward(message)
        wire = sent(relay)
        assert contents(wire, deflate) == [b"HELLOWORLDANDAGAIN"]
        reader = MessageReassembler(from_client=False, deflate=deflate)
        sizes, before = [], 0
        for one in read_frames(wire)[0][:-1]:
            reader.receive_data(wire[one.offset : one.end])
            sizes.append(reader.bytes_buffered - before)
            before = reader.bytes_buffered
        assert [*sizes, 18 - before] == [len(part) for part in parts]

    def test_payload_that_inflates_to_nothing_is_not_held_without_bound(self) -> None:
        """A stored block of no bytes takes five, and no limit on contents counts them."""
        limits = Limits(max_message_size=1000)
        relay = WebSocketRelay(deflate=DeflateParams(), limits=limits)
        blocks = b"\x00\x00\x00\xff\xff" * 10_000
        payloads = [blocks] * 20 + [Deflater().compress(b"hello")]
        for one in fragments(TEXT, [*payloads[:-1], b""], rsv1=True)[:-1]:
            assert relay.receive_data(one, from_client=False) == []
            assert relay.bytes_buffered < 2 * 1000
        last = frame(0, payloads[-1])
        (message,) = relay.receive_data(last, from_client=False)
        relay.forward(message)
        assert relay.from_server.recompresses
        wire = sent(relay)
        assert len(wire) < 1000
        assert contents(wire, DeflateParams()) == [b"hello"]
        assert relay.bytes_buffered == 0

    def test_payload_as_long_as_a_content_may_be_goes_on_as_it_came(self) -> None:
        deflater = Deflater(level=0)
        wire = frame(BINARY, deflater.compress(bytes(1000)), rsv1=True)
        limits = Limits(max_message_size=len(wire) - 4)
        relay = WebSocketRelay(deflate=DeflateParams(), limits=limits)
        (message,) = relay.receive_data(wire, from_client=False)
        relay.forward(message)
        assert sent(relay) == wire
        assert not relay.from_server.recompresses


class TestManyFragments:
    def test_looking_at_what_is_held_does_not_count_each_fragment(self) -> None:
        """The number is kept, or a fragment a chunk would cost the square of their number."""
        relay = WebSocketRelay(
            budget=Budget(1 << 20), limits=Limits(max_fragments=None), fragmenter=Fragmenter()
        )
        many = 2000
        wire = frame(TEXT, b"", fin=False) + frame(0, b"x", fin=False) * many
        relay.receive_data(wire, from_client=False)
        assert relay.bytes_buffered == 2 + 3 * many
        (message,) = relay.receive_data(frame(0, b""), from_client=False)
        assert relay.bytes_buffered == 2 + 3 * many + 2
        relay.forward(message)
        assert sent(relay) == wire + frame(0, b"")
        assert relay.bytes_buffered == 0
