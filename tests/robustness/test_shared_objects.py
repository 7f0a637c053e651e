"""Threads that use one object at the same time: one works, the others get a RuntimeError."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import wsdefrag
from wire_writer import BINARY, frame
from wsdefrag.capture import Capture

BIG = 64 << 20
"""So much is unmasked or masked without the GIL that another thread finds the object in use."""

WIRE = frame(BINARY, bytes(BIG))


def shared_encoder() -> Callable[[], object]:
    encoder = wsdefrag.FrameEncoder(from_client=True)
    content = bytes(BIG)
    return lambda: encoder.binary(content)


def shared_reassembler() -> Callable[[], object]:
    reassembler = wsdefrag.MessageReassembler(
        from_client=False, limits=wsdefrag.Limits(max_message_size=None, max_frame_size=None)
    )
    return lambda: reassembler.receive_data(WIRE)


def shared_direction() -> Callable[[], object]:
    direction = wsdefrag.WebSocketDirection(from_client=False)
    return lambda: direction.receive_data(WIRE)


def shared_connection() -> Callable[[], object]:
    connection = wsdefrag.WebSocketConnection(retain=0)
    return lambda: connection.receive_data(WIRE, from_client=False)


def shared_relay() -> Callable[[], object]:
    relay = wsdefrag.WebSocketRelay(retain=0)
    return lambda: relay.receive_data(WIRE, from_client=False)


def shared_decoder() -> Callable[[], object]:
    decoder = wsdefrag.FrameDecoder(from_client=False)
    return lambda: decoder.receive_data(WIRE)


NAMES = {
    "FrameEncoder": shared_encoder,
    "MessageReassembler": shared_reassembler,
    "WebSocketDirection": shared_direction,
    "WebSocketConnection": shared_connection,
    "WebSocketRelay": shared_relay,
    "FrameDecoder": shared_decoder,
}


@pytest.mark.parametrize("name", NAMES)
def test_second_thread_gets_a_runtime_error(name: str) -> None:
    use = NAMES[name]()
    raised: list[BaseException] = []
    enough = threading.Event()

    def work() -> None:
        try:
            while not enough.is_set():
                use()
        except BaseException as error:
            raised.append(error)
        finally:
            enough.set()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = f"this {name} is in use by another call: only one thread may use it at a time"
    assert {(type(error), str(error)) for error in raised} == {(RuntimeError, text)}


def test_reader_of_a_capture_says_the_same() -> None:
    text = "this CaptureReader is in use by another call: only one thread may use it at a time"
    refused: list[str] = []

    class File(io.BytesIO):
        """A file whose ``read`` uses the reader that it is read by."""

        def read1(self, size: int | None = -1, /) -> bytes:
            for use in (reader.next_batch, lambda: next(iter(reader)), lambda: next(items)):
                with pytest.raises(RuntimeError) as caught:
                    use()
                refused.append(str(caught.value))
            return super().read1(size)

    content = Path("vectors/captures/demo.pcapng").read_bytes()
    with Capture(File(content)).read() as reader:
        items = iter(reader)
        assert sum(1 for _ in items) > 100
    assert set(refused) == {text}
