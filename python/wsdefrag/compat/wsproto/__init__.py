r"""wsproto 1.3.2's interface on this package's engine.

Instead of ``from wsproto import ...`` a program writes ``from wsdefrag.compat.wsproto import
...``; the submodules have wsproto's names. Events, enums and exceptions are wsproto's own classes,
and the classes here inherit wsproto's, so that ``isinstance`` holds on both sides. Needs the
extra ``[wsproto]``.

What a connection does is wsproto's behaviour but for the table in ``docs/wsproto.md``:

1. ``receive_data`` keeps bytes. Nothing is read before ``events()`` is iterated.
2. ``events()`` gives one event a frame and network read, read when it is asked for. ``state``
   changes with the event that changes it.
3. A broken rule gives a ``CloseConnection`` with wsproto's code and text, and ends the reading.

A program that is not to be changed is run with
``python -m wsdefrag.compat.wsproto PROGRAM ...``; ``install`` does the same inside a program.

wsproto has no limits and neither has this, unless ``limits=`` says otherwise.

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
