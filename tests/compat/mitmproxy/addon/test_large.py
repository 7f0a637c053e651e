"""Messages of 64 MiB, in chunks of 64 KiB, through a proxy of their own."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

import pytest

from addon_frames import finish
from addon_wires import Pair
from mitmdump import Mitmdump
from wire_writer import BINARY, CLOSE, KEY, fragments, frame, pieces
from wsdefrag.compat.mitmproxy import SCRIPT

MIB = 1 << 20
READ = 1 << 16


@pytest.fixture(scope="module")
def large() -> bytes:
    return random.Random(64).randbytes(64 * MIB)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    with Mitmdump(tmp_path_factory.mktemp("large"), [SCRIPT]) as started:
        yield started


@pytest.mark.parametrize("from_client", [True, False])
@pytest.mark.parametrize("fragmented", [False, True])
def test_64_mib_in_writes_of_64_kib_arrive(
    proxy: Mitmdump, large: bytes, from_client: bool, fragmented: bool
) -> None:
    key = KEY if from_client else None
    pair = Pair(proxy.port)
    sender, receiver = (pair.client, pair.server) if from_client else (pair.server, pair.client)
    contents = list(pieces(large, MIB)) if fragmented else [large]
    for wire in fragments(BINARY, contents, key=key):
        sender.send_while_reading(wire, READ, receiver)
    _, frames = receiver.message()
    assert [len(one.payload) for one in frames] == [len(one) for one in contents]
    assert {one.key for one in frames} == {key}
    digest = hashlib.sha256()
    for one in frames:
        digest.update(one.payload)
    assert digest.digest() == hashlib.sha256(large).digest()
    (message,) = finish(proxy, pair)["websocket"]["messages"]
    assert message[2] == large
    (event,) = [one for one in proxy.events(pair.path) if one["event"] == "message"]
    assert event["size"] == 64 * MIB
    assert event["content"] == hashlib.sha256(large).hexdigest()


def test_64_mib_and_a_byte_are_too_many(proxy: Mitmdump) -> None:
    pair = Pair(proxy.port)
    # The length in the header is enough; the proxy does not wait for the payload.
    pair.server.send(frame(BINARY, announced=64 * MIB + 1, form=64))
    (close,) = pair.client.rest()
    assert (close.opcode, close.payload[:2]) == (CLOSE, b"\x03\xf1")
    pair.close()
    flow = proxy.flow(pair.path)
    assert flow["websocket"]["close_code"] == 1009
    assert "67108864" in flow["error"]["msg"]
