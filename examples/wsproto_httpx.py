"""httpx-ws on the drop-in for wsproto, talking to a server on this machine.

    python examples/wsproto_httpx.py

A program that is not to be touched is started with ``python -m wsdefrag.compat.wsproto PROGRAM``;
this one puts the drop-in in wsproto's place itself, before anything imports wsproto.
"""

from __future__ import annotations

import threading

from websockets.sync.server import ServerConnection, serve

from wsdefrag.compat.wsproto import install

install()

from httpx_ws import WebSocketSession, connect_ws  # noqa: E402


def echo(connection: ServerConnection) -> None:
    """Send back the messages of one connection."""
    for message in connection:
        connection.send(message)


def main() -> None:
    """Start a server, say something to it, stop it."""
    with serve(echo, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.socket.getsockname()[1]
        session: WebSocketSession
        with connect_ws(f"http://127.0.0.1:{port}/") as session:
            session.send_text("hello, httpx")
            print(session.receive_text())
            # Its events are wsproto's own.
            session.send_bytes(b"\x00" * 3)
            print(session.receive())
        server.shutdown()
        thread.join()


if __name__ == "__main__":
    main()
