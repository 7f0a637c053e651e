"""The notes of `wsdefrag messages` about losses, and which losses give exit status 1."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from capture_conversation import START, Conversation, capture_of, text
from capture_craft import Captured, ethernet, ipv4
from capture_files import pcapng
from capture_samples import short_talk
from capture_tunnels import OUTER, framed, udp, vxlan
from cli_captures import DEMO, SNAPPED, broken, cut_short, damaged, gapped, invoke_capture
from cli_command import GOOD
from wire_writer import TEXT, frame


def test_gap_is_marked_said_and_ends_with_1() -> None:
    result = invoke_capture("messages", "-", "--width", "100", stdin=gapped())
    before, gap, lossy, after = result.stdout.splitlines()
    assert before.endswith("-> text         6 B  before")
    assert " -> gap " in gap
    assert " -> text " in lossy
    assert "  [incomplete, 100 B missing] xxxxx" in lossy
    assert len(lossy) == 100
    assert after.endswith("-> text         5 B  after")
    assert result.exit_code == 1
    assert result.stderr == (
        "wsdefrag: <stdin>: lost: 1 message incomplete; 100 bytes not captured\n"
    )


def test_violation_is_said_and_ends_with_1() -> None:
    result = invoke_capture("messages", "-", stdin=broken())
    assert result.exit_code == 1
    assert r"[invalid utf8] caf\xe9" in result.stdout
    first, second = result.stderr.splitlines()
    assert first.startswith("wsdefrag: <stdin>: violated: connection 0, server: ")
    assert "at byte 0 (RFC 6455 section 5.2)" in first
    assert second == "wsdefrag: <stdin>: violated: 1 message invalid utf8"


def test_lax_text_is_no_violation() -> None:
    talk = Conversation().open().upgrade()
    talk.says(True, text(True, b"caf\xe9"))
    data = capture_of(talk.segments)
    assert invoke_capture("messages", "-", stdin=data).exit_code == 1
    lax = invoke_capture("messages", "-", "--tolerate", "utf8", stdin=data)
    assert (lax.exit_code, lax.stderr) == (0, "wsdefrag: <stdin>: tolerated utf8 1\n")


@pytest.mark.parametrize(
    ("made", "tolerated", "code"),
    [
        (gapped, [], 1),
        (gapped, ["loss"], 0),
        (gapped, ["all"], 0),
        (gapped, ["reserved-bits", "close-codes"], 1),
        (broken, [], 1),
        (broken, ["loss"], 1),
        (lambda: cut_short(DEMO.read_bytes()), [], 1),
        (lambda: cut_short(DEMO.read_bytes()), ["loss"], 0),
        (lambda: damaged(DEMO.read_bytes()), [], 1),
        (lambda: damaged(DEMO.read_bytes()), ["loss"], 0),
    ],
)
def test_what_is_tolerated_is_said_and_does_not_count(
    made: Any, tolerated: list[str], code: int
) -> None:
    options = [part for what in tolerated for part in ("--tolerate", what)]
    strict = invoke_capture("messages", "-", stdin=made())
    result = invoke_capture("messages", "-", *options, stdin=made())
    assert result.exit_code == code
    assert (result.stdout, result.stderr) == (strict.stdout, strict.stderr)


def test_all_that_breaks_a_rule_is_tolerated_and_said() -> None:
    strict = invoke_capture("messages", "-", stdin=broken())
    result = invoke_capture("messages", "-", "--tolerate", "all", stdin=broken())
    assert result.exit_code == 0
    assert result.stdout == strict.stdout.replace("[invalid utf8] ", "")
    violation, text = strict.stderr.splitlines()
    assert text == "wsdefrag: <stdin>: violated: 1 message invalid utf8"
    assert result.stderr.splitlines() == [violation, "wsdefrag: <stdin>: tolerated utf8 1"]


@pytest.mark.parametrize("command", ["messages", "connections", "convert"])
def test_tolerated_breaches_are_counted_of_the_wanted_side(command: str, tmp_path: Path) -> None:
    talk = Conversation().open().upgrade()
    talk.says(True, frame(TEXT, b"one") + frame(TEXT, b"two"))
    talk.says(False, frame(TEXT, b"\xff"))
    data = capture_of(talk.end().segments)
    output = ["-o", tmp_path / "out.parquet"] if command == "convert" else []
    options = [*output, "--tolerate", "mask-direction", "--tolerate", "utf8"]
    both = invoke_capture(command, "-", *options, stdin=data)
    assert both.stderr == "wsdefrag: <stdin>: tolerated mask-direction 2, utf8 1\n"
    assert both.exit_code == 0
    if command == "messages":
        one = invoke_capture(command, "-", *options, "--from", "server", stdin=data)
        assert one.stderr == "wsdefrag: <stdin>: tolerated utf8 1\n"


def test_tolerated_rule_lets_messages_pass() -> None:
    talk = Conversation().open().upgrade()
    talk.says(True, frame(TEXT, b"not masked"))
    data = capture_of(talk.segments)
    strict = invoke_capture("messages", "-", stdin=data)
    assert strict.exit_code == 1
    assert [line.split()[3] for line in strict.stdout.splitlines()] == ["violation"]
    for what in ("mask-direction", "all"):
        sloppy = invoke_capture("messages", "-", "--tolerate", what, stdin=data)
        assert (sloppy.exit_code, sloppy.stderr) == (
            0,
            "wsdefrag: <stdin>: tolerated mask-direction 1\n",
        )
        assert sloppy.stdout.endswith("  not masked\n")


def test_memory_is_bounded_and_what_does_not_fit_is_said() -> None:
    talk = Conversation().open().upgrade()
    talk.say(True, text(True, "x" * 300_000), size=1400)
    talk.says(True, text(True, "after"))
    data = capture_of(talk.segments)
    assert invoke_capture("messages", "-", stdin=data).exit_code == 0
    for size in ("128K", "131072"):
        result = invoke_capture("messages", "-", "--memory", size, stdin=data)
        first, second = result.stdout.splitlines()
        assert "[too big" in first
        assert second.endswith("  after")
        assert result.exit_code == 1
    for bad in ("0", "-1", "some", "1T", "999999999999999G"):
        assert invoke_capture("messages", "-", "--memory", bad, stdin=data).exit_code == 2


def test_loss_of_a_raw_dump_can_be_tolerated() -> None:
    wire = GOOD + frame(TEXT, b"half", announced=9)
    strict = invoke_capture("messages", "-", "--from", "server", stdin=wire)
    assert strict.exit_code == 1
    for what in ("loss", "all"):
        result = invoke_capture("messages", "-", "--from", "server", "--tolerate", what, stdin=wire)
        assert (result.exit_code, result.stderr) == (0, strict.stderr)
    violated = invoke_capture(
        "messages", "-", "--from", "server", "--tolerate", "loss", stdin=GOOD + b"\x83\x00"
    )
    assert violated.exit_code == 1


def test_loss_of_the_side_that_is_not_wanted_does_not_count() -> None:
    assert invoke_capture("messages", "-", "--from", "client", stdin=gapped()).exit_code == 1
    other = invoke_capture("messages", "-", "--from", "server", stdin=gapped())
    assert (other.exit_code, other.stderr) == (0, "")


@pytest.mark.parametrize("form", ["text", "jsonl"])
def test_damaged_file_loses_the_damaged_packet(tmp_path: Path, form: str) -> None:
    path = tmp_path / "damaged\n.pcapng"
    path.write_bytes(damaged(DEMO.read_bytes()))
    result = invoke_capture("messages", path, "--format", form, "--width", "0")
    whole = invoke_capture("messages", DEMO, "--format", form, "--width", "0")
    assert result.exit_code == 1
    assert len(whole.stdout.splitlines()) - len(result.stdout.splitlines()) <= 200
    first, *_ = result.stderr.splitlines()
    assert first.startswith(f"wsdefrag: {str(path)!r}: record ")
    assert "a length of 3 bytes is too short; " in first


def test_other_files_are_read_after_one_that_is_no_capture(tmp_path: Path) -> None:
    empty, letter = tmp_path / "empty.pcap", tmp_path / "letter.txt"
    empty.write_bytes(b"")
    letter.write_bytes(b"Dear reader")
    whole = invoke_capture("messages", DEMO, "--format", "jsonl")
    result = invoke_capture("messages", empty, DEMO, letter, "--format", "jsonl")
    assert (result.exit_code, result.stdout) == (1, whole.stdout)
    assert sorted(result.stderr.splitlines()) == [
        f"wsdefrag: {empty}: not a capture file: it is empty",
        f"wsdefrag: {letter}: not a capture file: it looks like text",
    ]
    nothing = invoke_capture("messages", empty, letter)
    assert (nothing.exit_code, nothing.stdout) == (2, "")


def test_file_cut_at_its_end_is_told_by_record_and_byte(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcapng"
    path.write_bytes(cut_short(DEMO.read_bytes()))
    result = invoke_capture("messages", path)
    assert result.exit_code == 1
    first, *_ = result.stderr.splitlines()
    assert first.startswith(f"wsdefrag: {path}: record ")
    assert first.endswith("the file ends after 10 bytes of the record")


def test_file_without_a_readable_record_ends_with_2(tmp_path: Path) -> None:
    path = tmp_path / "none.pcapng"
    path.write_bytes(b"\x0a\x0d\x0d\x0a" + b"nothing of a section")
    result = invoke_capture("messages", path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"wsdefrag: {path}: record 1 at byte 0: ")
    assert result.stderr.count("\n") == 1


def test_link_type_that_is_not_read_is_said_and_ends_with_1() -> None:
    data = pcapng([Captured(START, bytes(64))] * 3, 147)
    result = invoke_capture("messages", "-", stdin=data)
    assert result.exit_code == 1
    assert "3 packets of link type 147, which is not supported\n" in result.stderr
    assert invoke_capture("messages", "-", "--tolerate", "loss", stdin=data).exit_code == 0


def test_encapsulation_that_is_not_followed_is_said_and_ends_with_1() -> None:
    packet = ethernet(ipv4(bytes([0, 0, 0, 1]) + bytes(40), "192.0.2.1", "192.0.2.2", protocol=50))
    data = pcapng([Captured(START, packet)] * 3)
    result = invoke_capture("messages", "-", stdin=data)
    assert result.exit_code == 1
    assert "wsdefrag: <stdin>: 3 packets not followed: ESP\n" in result.stderr
    assert invoke_capture("messages", "-", "--tolerate", "loss", stdin=data).exit_code == 0


@pytest.mark.parametrize("suffix", ["jsonl", "parquet", "har"])
def test_encapsulation_that_is_not_followed_is_said_by_conversions(
    suffix: str, tmp_path: Path
) -> None:
    packet = ethernet(ipv4(bytes([0, 0, 0, 1]) + bytes(40), "192.0.2.1", "192.0.2.2", protocol=50))
    talk = [segment.captured() for segment in short_talk().segments]
    path = tmp_path / "capture.pcapng"
    path.write_bytes(pcapng([*talk, *[replace(talk[-1], data=packet)] * 3]))
    result = invoke_capture("convert", path, "-o", tmp_path / f"out.{suffix}")
    assert result.exit_code == 1
    assert "3 packets not followed: ESP\n" in result.stderr


def test_decode_as_names_a_tunnel_and_refuses_what_is_none() -> None:
    inner = [segment.packet() for segment in short_talk().segments]
    tunnels = [udp(5555, vxlan(framed(packet))[8:]) for packet in inner]
    packets = [
        Captured(START + number, ethernet(ipv4(payload, *OUTER[False], protocol=17)))
        for number, payload in enumerate(tunnels)
    ]
    result = invoke_capture("messages", "-", stdin=pcapng(packets))
    assert "packets not followed: VXLAN on UDP port 5555\n" in result.stderr
    named = ("--decode-as", "udp.port==5555,vxlan")
    result = invoke_capture("messages", "-", *named, stdin=pcapng(packets))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("from client") == 3
    result = invoke_capture("messages", "-", "--decode-as", "vxlan", stdin=pcapng(packets))
    assert result.exit_code == 2
    assert "is not of the form udp.port==NUMBER,NAME" in " ".join(result.stderr.split())


def test_losses_of_a_recording_are_told() -> None:
    result = invoke_capture("messages", SNAPPED)
    assert result.exit_code == 1
    assert "bytes not captured" in result.stderr
    assert invoke_capture("messages", SNAPPED, "--tolerate", "loss").exit_code == 0
