"""httpx-ws with this package instead of wsproto, and a local server.

    python examples/wsproto_httpx.py

To run a program without changing it, use ``python -m wsdefrag.compat.wsproto PROGRAM``. This
program calls ``install()`` itself, before any import of wsproto.
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
    """Start a server, send it messages, stop it."""
    with serve(echo, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.socket.getsockname()[1]
        session: WebSocketSession
        with connect_ws(f"http://127.0.0.1:{port}/") as session:
            session.send_text("hello, httpx")
            print(session.receive_text())
            # The event is an object of wsproto's own class.
            session.send_bytes(b"\x00" * 3)
            print(session.receive())
        server.shutdown()
        thread.join()


if __name__ == "__main__":
    main()
