"""Tries an installed wheel in an environment that holds nothing else.

It is not a pytest module: the environment has no pytest. Where the machine cannot run the
interpreter by itself, the variable `EMULATOR` says what runs it: a command, which gets the
interpreter and its arguments.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import wsdefrag

SUPPORT = Path(__file__).resolve().parent / "support"
CAPTURE = Path(__file__).resolve().parents[1] / "vectors" / "captures" / "demo.pcapng"

ENDS = 10
"""Processes that end while their threads work."""


def main() -> None:
    """Read one recorded stream; exit with an error where anything is off."""
    package = Path(wsdefrag.__file__).resolve()
    checkout = Path(__file__).resolve().parent.parent
    if package.is_relative_to(checkout / "python"):
        raise SystemExit(f"{package} is the checkout, not an installed wheel")
    if needed := [line for line in metadata.requires("wsdefrag") or [] if "extra ==" not in line]:
        raise SystemExit(f"the wheel depends on {needed}")

    sys.path.insert(0, str(SUPPORT))
    import recorded_streams

    recording = recorded_streams.load("deflate-takeover")
    assert recording.extensions is not None
    reassembler = wsdefrag.MessageReassembler(
        from_client=False, deflate=wsdefrag.DeflateParams.from_header(recording.extensions)
    )
    messages = reassembler.receive_data(recording.server)
    reassembler.receive_eof()
    sent = recording.messages["server"]
    if len(messages) != len(sent) or not all(
        expected.matches(message.content) for expected, message in zip(sent, messages, strict=True)
    ):
        raise SystemExit("the messages are not those that were sent")

    # CPython ends daemon threads by unwinding their stacks until 3.13, which only works if the
    # wheel is linked to the unwinder that does it.
    import daemon_threads

    work = f"def work():\n    list(Capture({str(CAPTURE)!r}).read())\n"
    program = daemon_threads.ending_program("from wsdefrag.capture import Capture", work, threads=4)
    command = [*shlex.split(os.environ.get("EMULATOR", "")), sys.executable, "-c", program]
    for _ in range(ENDS):
        if status := subprocess.run(command, check=False).returncode:
            raise SystemExit(f"a process whose threads worked at its end had status {status}")
    print(f"wsdefrag {wsdefrag.__version__} from {package.parent}: {len(messages)} messages read")


if __name__ == "__main__":
    main()
