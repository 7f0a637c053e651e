"""The addon's way to the hooks of messages calls what mitmproxy's own way calls, in its order."""

from __future__ import annotations

import json
import subprocess

from hang_guard import HANG_SECONDS
from mitmdump import HERE, PYTHON


def test_the_same_hooks_are_called_in_the_same_order() -> None:
    done = subprocess.run(
        [PYTHON, HERE / "addon_hooks.py"],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["ours"] == found["own"]
    # What the add-ons of this test have to be asked for, as mitmproxy's documentation says.
    assert [
        line for line in found["ours"] if "message" in line or line in ("awaited", "halts")
    ] == [
        "first message True",
        "inner message True",
        "awaited",
        "before message True",
        "halts",
    ]
    assert "after message True" not in found["own"]
    assert found["installed"] == [True, False]
    assert found["restored"]
