"""The options of `wsdefrag messages`: the effect of each, and invalid values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import wsdefrag
from cli_command import DATA, GOOD, header_options, invoke, objects, recorded_streams
from wire_writer import BINARY, KEY, TEXT, Deflater, close_frame, deflate, fragments, frame


@pytest.mark.parametrize(
    "wrong",
    [
        ["/nowhere/at/all", "--from", "server"],
        [str(DATA), "--from", "server"],
        ["--from", "server"],
        ["-", "--from", "peer"],
        ["-", "--from", "server", "--deflate", "permessage-deflate; server_max_window_bits=7"],
        ["-", "--from", "server", "--deflate", "permessage-deflated"],
        ["-", "--from", "server", "--format", "xml"],
        ["-", "--from", "server", "--width", "-1"],
        ["-", "--from", "server", "--tolerate", "everything"],
        ["-", "--from", "server", "--max-frame-size", str(1 << 63)],
        ["-", "--from", "server", "--max-message-size", "1 MiB"],
        ["-", "--from", "server", "--timestamp", "nan"],
        ["-", "--from", "server", "--timestamp", "1e300"],
        ["-", "--from", "server", "--timestamp", "-1"],
        ["-", "--from", "server", "--times", str(DATA / "README.md")],
        ["-", "--from", "server", "--times", str(DATA / "large-binary.client.bin")],
        ["-", "--from", "server", "--timestamp", "1", "--times", str(DATA / "prices-plain.json")],
        ["-", "--from", "server", "--no-such-option"],
    ],
    ids=lambda wrong: " ".join(wrong[-2:])[-40:],
)
def test_unusable_input_ends_with_2(wrong: list[str]) -> None:
    result = invoke(*wrong, stdin=GOOD)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("wsdefrag: ")
    assert result.stderr.endswith(" Try wsdefrag messages --help.\n")
    assert result.stderr.count("\n") == 1
    assert len(result.stderr) < 600


@pytest.mark.parametrize(
    ("option", "wire", "says"),
    [
        ("--max-message-size", fragments(TEXT, [b"abc", b"def"]), "max_message_size is 5"),
        ("--max-frame-size", [frame(TEXT, b"abcdef")], "max_frame_size is 5"),
        ("--max-fragments", fragments(TEXT, [b"a", b"b", b"c", b"d", b"e", b"f"]), "is 5"),
    ],
)
def test_limit_is_inclusive_and_0_is_none(option: str, wire: list[bytes], says: str) -> None:
    stdin = b"".join(wire)
    refused = invoke("-", "--from", "server", option, "5", stdin=stdin)
    assert refused.exit_code == 1
    assert says in refused.stderr
    for limit in ("6", "0"):
        passed = invoke("-", "--from", "server", option, limit, stdin=stdin)
        assert (passed.exit_code, passed.stdout.count("abcdef")) == (0, 1)


def test_deflate_follows_the_header() -> None:
    deflater = Deflater()
    wire = b"".join(frame(TEXT, deflater.compress(b"again and again"), rsv1=True) for _ in range(3))
    agreed = invoke("-", "--from", "server", "--deflate", "permessage-deflate", stdin=wire)
    assert (agreed.exit_code, agreed.stdout.count("again and again")) == (0, 3)
    for nothing in ([], ["--deflate", ""]):
        refused = invoke("-", "--from", "server", *nothing, stdin=wire)
        assert refused.exit_code == 1
        assert "at byte 0" in refused.stderr


def test_bomb_is_refused_after_what_came_before() -> None:
    wire = frame(TEXT, b"fine") + frame(BINARY, deflate(bytes(1 << 20)), rsv1=True)
    header = ["--deflate", "permessage-deflate", "--max-message-size", "65536"]
    result = invoke("-", "--from", "server", *header, stdin=wire)
    assert result.exit_code == 1
    assert result.stdout.endswith("  fine\n")
    assert "max_message_size is 65536 at byte 6" in result.stderr


SLOPPY = {
    "mask-direction": frame(TEXT, b"kept", key=KEY),
    "minimal-length": frame(TEXT, b"kept", form=64),
    "reserved-bits": frame(TEXT, b"kept", rsv2=True),
    "close-codes": frame(TEXT, b"kept") + close_frame(1005),
    "utf8": frame(TEXT, b"kept") + frame(TEXT, b"\xff"),
}


def test_every_tolerance_is_tried() -> None:
    fields = wsdefrag.Strictness.__dataclass_fields__.values()
    # The rules of deflate are off anyway.
    by_name = [field.name for field in fields if field.default]
    assert list(SLOPPY) == [name.replace("_", "-") for name in by_name]


@pytest.mark.parametrize("rule", SLOPPY)
def test_tolerated_breach_is_counted_in_one_line(rule: str) -> None:
    result = invoke("-", "--from", "server", "--tolerate", rule, stdin=SLOPPY[rule])
    assert (result.exit_code, result.stdout.count("  kept\n")) == (0, 1)
    assert result.stderr == f"wsdefrag: <stdin>: tolerated {rule} 1\n"
    strict = invoke("-", "--from", "server", stdin=SLOPPY[rule])
    assert strict.exit_code == 1


def test_tolerances_can_be_repeated_and_are_quiet_without_a_breach() -> None:
    both = ["--tolerate", "mask-direction", "--tolerate", "minimal-length"]
    wire = frame(TEXT, b"kept", key=KEY) * 1000 + frame(TEXT, b"kept", form=16)
    result = invoke("-", "--from", "server", *both, stdin=wire)
    assert result.exit_code == 0
    assert result.stderr == "wsdefrag: <stdin>: tolerated mask-direction 1,000, minimal-length 1\n"
    assert invoke("-", "--from", "server", *both, stdin=GOOD).stderr == ""


@pytest.mark.parametrize("side", ["client", "server"])
def test_times_are_those_of_the_recording(side: recorded_streams.Side) -> None:
    recording = recorded_streams.load("deflate-fragments-pings")
    stem = DATA / "deflate-fragments-pings"
    agreed = wsdefrag.DeflateParams.from_header(recording.extensions or "")
    reassembler = wsdefrag.MessageReassembler(from_client=side == "client", deflate=agreed)
    expected = [
        message.timestamp
        for arrived, _, data in recording.deliveries(side)
        for message in reassembler.receive_data(data, timestamp=arrived)
    ]
    assert len(set(expected)) > 1
    stream = stem.with_suffix(f".{side}.bin")
    times = ["--times", stem.with_suffix(".json"), "--format", "jsonl"]
    result = invoke(stream, "--from", side, *header_options(recording), *times)
    assert result.exit_code == 0
    assert [entry["timestamp"] for entry in objects(result.stdout_bytes)] == expected


@pytest.mark.parametrize(
    ("length", "says"),
    [
        (len(GOOD) + 1, "ends after 19 bytes, but the recording has more"),
        (len(GOOD) - 1, "is longer than the recording, which has 18 bytes"),
    ],
)
def test_times_of_another_stream_end_with_2(tmp_path: Path, length: int, says: str) -> None:
    times = tmp_path / "times.json"
    times.write_text(json.dumps({"chunks": [[1.5, "client", 7], [2.5, "server", length]]}))
    result = invoke("-", "--from", "server", "--times", times, stdin=GOOD)
    assert result.exit_code == 2
    assert result.stderr == f"wsdefrag: <stdin>: {says}\n"


@pytest.mark.parametrize(
    "recording",
    [
        [],
        {},
        {"chunks": 5},
        {"chunks": [[1.5, "server"]]},
        {"chunks": [["now", "server", 5]]},
        {"chunks": [[-1, "server", 5]]},
        {"chunks": [[1.5, "server", -5]]},
        {"chunks": [[1.5, "server", 5.5]]},
    ],
)
def test_times_that_are_none_end_with_2(tmp_path: Path, recording: object) -> None:
    times = tmp_path / "times.json"
    times.write_text(json.dumps(recording))
    result = invoke("-", "--from", "server", "--times", times, stdin=GOOD)
    assert result.exit_code == 2
    assert "has no valid list of chunks" in result.stderr
