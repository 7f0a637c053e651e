"""A frame that is half received or half sent, and what may follow it.

RFC 6455 section 5.5.1: nothing follows a Close.
"""

from __future__ import annotations

from typing import Any

import pytest

from relay_wires import CLOSE_1000, THROUGH, Through, injected, sent
from wire_writer import BINARY, PING, TEXT, close_frame, fragments, frame
from wsdefrag import (
    Incomplete,
    PassThroughRelay,
    ProtocolViolation,
    WebSocketMessage,
)


class TestBehindAClose:
    """RFC 6455 section 5.5.1: nothing follows a Close."""

    @pytest.mark.parametrize("begun", [1, 2, 4])
    def test_frame_that_was_coming_in_is_not_sent_after_a_close(self, begun: int) -> None:
        relay = PassThroughRelay(mode="frames", collect_up_to=1 << 40)
        wire = frame(TEXT, b"hello")
        relay.receive_data(wire[:begun], from_client=False)
        assert relay.send_close(1000, to_client=True)
        (message,) = relay.receive_data(wire[begun:], from_client=False)
        assert isinstance(message, WebSocketMessage)
        assert sent(relay) == CLOSE_1000
        assert relay.bytes_buffered == 0

    def test_fragment_that_was_coming_in_is_not_sent_after_a_close(self) -> None:
        relay = PassThroughRelay(mode="frames", collect_up_to=1 << 40)
        first, last = fragments(TEXT, [b"he", b"llo"])
        relay.receive_data(first + last[:3], from_client=False)
        assert relay.send_close(1000, to_client=True)
        relay.receive_data(last[3:] + frame(TEXT, b"more"), from_client=False)
        assert sent(relay) == first + CLOSE_1000

    def test_frame_that_is_passing_is_finished_before_a_close(self) -> None:
        relay = PassThroughRelay(mode="bytes", collect_up_to=1 << 40)
        wire = frame(TEXT, b"hello")
        relay.receive_data(wire[:3], from_client=False)
        assert relay.send_close(1000, to_client=True)
        relay.receive_data(wire[3:] + frame(TEXT, b"more"), from_client=False)
        assert sent(relay) == wire + CLOSE_1000


class TestFrameThatWillNeverBeWhole:
    """Only where bytes go as they come, and their sender stops inside a frame."""

    def broken_off(self, before: Any = None) -> PassThroughRelay:
        relay = PassThroughRelay(mode="bytes", collect_up_to=1 << 40)
        relay.receive_data(frame(TEXT, b"hello")[:4], from_client=False)
        if before:
            before(relay)
        (event,) = relay.receive_eof(from_client=False)
        assert isinstance(event, Incomplete)
        return relay

    def test_nothing_waits_for_its_end(self) -> None:
        relay = self.broken_off(lambda relay: relay.send_ping(b"x", to_client=True))
        assert sent(relay) == b"\x81\x05he"
        assert relay.bytes_buffered == 0

    def test_pings_are_refused(self) -> None:
        relay = self.broken_off()
        for put in (relay.send_ping, relay.send_pong):
            with pytest.raises(ValueError, match="never be finished"):
                put(b"x", to_client=True)
        assert not relay.send_close(1000, to_client=True)
        assert sent(relay) == b"\x81\x05he"
        assert relay.bytes_buffered == 0

    def test_controls_follow_its_last_byte_whatever_is_wrong_with_its_message(self) -> None:
        relay = PassThroughRelay(mode="bytes", collect_up_to=1 << 40)
        wire = frame(TEXT, b"hell\xc3")
        relay.receive_data(wire[:3], from_client=False)
        relay.send_ping(b"x", to_client=True)
        assert relay.send_close(1007, to_client=True)
        (event,) = relay.receive_data(wire[3:], from_client=False)
        assert isinstance(event, ProtocolViolation)
        assert sent(relay) == wire + frame(PING, b"x") + close_frame(1007)
        assert relay.bytes_buffered == 0

    def test_broken_off_between_frames_still_takes_controls(self) -> None:
        relay = PassThroughRelay(mode="bytes", collect_up_to=1 << 40)
        (first, _) = fragments(TEXT, [b"he", b"llo"])
        relay.receive_data(first, from_client=False)
        relay.receive_eof(from_client=False)
        relay.send_ping(b"x", to_client=True)
        assert relay.send_close(1000, to_client=True)
        assert sent(relay) == first + frame(PING, b"x") + CLOSE_1000


class TestMessageOfWhichNothingWasSent:
    """After it anything can be inserted, however its bytes were cut."""

    @pytest.mark.parametrize("cut", [0, 2, 4, 7])
    def test_messages_can_be_injected_where_its_only_frame_was_refused(self, cut: int) -> None:
        relay = PassThroughRelay(mode="frames", collect_up_to=1 << 40)
        wire = frame(TEXT, b"h\xffllo")
        events = relay.receive_data(wire[:cut], from_client=False)
        events += relay.receive_data(wire[cut:], from_client=False)
        assert [type(event) for event in events] == [ProtocolViolation]
        relay.inject(injected())
        assert relay.send_close(1007, to_client=True)
        assert sent(relay) == frame(BINARY, b"by the way") + close_frame(1007)

    def test_messages_do_not_wait_for_a_frame_that_was_not_begun_to_be_sent(self) -> None:
        relay = PassThroughRelay(mode="frames", collect_up_to=1 << 40)
        wire = frame(TEXT, b"hello")
        relay.receive_data(wire[:4], from_client=False)
        relay.inject(injected())
        assert sent(relay) == frame(BINARY, b"by the way")
        relay.receive_data(wire[4:], from_client=False)
        assert sent(relay) == wire

    @pytest.mark.parametrize("mode", THROUGH)
    def test_messages_wait_for_one_that_was_begun_to_be_sent(self, mode: Through) -> None:
        relay = PassThroughRelay(mode=mode, collect_up_to=1 << 40)
        first, last = fragments(TEXT, [b"he", b"llo"])
        relay.receive_data(first, from_client=False)
        relay.inject(injected())
        assert sent(relay) == first
        relay.receive_data(last, from_client=False)
        assert sent(relay) == last + frame(BINARY, b"by the way")
