"""A capture as an HTTP archive: the structure of HAR 1.2, Chrome's keys, and their values."""

from __future__ import annotations

import base64
import io
import json
import re
from datetime import datetime
from typing import Any

import pytest

from capture_conversation import START, Conversation, capture_of, close, text
from capture_recordings import LOADED
from cli_captures import DEMO, WHOLE, broken, damaged, gapped, plain, truth
from wsdefrag.capture import Capture
from wsdefrag.formats.har import write_har


def archive(source: Any) -> dict[str, Any]:
    file = io.BytesIO()
    count = write_har(Capture(io.BytesIO(source) if isinstance(source, bytes) else source), file)
    log: dict[str, Any] = json.loads(file.getvalue())["log"]
    assert len(log["entries"]) == count
    return log


def entry_of(source: bytes) -> dict[str, Any]:
    (entry,) = archive(source)["entries"]
    assert isinstance(entry, dict)
    return entry


# HAR 1.2: every field that an object of a type has to have, and its type.
STRING, NUMBER, ARRAY, OBJECT = str, (int, float), list, dict
REQUIRED: dict[str, dict[str, Any]] = {
    "log": {"version": STRING, "creator": OBJECT, "entries": ARRAY},
    "creator": {"name": STRING, "version": STRING},
    "entry": {
        "startedDateTime": STRING,
        "time": NUMBER,
        "request": OBJECT,
        "response": OBJECT,
        "cache": OBJECT,
        "timings": OBJECT,
    },
    "request": {
        "method": STRING,
        "url": STRING,
        "httpVersion": STRING,
        "cookies": ARRAY,
        "headers": ARRAY,
        "queryString": ARRAY,
        "headersSize": NUMBER,
        "bodySize": NUMBER,
    },
    "response": {
        "status": NUMBER,
        "statusText": STRING,
        "httpVersion": STRING,
        "cookies": ARRAY,
        "headers": ARRAY,
        "content": OBJECT,
        "redirectURL": STRING,
        "headersSize": NUMBER,
        "bodySize": NUMBER,
    },
    "content": {"size": NUMBER, "mimeType": STRING},
    "timings": {"send": NUMBER, "wait": NUMBER, "receive": NUMBER},
    "pair": {"name": STRING, "value": STRING},
}
OPTIONAL = {
    "log": {"pages", "comment"},
    "entry": {"serverIPAddress", "connection", "comment"},
    "request": {"comment"},
    "response": {"comment"},
    "content": {"comment"},
    "timings": {"blocked", "dns", "connect", "ssl"},
    "pair": {"path", "domain", "httpOnly", "secure"},
}


def check(kind: str, value: dict[str, Any]) -> None:
    for name, of in REQUIRED[kind].items():
        assert isinstance(value[name], of), (kind, name)
        assert not isinstance(value[name], bool)
    more = {name for name in value if not name.startswith("_")} - REQUIRED[kind].keys()
    assert more <= OPTIONAL.get(kind, set()), (kind, more)


@pytest.mark.parametrize("name", [*WHOLE, "midstream", "snap-length", "snap-length-heads"])
def test_archive_has_what_har_wants(name: str) -> None:
    log = archive(LOADED[name].path)
    check("log", log)
    check("creator", log["creator"])
    assert (log["version"], log["creator"]["name"]) == ("1.2", "wsdefrag")
    for entry in log["entries"]:
        check("entry", entry)
        for part in ("request", "response", "timings"):
            check(part, entry[part])
        check("content", entry["response"]["content"])
        for head in (entry["request"], entry["response"]):
            for pair in [*head["headers"], *head["cookies"], *head.get("queryString", [])]:
                check("pair", pair)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["startedDateTime"])
        known = [part for part in entry["timings"].values() if part >= 0]
        assert entry["time"] == pytest.approx(sum(known))
        assert entry["_resourceType"] == "websocket"


@pytest.mark.parametrize("name", WHOLE)
def test_messages_are_what_the_applications_sent(name: str) -> None:
    expected = truth(name)
    seen = set()
    recorded = LOADED[name].recorded.timestamp()
    for entry in archive(LOADED[name].path)["entries"]:
        path = re.sub(r"^wss?://[^/]+", "", entry["request"]["url"])
        (key,) = [key for key in expected if key[1:] == (int(entry["connection"]), path)]
        seen.add(key)
        known = expected[key]
        assert entry["serverIPAddress"] == known.server.ip
        assert entry["response"]["status"] == (known.refused or 101)
        for type, side in (("send", "client"), ("receive", "server")):
            messages = [one for one in entry["_webSocketMessages"] if one["type"] == type]
            sent = known.messages["client" if side == "client" else "server"]
            assert [one["opcode"] for one in messages] == [one.opcode for one in sent]
            for one, message in zip(messages, sent, strict=True):
                assert one.keys() == {"type", "time", "opcode", "data"}
                assert abs(one["time"] - recorded) < 3600
                data = one["data"]
                content = data.encode() if one["opcode"] == 1 else base64.b64decode(data)
                assert message.matches(content)
        times = [one["time"] for one in entry["_webSocketMessages"]]
        assert times == sorted(times)
        if known.close is not None:
            told = entry["_webSocketClose"]
            assert told["type"] == ("send" if known.close.by == "client" else "receive")
            assert told["reason"] == known.close.reason
    assert seen == expected.keys()


def test_heads_are_those_of_the_handshake() -> None:
    talk = (
        Conversation()
        .open()
        .upgrade(
            "/feed?symbol=A%20B&empty=&symbol=C",
            "prices.example:8080",
            fields=("Cookie: id=1; theme=dark=er", "X-Name: J\xfcrgen", "Cookie: more=2"),
            answers=("Set-Cookie: s=9; Path=/feed; HttpOnly; Secure; SameSite=Lax",),
        )
    )
    entry = entry_of(capture_of(talk.segments))
    request, response = entry["request"], entry["response"]
    assert request["method"] == "GET"
    assert request["url"] == "ws://prices.example:8080/feed?symbol=A%20B&empty=&symbol=C"
    assert request["queryString"] == [
        {"name": "symbol", "value": "A B"},
        {"name": "empty", "value": ""},
        {"name": "symbol", "value": "C"},
    ]
    assert request["cookies"] == [
        {"name": "id", "value": "1"},
        {"name": "theme", "value": "dark=er"},
        {"name": "more", "value": "2"},
    ]
    assert {"name": "X-Name", "value": "J\xfcrgen"} in request["headers"]
    assert [pair["name"] for pair in request["headers"][:2]] == ["Host", "Upgrade"]
    assert (response["status"], response["statusText"]) == (101, "Switching Protocols")
    assert response["cookies"] == [
        {"name": "s", "value": "9", "httpOnly": True, "secure": True, "path": "/feed"}
    ]


def test_times_are_those_of_the_packets() -> None:
    entry = entry_of(plain())
    # The request is in the fourth packet and the answer in the sixth, 50 ms apart each.
    assert datetime.fromisoformat(entry["startedDateTime"].replace("Z", "+00:00")).timestamp() == (
        START / 1e9 + 0.15
    )
    assert entry["timings"]["wait"] == 100
    assert [one["time"] for one in entry["_webSocketMessages"]] == [
        1700000001.0,
        1700000001.5,
        1700000002.0,
        1700000002.5,
    ]
    assert entry["_webSocketClose"] == {
        "type": "send",
        "time": 1700000002.55,
        "code": 1000,
        "reason": "done",
    }


def test_port_of_https_makes_it_a_secure_one() -> None:
    talk = Conversation(server=("192.0.2.20", 443)).open().upgrade()
    assert entry_of(capture_of(talk.segments))["request"]["url"] == "wss://example.com/chat"


def test_message_that_is_not_whole_is_an_error_and_no_message() -> None:
    entry = entry_of(gapped())
    before, gap, lossy, after = entry["_webSocketMessages"]
    assert (gap["type"], gap["opcode"], gap["_kind"]) == ("error", -1, "gap")
    assert gap["data"] == (
        "gap from the client: 100 bytes missing, inside a frame; 1 message incomplete"
    )
    assert (gap["_missingBytes"], gap["_fromClient"]) == (100, True)
    assert (before["data"], after["data"]) == ("before", "after")
    assert lossy["type"] == "error"
    assert lossy["opcode"] == -1
    assert lossy["data"] == "text message from the client: incomplete, 100 bytes missing"
    assert (lossy["_status"], lossy["_missingBytes"], lossy["_fromClient"]) == (
        "incomplete",
        100,
        True,
    )
    assert set(base64.b64decode(lossy["_base64"])) == {ord("x")}
    assert entry["comment"] == "client: 100 bytes in 1 gaps were not captured"


def test_text_that_is_none_is_an_error_with_its_bytes() -> None:
    fine, invalid, violation = entry_of(broken())["_webSocketMessages"]
    assert violation["_kind"] == "violation"
    assert fine["data"] == "fine"
    assert (invalid["type"], invalid["_status"]) == ("error", "invalid_utf8")
    assert base64.b64decode(invalid["_base64"]) == b"caf\xe9"


def test_handshake_that_was_not_captured_is_not_invented() -> None:
    entries = archive(LOADED["midstream"].path)["entries"]
    blind = [entry for entry in entries if "comment" in entry["request"]]
    assert len(blind) == 2
    for entry in blind:
        request, response = entry["request"], entry["response"]
        assert request["url"] == f"ws://{entry['serverIPAddress']}:80/"
        assert request["headers"] == request["cookies"] == response["headers"] == []
        assert response["status"] == 0
        assert request["comment"] == response["comment"] == "not captured"
        assert "the handshake was not captured whole" in entry["comment"]


def test_refusal_has_its_status_and_no_messages() -> None:
    entries = archive(LOADED["refused"].path)["entries"]
    refused = [entry for entry in entries if entry["response"]["status"] == 403]
    assert len(refused) == 2
    for entry in refused:
        assert entry["_webSocketMessages"] == []
        assert entry["response"]["content"]["comment"] == "the body is not kept"


def test_connection_that_goes_on_at_the_end_is_there() -> None:
    talk = Conversation().open().upgrade()
    talk.says(True, text(True, "x"))
    assert len(entry_of(capture_of(talk.segments))["_webSocketMessages"]) == 1


def test_close_without_a_code_is_1005() -> None:
    talk = Conversation().open().upgrade()
    talk.says(False, b"\x88\x00")
    told = entry_of(capture_of(talk.segments))["_webSocketClose"]
    assert (told["type"], told["code"], told["reason"]) == ("receive", 1005, "")
    talk = Conversation().open().upgrade()
    talk.says(False, close(False, 4000, b"bye"))
    assert entry_of(capture_of(talk.segments))["_webSocketClose"]["code"] == 4000


def test_damaged_record_costs_the_rest_of_its_direction_in_the_archive() -> None:
    """The packet is missing over the start of a frame; all other directions are whole."""
    entries = archive(damaged(DEMO.read_bytes()))["entries"]
    assert len(entries) == 5
    whole = {entry["connection"]: entry for entry in archive(DEMO)["entries"]}
    ended = []
    for entry in entries:
        connection = entry["connection"]
        for kind in ("send", "receive"):
            messages = [one for one in entry["_webSocketMessages"] if one["type"] == kind]
            sent = [one for one in whole[connection]["_webSocketMessages"] if one["type"] == kind]
            assert messages == sent[: len(messages)]
            if len(messages) < len(sent):
                ended.append((connection, kind))
        gaps = [one for one in entry["_webSocketMessages"] if one["type"] == "error"]
        assert [gap["_missingBytes"] for gap in gaps] == [143] * ((connection, "receive") in ended)
    assert [kind for _, kind in ended] == ["receive"]


def test_empty_capture_gives_an_empty_archive() -> None:
    assert archive(capture_of([]))["entries"] == []


def test_archive_is_the_same_every_time() -> None:
    first, second = io.BytesIO(), io.BytesIO()
    for file in (first, second):
        write_har(Capture(DEMO), file)
    assert first.getvalue() == second.getvalue()


def test_reader_is_taken_too() -> None:
    file = io.BytesIO()
    with Capture(DEMO).read() as reader:
        assert write_har(reader, file) == 5
