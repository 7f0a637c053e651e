"""The messages of a capture as tshark reads them and as the package does, for comparison.

tshark is asked to put segments in order; without that it loses messages. Its output does not tell
empty messages from fragmented ones, so the comparison leaves out both.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from capture_seen import Seen
from hang_guard import HANG_SECONDS

TSHARK = shutil.which("tshark")

NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Sent = tuple[int, bool, int, bytes]
"""The client's port, whether it sent this, the opcode, the payload."""


def tshark(path: Path, home: Path, key_log: Path | None = None) -> Iterator[Sent]:
    """The messages of a capture as tshark reads them: those of one frame, and not compressed.

    Args:
        home: an empty directory, so that nobody's settings change what it does.
        key_log: the secrets of its TLS, where they are not in the capture.
    """
    assert TSHARK is not None
    command = [
        *(TSHARK, "-n", "-r", str(path), "-2", "-T", "pdml", "-Y", "websocket"),
        *("-o", "tcp.reassemble_out_of_order:TRUE", "-o", "tcp.desegment_tcp_streams:TRUE"),
    ]
    if key_log is not None:
        command += ["-o", f"tls.keylog_file:{key_log}"]
    environment = os.environ | {"HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    result = subprocess.run(
        command, capture_output=True, check=True, timeout=HANG_SECONDS, env=environment
    )
    # tshark writes characters that XML does not allow without an escape.
    document = NO_XML.sub("?", result.stdout.decode("utf-8", "replace"))
    for packet in ET.fromstring(document).iter("packet"):
        ports: dict[str, int] = {}
        opcode, masked, plain = 0, False, False
        for field in packet.iter("field"):
            name, shown, value = (field.get(key, "") for key in ("name", "show", "value"))
            if name in ("tcp.srcport", "tcp.dstport"):
                ports[name] = int(shown)
            elif name == "websocket.opcode":
                opcode = int(shown)
            elif name == "websocket.mask":
                masked = shown == "1"
            elif name == "websocket.fin":
                plain = shown == "1"
            elif name in ("websocket.rsv", "websocket.pmc"):
                plain = plain and int(shown, 0) == 0
            elif (
                name in ("websocket.payload.text", "data") and opcode in (1, 2) and value and plain
            ):
                port = ports["tcp.srcport" if masked else "tcp.dstport"]
                yield port, masked, opcode, bytes.fromhex(value)


def ours(seen: Seen) -> Counter[Sent]:
    return Counter(
        (one.connection.client_address[1], one.from_client, one.type, one.content)
        for one in seen.messages
        if one.content and one.frames == 1 and not one.compressed
    )
