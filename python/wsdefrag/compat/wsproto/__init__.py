r"""A replacement for wsproto 1.3.2 that uses this package's engine.

A program imports from ``wsdefrag.compat.wsproto`` instead of ``wsproto``; the submodules have the
same names. Events, enums and exceptions are wsproto's own classes, and the other classes are
subclasses of wsproto's, so ``isinstance`` works with both. Needs the extra ``[wsproto]``.

A connection behaves as in wsproto, except for the differences listed in ``docs/wsproto.md``:

1. ``receive_data`` only stores bytes.
2. Iterating ``events()`` parses them and yields an event for each frame, or for each received part
   of a frame. ``state`` changes when the event that changes it is yielded.
3. If the peer breaks a rule, the next event is a ``CloseConnection`` with wsproto's code and text,
   and nothing after it is parsed.

To run a program without changing it, use ``python -m wsdefrag.compat.wsproto PROGRAM ...``;
``install`` does the same inside a program.

Like wsproto, a connection has no limits, unless ``limits=`` sets some.

Example:
    >>> from wsdefrag.compat.wsproto import Connection, ConnectionType
    >>> from wsdefrag.compat.wsproto.events import TextMessage
    >>> client, server = Connection(ConnectionType.CLIENT), Connection(ConnectionType.SERVER)
    >>> server.receive_data(client.send(TextMessage("hello")))
    >>> list(server.events())
    [TextMessage(data='hello', frame_finished=True, message_finished=True)]
"""

try:
    from wsproto import __version__
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "wsdefrag.compat.wsproto needs wsproto: pip install 'wsdefrag[wsproto]'", name=error.name
    ) from error

from wsdefrag.compat.wsproto.connection import Connection, ConnectionState, ConnectionType
from wsdefrag.compat.wsproto.handshake import H11Handshake
from wsdefrag.compat.wsproto.installing import install
from wsdefrag.compat.wsproto.wsconnection import WSConnection

__all__ = [
    "Connection",
    "ConnectionState",
    "ConnectionType",
    "H11Handshake",
    "WSConnection",
    "__version__",
    "install",
]
