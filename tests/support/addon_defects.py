"""Defects of mitmproxy's own WebSocket layer, and the right outcome with the addon.

Each scenario drives a client and a server byte by byte and returns what it observed: the received
frames and the contents of the flow file. ``right`` is the expected outcome; ``plain`` is the
outcome with mitmproxy 11.0.2 and 12.2.3 alone, and shows that the scenario can fail.

Numbers are those of RFC 6455 (sections 5.4, 5.5, 7) and RFC 7692 (sections 6 and 7).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from addon_frames import finish, inflated, payloads, seen
from addon_wires import Pair
from mitmdump import Mitmdump
from wire_writer import (
    BINARY,
    CLOSE,
    KEY,
    PING,
    TEXT,
    close_frame,
    deflate,
    deflated_zeros,
    fragments,
    frame,
)

PLAIN_RELEASES = ("11.0.2", "12.2.3")
"""Those whose own behaviour is written down here."""


DEFLATE = "permessage-deflate"


@dataclass(frozen=True)
class Defect:
    """One scenario.

    Attributes:
        name: what is wrong, in a few words.
        scenario: drives a connection through a proxy and returns what it observed.
        right: what it observes with the addon.
        plain: what it observes without the addon.
    """

    name: str
    scenario: Callable[[Mitmdump], Any]
    right: Any
    plain: Any


def edit_across_a_kept_border(proxy: Mitmdump) -> Any:
    """A text in two fragments becomes one of the same length, with a character on the border."""
    pair = Pair(proxy.port, rules=[{"when": "abcd", "do": "text", "to": "abc€de"}])
    pair.client.send(*fragments(TEXT, [b"abcd", b"efgh"], key=KEY))
    _, frames = pair.server.message()
    flow = finish(proxy, pair)
    return payloads(frames), flow["websocket"]["messages"][0][2]


def edit_across_a_new_border(proxy: Mitmdump) -> Any:
    """A text grows, and a character is on byte 4,000, where the text is cut."""
    text = "a" * 3999 + "€" * 2
    pair = Pair(proxy.port, rules=[{"when": "grow", "do": "text", "to": text}])
    pair.server.send(frame(TEXT, b"grow"))
    _, frames = pair.client.message()
    finish(proxy, pair)
    return [one[-12:] for one in payloads(frames)]


def inject_across_a_border(proxy: Mitmdump) -> Any:
    """The same for an injected text."""
    text = "a" * 3999 + "€" * 2
    rule = {"when": "now", "do": "inject", "to_client": True, "to": text}
    pair = Pair(proxy.port, rules=[rule])
    pair.client.send(frame(TEXT, b"now", key=KEY))
    _, frames = pair.client.message()
    finish(proxy, pair)
    return [one[-12:] for one in payloads(frames)]


def inject_into_half_a_message(proxy: Mitmdump) -> Any:
    """A text is injected while the first half of another one has arrived."""
    rule = {"when": "now", "do": "inject", "to_client": False, "to": "<in between>"}
    pair = Pair(proxy.port, rules=[rule])
    first, second = fragments(TEXT, [b"first half, ", b"second half"], key=KEY)
    pair.client.send(first)
    # When the ping after it has arrived, the first half has been read.
    pair.client.send(frame(PING, b"", key=KEY))
    assert pair.server.frame().opcode == PING
    pair.server.send(frame(TEXT, b"now"))
    assert pair.client.frame().payload == b"now"
    proxy.wait(lambda event: event.get("path") == pair.path and event.get("injected") is True)
    pair.client.send(second)
    messages = [b"".join(payloads(pair.server.message()[1])) for _ in range(2)]
    flow = finish(proxy, pair)
    kept = [(one[2], one[5]) for one in flow["websocket"]["messages"]]
    return messages, kept


def ping_between_compressed_fragments(proxy: Mitmdump) -> Any:
    """A ping comes between two fragments of a compressed message."""
    content = b"compressed, in two fragments; " * 20
    data = deflate(content)
    pair = Pair(proxy.port, DEFLATE)
    ping = frame(PING, b"!", key=KEY)
    sent = fragments(TEXT, [data[:20], data[20:]], rsv1=True, key=KEY, between=[ping])
    pair.client.send(b"".join(sent))
    assert pair.server.frame().opcode == PING
    frames = [pair.server.frame()]
    if frames[0].opcode == CLOSE:
        return "closed"
    while not frames[-1].fin:
        frames.append(pair.server.frame())
    flow = finish(proxy, pair)
    return inflated(frames) == content, flow["websocket"]["messages"][0][2] == content


def window_of_8_bits(proxy: Mitmdump) -> Any:
    """The server's window is the smallest one."""
    return with_extensions(proxy, DEFLATE + "; server_max_window_bits=8")


def window_without_a_value(proxy: Mitmdump) -> Any:
    """The server repeats the client's offer instead of naming a window."""
    return with_extensions(proxy, DEFLATE + "; client_max_window_bits")


def with_extensions(proxy: Mitmdump, extensions: str) -> Any:
    """A message that is not compressed, from the server, on such a connection."""
    since = len(proxy.log)
    pair = Pair(proxy.port, extensions, rules=[{"when": "hello", "do": "log", "to": "arrived"}])
    pair.server.send(frame(TEXT, b"hello"))
    crash = f":{pair.client.port}] mitmproxy has crashed"
    if crash in proxy.logged(crash, "arrived", since=since):
        pair.close()
        return "mitmproxy has crashed"
    arrived = seen([pair.client.frame()])
    finish(proxy, pair)
    return arrived


def close_code_1014(proxy: Mitmdump) -> Any:
    """The server closes with Bad Gateway, which was registered after RFC 6455."""
    pair = Pair(proxy.port)
    pair.server.send(close_frame(1014, b"upstream"))
    arrived = seen(pair.client.rest())
    pair.close()
    data = proxy.flow(pair.path)["websocket"]
    return arrived, (data["close_code"], data["close_reason"], data["closed_by_client"])


def dropped_connection(proxy: Mitmdump) -> Any:
    """The server's connection ends without a Close."""
    pair = Pair(proxy.port)
    pair.server.send(frame(TEXT, b"last words"))
    pair.server.close()
    arrived = seen(pair.client.rest())
    pair.close()
    data = proxy.flow(pair.path)["websocket"]
    return arrived, (data["close_code"], data["closed_by_client"])


def message_cut_off(proxy: Mitmdump) -> Any:
    """The server's connection ends inside a message."""
    pair = Pair(proxy.port)
    pair.server.send(frame(TEXT, b"a good start", fin=False))
    pair.server.close()
    arrived = seen(pair.client.rest())
    pair.close()
    flow = proxy.flow(pair.path)
    said = [one["state"][2] for one in flow["metadata"].get("wsdefrag_not_whole", [])]
    return arrived, said


def parse_error(proxy: Mitmdump) -> Any:
    """After a good message the server sends a fragmented ping."""
    pair = Pair(proxy.port)
    pair.server.send(frame(TEXT, b"good") + frame(PING, b"bad", fin=False))
    to_client, to_server = seen(pair.client.rest()), seen(pair.server.rest())
    pair.close()
    flow = proxy.flow(pair.path)
    codes = [(opcode, payload[:2]) for opcode, payload in (*to_client, *to_server)]
    return codes, flow["websocket"]["close_code"], flow["error"] and flow["error"]["msg"]


def bomb(proxy: Mitmdump) -> Any:
    """65 KiB on the wire would become 65 MiB."""
    pair = Pair(proxy.port, DEFLATE)
    data = deflated_zeros(65)
    pair.server.send(*fragments(BINARY, data, rsv1=True))
    opcode = pair.client.frame()
    ended = opcode.opcode == CLOSE
    if not ended:
        pair.server.send(close_frame(1000))
    pair.client.rest()
    pair.close()
    flow = proxy.flow(pair.path)
    return flow["websocket"]["close_code"], sum(
        len(one[2]) for one in flow["websocket"]["messages"]
    )


def masks_and_plain_messages(proxy: Mitmdump) -> Any:
    """A message that is not edited and not compressed, although compression was agreed on."""
    pair = Pair(proxy.port, DEFLATE)
    pair.client.send(frame(TEXT, b"as it is", key=KEY))
    arrived = pair.server.frame()
    finish(proxy, pair)
    return arrived.rsv1, arrived.key == KEY


DAMAGED = b"\xef\xbf\xbd"
"""U+FFFD, which stands for what could not be decoded."""


CUT = [b"a" * 12, "€€".encode()], [b"a" * 9 + DAMAGED, DAMAGED * 2 + "€".encode()]


CLOSED_1002 = (CLOSE, b"\x03\xea")


DEFECTS = (
    Defect(
        "edited text is damaged at a kept fragment border",
        edit_across_a_kept_border,
        ([b"abc", "€de".encode()], "abc€de".encode()),
        ([b"abc" + DAMAGED, DAMAGED * 2 + b"de"], "abc€de".encode()),
    ),
    Defect("edited text is damaged at a new border", edit_across_a_new_border, *CUT),
    Defect("injected text is damaged at a border", inject_across_a_border, *CUT),
    Defect(
        "an injection merges with half a message",
        inject_into_half_a_message,
        (
            [b"<in between>", b"first half, second half"],
            [(b"now", False), (b"<in between>", True), (b"first half, second half", False)],
        ),
        (
            [b"first half, <in between>", b"second half"],
            [(b"now", False), (b"first half, <in between>", True), (b"second half", False)],
        ),
    ),
    Defect(
        "a ping between compressed fragments damages the message",
        ping_between_compressed_fragments,
        (True, True),
        "closed",
    ),
    Defect(
        "a window of 8 bits is not understood",
        window_of_8_bits,
        [(TEXT, b"hello")],
        "mitmproxy has crashed",
    ),
    Defect(
        "a window without a value is not understood",
        window_without_a_value,
        [(TEXT, b"hello")],
        "mitmproxy has crashed",
    ),
    Defect(
        "Close 1014 becomes 1002",
        close_code_1014,
        ([(CLOSE, b"\x03\xf6upstream")], (1014, "upstream", False)),
        (
            [(CLOSE, b"\x03\xeaCLOSE with unknown reserved code")],
            (1002, "CLOSE with unknown reserved code", False),
        ),
    ),
    Defect(
        "a dropped connection becomes a Close 1000",
        dropped_connection,
        ([(TEXT, b"last words")], (1006, False)),
        ([(TEXT, b"last words"), (CLOSE, b"\x03\xe8")], (1006, False)),
    ),
    Defect(
        "a message that is cut off vanishes",
        message_cut_off,
        ([], [b"a good start"]),
        ([(CLOSE, b"\x03\xe8")], []),
    ),
    Defect(
        "a parse error looks like a Close",
        parse_error,
        (
            [(TEXT, b"go"), CLOSED_1002, CLOSED_1002],
            1002,
            "WebSocket server: fragmented PING at byte 6 (RFC 6455 section 5.5)",
        ),
        ([(TEXT, b"go"), CLOSED_1002, CLOSED_1002], 1002, None),
    ),
    Defect("there is no limit to inflating", bomb, (1009, 0), (1000, 65 << 20)),
    Defect("masks and compression change", masks_and_plain_messages, (False, True), (True, False)),
)
