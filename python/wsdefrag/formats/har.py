"""Writes a capture as an HTTP archive (HAR 1.2), which the network panels of browsers open.

Each connection is one entry with request and response. Like Chrome, it has
``_resourceType: "websocket"`` and a list ``_webSocketMessages``. A message has ``type`` (``send``
from the client, ``receive`` from the server), ``time`` (seconds since the epoch), ``opcode`` and
``data`` (the text, or base64 if the message is binary).

An incomplete or invalid message has ``type`` ``error`` and ``opcode`` -1, as Chrome records an
error, and ``data`` describes the problem. So do a gap and a broken rule, in their places. Our own
keys add ``_status`` or ``_kind``, ``_fromClient``, ``_missingBytes``, and the bytes that are known
in ``_base64``.

More keys of our own: ``_webSocketClose`` is the first Close frame; ``_webSocketEvents`` has the
control frames, gaps and violations, each as a JSON line has it (see ``jsonl``); ``_resynced`` marks
messages that were found by a search after a gap, and ``_unauthenticated`` those that may have bytes
of TLS records that were captured in part; ``_dropped`` and ``_injected`` mark messages that
a relay dropped or injected. A text that is not UTF-8, but was tolerated, has U+FFFD in ``data`` for
each wrong byte and its original bytes in ``_base64``.

Values that were not captured are empty, 0 or -1, as HAR requires, and a ``comment`` says so. The
URL of a request that was not captured has the server's address and port. Times of an entry are in
milliseconds: ``wait`` from request to response, ``receive`` from response to last packet. The
body of a refusal is not written.

Times have up to nine decimals: a JSON parser with decimal numbers reads exact nanoseconds.

An entry is written when its connection has ended. Until then its messages stay in memory, and over
some 48 MiB of them in an anonymous temporary file.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from wsdefrag.formats.entries import write_entries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wsdefrag.capture.capture import Capture
    from wsdefrag.formats.conversations import Conversation, Items


def write_har(capture: Capture | Items | Iterable[Conversation], file: IO[bytes]) -> int:
    """Write the connections of a capture as an HTTP archive.

    Args:
        capture: A capture, the items that its reader yields, or conversations.
        file: A binary file, open for writing.

    Returns:
        How many entries were written: one for each connection, in the order in which they ended.

    Raises:
        CaptureError: If the capture is damaged. The archive is valid and contains everything that
            was read before.
        OSError: If the file cannot be written.
    """
    return write_entries(capture, file, "har")
