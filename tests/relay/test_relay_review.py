"""WebSocketRelay where it is pressed: between two frames, behind an end, without memory.

Each of these is a way in which bytes of the one side could reach the other as what they were not,
in which something held is never given back, or in which what was said did not happen.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import Any, Literal

import pytest

from wire_writer import (
    BINARY,
    PING,
    TEXT,
    Deflater,
    close_frame,
    fragments,
    frame,
    read_frames,
)
from wsdefrag import (
    Budget,
    DeflateParams,
    Fragmenter,
    Incomplete,
    Limits,
    MessageReassembler,
    Opcode,
    Ping,
    ProtocolViolation,
    Strictness,
    WebSocketMessage,
    WebSocketRelay,
)

Through = Literal["frames", "cut-through"]
THROUGH: tuple[Through, ...] = ("frames", "cut-through")
LAX = Strictness(mask_direction=False, minimal_length=False, reserved_bits=False, close_codes=False)
CLOSE_1000 = b"\x88\x02\x03\xe8"


def injected(content: bytes = b"by the way") -> WebSocketMessage:
    return WebSocketMessage(Opcode.BINARY, False, content)


def sent(relay: WebSocketRelay) -> bytes:
    return relay.data_to_send(to_client=True)


def contents(wire: bytes, deflate: DeflateParams | None = None) -> list[bytes]:
    reader = MessageReassembler(from_client=False, deflate=deflate)
    return [message.content for message in reader.receive_data(wire)]


class TestBehindAClose:
    """RFC 6455 section 5.5.1: nothing follows a Close."""

    @pytest.mark.parametrize("begun", [1, 2, 4])
    def test_frame_that_was_coming_in_is_not_sent_behind_a_close(self, begun: int) -> None:
        relay = WebSocketRelay(mode="frames")
        wire = frame(TEXT, b"hello")
        relay.receive_data(wire[:begun], from_client=False)
        assert relay.close(1000, to_client=True)
        (message,) = relay.receive_data(wire[begun:], from_client=False)
        assert isinstance(message, WebSocketMessage)
        assert sent(relay) == CLOSE_1000
        assert relay.bytes_buffered == 0

    def test_fragment_that_was_coming_in_is_not_sent_behind_a_close(self) -> None:
        relay = WebSocketRelay(mode="frames")
        first, last = fragments(TEXT, [b"he", b"llo"])
        relay.receive_data(first + last[:3], from_client=False)
        assert relay.close(1000, to_client=True)
        relay.receive_data(last[3:] + frame(TEXT, b"more"), from_client=False)
        assert sent(relay) == first + CLOSE_1000

    def test_frame_that_is_passing_is_finished_before_a_close(self) -> None:
        relay = WebSocketRelay(mode="cut-through")
        wire = frame(TEXT, b"hello")
        relay.receive_data(wire[:3], from_client=False)
        assert relay.close(1000, to_client=True)
        relay.receive_data(wire[3:] + frame(TEXT, b"more"), from_client=False)
        assert sent(relay) == wire + CLOSE_1000


class TestFrameThatWillNeverBeWhole:
    """Only where bytes go as they come, and their sender stops inside a frame."""

    def broken_off(self, before: Any = None) -> WebSocketRelay:
        relay = WebSocketRelay(mode="cut-through")
        relay.receive_data(frame(TEXT, b"hello")[:4], from_client=False)
        if before:
            before(relay)
        (event,) = relay.receive_eof(from_client=False)
        assert isinstance(event, Incomplete)
        return relay

    def test_nothing_waits_for_its_end(self) -> None:
        relay = self.broken_off(lambda relay: relay.ping(b"x", to_client=True))
        assert sent(relay) == b"\x81\x05he"
        assert relay.bytes_buffered == 0

    def test_pings_are_refused(self) -> None:
        relay = self.broken_off()
        for put in (relay.ping, relay.pong):
            with pytest.raises(ValueError, match="never be finished"):
                put(b"x", to_client=True)
        assert not relay.close(1000, to_client=True)
        assert sent(relay) == b"\x81\x05he"
        assert relay.bytes_buffered == 0

    def test_controls_follow_its_last_byte_whatever_is_wrong_with_its_message(self) -> None:
        relay = WebSocketRelay(mode="cut-through")
        wire = frame(TEXT, b"hell\xc3")
        relay.receive_data(wire[:3], from_client=False)
        relay.ping(b"x", to_client=True)
        assert relay.close(1007, to_client=True)
        (event,) = relay.receive_data(wire[3:], from_client=False)
        assert isinstance(event, ProtocolViolation)
        assert sent(relay) == wire + frame(PING, b"x") + close_frame(1007)
        assert relay.bytes_buffered == 0

    def test_broken_off_between_frames_still_takes_controls(self) -> None:
        relay = WebSocketRelay(mode="cut-through")
        (first, _) = fragments(TEXT, [b"he", b"llo"])
        relay.receive_data(first, from_client=False)
        relay.receive_eof(from_client=False)
        relay.ping(b"x", to_client=True)
        assert relay.close(1000, to_client=True)
        assert sent(relay) == first + frame(PING, b"x") + CLOSE_1000


class TestMessageOfWhichNothingWasSent:
    """Behind it anything can be put in, however its bytes were cut."""

    @pytest.mark.parametrize("cut", [0, 2, 4, 7])
    def test_messages_can_be_injected_where_its_only_frame_was_refused(self, cut: int) -> None:
        relay = WebSocketRelay(mode="frames")
        wire = frame(TEXT, b"h\xffllo")
        events = relay.receive_data(wire[:cut], from_client=False)
        events += relay.receive_data(wire[cut:], from_client=False)
        assert [type(event) for event in events] == [ProtocolViolation]
        relay.inject(injected())
        assert relay.close(1007, to_client=True)
        assert sent(relay) == frame(BINARY, b"by the way") + close_frame(1007)

    def test_messages_do_not_wait_for_a_frame_that_was_not_begun_to_be_sent(self) -> None:
        relay = WebSocketRelay(mode="frames")
        wire = frame(TEXT, b"hello")
        relay.receive_data(wire[:4], from_client=False)
        relay.inject(injected())
        assert sent(relay) == frame(BINARY, b"by the way")
        relay.receive_data(wire[4:], from_client=False)
        assert sent(relay) == wire

    @pytest.mark.parametrize("mode", THROUGH)
    def test_messages_wait_for_one_that_was_begun_to_be_sent(self, mode: Through) -> None:
        relay = WebSocketRelay(mode=mode)
        first, last = fragments(TEXT, [b"he", b"llo"])
        relay.receive_data(first, from_client=False)
        relay.inject(injected())
        assert sent(relay) == first
        relay.receive_data(last, from_client=False)
        assert sent(relay) == last + frame(BINARY, b"by the way")


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
        relay = WebSocketRelay(mode=mode, strictness=LAX)
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
        assert relay.server.recompresses
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
        assert not relay.server.recompresses


class TestRecord:
    def test_injected_message_of_a_subclass_is_kept(self) -> None:
        class Note(WebSocketMessage):
            pass

        relay = WebSocketRelay()
        note = Note(Opcode.TEXT, False, b"by the way")
        relay.inject(note)
        assert relay.websocket.messages == [note]
        assert note.injected

    def test_flags_of_a_subclass_are_set_without_its_consent(self) -> None:
        """Python code that ran here, and raised, would leave the books half written."""

        class Stubborn(WebSocketMessage):
            def __setattr__(self, name: str, value: object) -> None:
                if name in {"injected", "dropped"} and value:
                    raise KeyboardInterrupt
                super().__setattr__(name, value)

        budget = Budget(1000)
        relay = WebSocketRelay(mode="cut-through", budget=budget)
        relay.receive_data(fragments(TEXT, [b"he", b"llo"])[0], from_client=False)
        notes = [Stubborn(Opcode.TEXT, False, b"by the way") for _ in range(3)]
        for note in notes:
            relay.inject(note)
        assert relay.close(1000, to_client=True)
        assert all(note.injected and note.dropped for note in notes)
        assert sent(relay) == b"\x01\x02he" + CLOSE_1000
        assert budget.bytes_held == relay.bytes_buffered == 2


class TestInterrupts:
    """What an exception kept back comes later, and nothing is charged for what is gone."""

    def test_books_are_right_when_the_end_could_not_be_told(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        budget = Budget(1000)
        relay = WebSocketRelay(budget=budget)
        relay.receive_data(frame(TEXT, b"hello")[:5], from_client=False)
        assert budget.bytes_held > 0

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Incomplete, "__init__", interrupted)
            with pytest.raises(KeyboardInterrupt):
                relay.receive_eof(from_client=False)
        assert budget.bytes_held == relay.bytes_buffered == 0
        (event,) = relay.receive_eof(from_client=False)
        assert isinstance(event, Incomplete)

    def test_waiting_message_that_was_sent_is_not_said_to_be_dropped(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        relay = WebSocketRelay(mode="cut-through")
        first, last = fragments(TEXT, [b"he", b"llo"])
        relay.receive_data(first, from_client=False)
        early, late = injected(b"early"), injected(b"late")
        relay.inject(early)

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Ping, "__init__", interrupted)
            with pytest.raises(KeyboardInterrupt):
                relay.receive_data(last + frame(PING) + first, from_client=False)
        relay.inject(late)
        assert relay.close(1000, to_client=True)
        assert (early.dropped, late.dropped) == (False, True)
        expected = first + last + frame(BINARY, b"early") + frame(PING) + first + CLOSE_1000
        assert sent(relay) == expected

    @pytest.mark.skipif(find_spec("_testcapi") is None, reason="CPython's own tests' module")
    def test_message_that_there_was_no_memory_for_does_not_shift_the_others(self) -> None:
        """Each of the first allocations fails once; what is forwarded is what came, or nothing."""
        subprocess.run([sys.executable, "-c", NO_MEMORY], check=True, timeout=120)


NO_MEMORY = r"""
import _testcapi
import wsdefrag

contents = [bytes([65 + n]) * (20 + 600 * n) for n in range(5)]
head = lambda n: bytes([0x82]) + (bytes([n]) if n < 126 else b"\x7e" + n.to_bytes(2, "big"))
frames = [head(len(content)) + content for content in contents]
wire = frames[0] + frames[1] + b"\x89\x01x" + frames[2] + frames[3]
whole = {bytes(one) for one in frames} | {b"\x89\x01x"}
lost = 0
for nth in range(60):
    budget = wsdefrag.Budget(1 << 20)
    relay = wsdefrag.WebSocketRelay(retain="none", budget=budget)
    direction = relay.server
    failed = False
    _testcapi.set_nomemory(nth, nth + 1)
    try:
        events = direction.receive_events(wire, timestamp=1.0)
    except BaseException as error:
        # PyO3 itself turns some of them into a PanicException.
        failed = isinstance(error, MemoryError) or type(error).__name__ == "PanicException"
        assert failed, error
    _testcapi.remove_mem_hooks()
    if failed:
        events = direction.receive_events(frames[4], timestamp=1.0)
    for event in events:
        if isinstance(event, wsdefrag.ProtocolViolation):
            assert isinstance(event.error, wsdefrag.OutOfMemory)
            continue
        direction.forward(event)
        one = direction.data_to_send()
        assert one in whole, one
        if isinstance(event, wsdefrag.WebSocketMessage):
            assert one.endswith(event.content)
    lost += failed and 0 < len(events) < 5
    events = event = None
    assert budget.bytes_held == relay.bytes_buffered == 0
assert lost, "no message was ever lost"
"""


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
