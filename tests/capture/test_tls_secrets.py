"""No text that is shown has a key: objects, errors, warnings, rows, the command's lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli_captures import invoke_capture
from tls_recordings import key_log, path_of
from wsdefrag.capture import Capture
from wsdefrag.errors import CaptureError

NAME = "early-data"


def secrets() -> list[str]:
    """The keys, as a log has them and as Python shows their bytes."""
    written = [line.split()[2].decode() for line in key_log(NAME).splitlines() if b" " in line]
    return [*written, *(repr(bytes.fromhex(one))[2:-1] for one in written)]


def test_nothing_that_is_shown_has_a_key(tmp_path: Path) -> None:
    keys = tmp_path / "keys.log"
    # The last line is cut, and one has a key of a wrong length.
    keys.write_bytes(key_log(NAME) + key_log(NAME).splitlines()[0][:-3] + b"\n")
    shown = []
    for keylog in (keys, key_log(NAME)):
        capture = Capture(path_of(NAME), keylog=keylog)
        with capture.read() as reader:
            items = list(reader)
            shown += [repr(capture), repr(reader), repr(reader.counts), *reader.warnings]
        shown += [repr(one) for one in items]
        shown += [repr(one.tls) for one in capture.connections()]
    # The arguments in the wrong order, and keys that fit nothing.
    with pytest.raises(CaptureError) as wrong:
        list(Capture(keys, keylog=path_of(NAME)))
    shown += [str(wrong.value), repr(wrong.value)]
    for command in (
        ["messages", path_of(NAME), "--keylog", keys, "--summary"],
        ["connections", path_of(NAME), "--keylog", keys, "--format", "jsonl"],
        ["messages", path_of("node"), "--keylog", keys],
        ["messages", keys, "--keylog", path_of(NAME)],
        ["connections", keys, "--keylog", keys],
    ):
        result = invoke_capture(*command)
        shown += [result.stdout, result.stderr, json.dumps(result.stdout)]
    whole = "\n".join(shown).lower()
    assert len(whole) > 1000
    assert secrets()
    for one in secrets():
        assert one.lower() not in whole
