"""Gaps, control frames and violations as lines of `wsdefrag messages`, in their places."""

from __future__ import annotations

import json

import pytest

from capture_conversation import START, Conversation, capture_of, close, one_frame, ping, text
from cli_captures import gapped, invoke_capture, run_capture
from cli_command import GOOD
from wire_writer import PONG


def controls() -> bytes:
    """A ping, its pong, a message and both closes, half a second apart."""
    talk = Conversation(step=0).open().upgrade()
    for number, (from_client, data) in enumerate(
        (
            (True, ping(True, b"are you there?")),
            (False, one_frame(False, PONG, b"\x00\x1b[31m")),
            (False, text(False, "news")),
            (False, close(False, 1001, b"going \x1b[2J away")),
            (True, one_frame(True, 8)),
        )
    ):
        talk.time = START + number * 500_000_000
        talk.says(from_client, data, acked=False)
    return capture_of(talk.end().segments)


def broken_rule() -> bytes:
    talk = Conversation(step=0).open().upgrade()
    talk.says(True, text(True, "fine"))
    talk.says(False, b"\x83\x00")
    return capture_of(talk.end().segments)


def test_control_frames_are_lines_in_their_places() -> None:
    result = run_capture("messages", "-", stdin=controls())
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.decode().splitlines() == [
        "22:13:20.000    0       -> ping        14 B  are you there?",
        r"22:13:20.500    0       <- pong         6 B  \x00\x1b[31m",
        "22:13:21.000    0/s0    <- text         4 B  news",
        r"22:13:21.500    0       <- close             1001 going \x1b[2J away",
        "22:13:22.000    0       -> close             without a code",
    ]


def test_gap_is_a_line_before_the_message_that_it_makes_incomplete() -> None:
    result = run_capture("messages", "-", stdin=gapped())
    assert result.returncode == 1
    before, gap, incomplete, after = result.stdout.decode().splitlines()
    assert before.endswith("-> text         6 B  before")
    assert " -> gap               100 bytes missing, inside a frame" in gap
    assert "[incomplete, 100 B missing]" in incomplete
    assert after.endswith("-> text         5 B  after")
    # The packet after the gap was captured after the message before it.
    assert before[:12] < gap[:12] <= incomplete[:12]


def test_gap_that_ends_a_direction_names_resync() -> None:
    talk = Conversation().open().upgrade()
    talk.says(True, text(True, "before"))
    lost = talk.says(True, text(True, "lost"))
    talk.says(True, text(True, "after"))
    data = capture_of(talk.end().without(lost))
    lines = invoke_capture("messages", "-", stdin=data).stdout.splitlines()
    assert len(lines) == 2
    assert "-> gap " in lines[1]
    assert "--resync" in lines[1]


def test_violation_is_a_line_with_the_rule() -> None:
    result = invoke_capture("messages", "-", stdin=broken_rule())
    assert result.exit_code == 1
    first, violation = result.stdout.splitlines()
    assert first.endswith("fine")
    assert " <- violation         " in violation
    assert violation.endswith("(RFC 6455 section 5.2)")


@pytest.mark.parametrize("form", ["text", "jsonl"])
def test_events_can_be_left_out(form: str) -> None:
    options = ("--format", form)
    whole = invoke_capture("messages", "-", *options, stdin=controls()).stdout.splitlines()
    kept = invoke_capture("messages", "-", *options, "--no-events", stdin=controls())
    assert kept.stdout.splitlines() == [line for line in whole if "news" in line]
    if form == "jsonl":
        kinds = [json.loads(line).get("kind") for line in whole]
        assert [kind for kind in kinds if kind not in (None, "message")] == [
            "ping", "pong", "close", "close"
        ]  # fmt: skip


def test_type_leaves_control_frames_out_and_keeps_gaps() -> None:
    only = invoke_capture("messages", "-", "--type", "text", stdin=controls()).stdout
    assert [line.split()[-1] for line in only.splitlines()] == ["news"]
    gap = invoke_capture("messages", "-", "--type", "binary", stdin=gapped()).stdout
    assert [line.split()[3] for line in gap.splitlines()] == ["gap"]


def test_sender_chooses_events_too() -> None:
    lines = invoke_capture("messages", "-", "--from", "client", stdin=controls()).stdout
    assert [line.split()[3] for line in lines.splitlines()] == ["ping", "close"]


def test_events_are_cut_to_the_width() -> None:
    lines = invoke_capture("messages", "-", "--width", "61", stdin=controls()).stdout.splitlines()
    assert max(map(len, lines)) <= 61
    assert [line.endswith("...") for line in lines] == [False, False, False, True, False]
    assert "  1001 going " in lines[3]


def test_payloads_can_be_left_out() -> None:
    lines = invoke_capture("messages", "-", "--no-content", stdin=controls()).stdout.splitlines()
    assert lines[0].endswith("-> ping        14 B")
    assert lines[3].endswith(r"1001 going \x1b[2J away")


def test_raw_dump_has_no_events() -> None:
    result = invoke_capture("messages", "-", "--from", "server", "--no-events", stdin=GOOD)
    assert result.exit_code == 2
    assert "--no-events is only for captures." in result.stderr
