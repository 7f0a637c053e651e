"""A capture's connections, each with all of its messages.

What a reader gives is in the order of the packets: messages of all connections, and each
connection once it has ended. Formats that keep a connection in one place (HAR, mitmproxy's flows)
need its messages together, so they are held here until their connection has ended, and no longer.

Invariant: every message that went in comes out exactly once, in order, with its own connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from wsdefrag.capture.connection import CapturedConnection
from wsdefrag.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wsdefrag.capture.capture import Capture
    from wsdefrag.capture.reader import CapturedMessage

    Items: TypeAlias = "Iterable[CapturedMessage | CapturedConnection]"


def items_of(capture: Capture | Items) -> Items:
    """Give what a capture's reader gives.

    Args:
        capture: A capture, which is read from its start, or what a reader of one gives.

    Returns:
        The messages as they were completed, and each connection when it has ended.
    """
    return capture.read() if hasattr(capture, "read") else capture


def conversations(
    capture: Capture | Items,
) -> Iterator[tuple[CapturedConnection, list[CapturedMessage]]]:
    """Read a capture connection by connection.

    Args:
        capture: A capture, or what a reader of one gives.

    Yields:
        Each connection when it has ended, with its messages of both directions in the order in
        which they were completed. Those that have not ended when the items do come last, in the
        order of their first messages; their ``ended`` is None.

    Raises:
        CaptureError: If the capture is broken, after all that was read before.
    """
    open_ones: dict[int, tuple[CapturedConnection, list[CapturedMessage]]] = {}
    failure: CaptureError | None = None
    try:
        for item in items_of(capture):
            if isinstance(item, CapturedConnection):
                yield item, open_ones.pop(item.connection, (item, []))[1]
            else:
                connection = item.connection
                open_ones.setdefault(connection.connection, (connection, []))[1].append(item)
    except CaptureError as error:
        failure = error
    yield from open_ones.values()
    if failure is not None:
        raise failure
