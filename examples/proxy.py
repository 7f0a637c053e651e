"""A WebSocket proxy that prints messages, edits them, and saves connections for mitmproxy.

    python examples/proxy.py HOST:PORT [--listen PORT] [--replace OLD NEW] [--write FLOWS.mitm]
                                       [--grace SECONDS]

Forwards ws:// connections to HOST:PORT until it is interrupted or terminated; then it closes them
with 1001. While a side does not read, the proxy reads nothing from the other side, so it buffers at
most a message and a few chunks. `upgrade.py` in this directory handles the HTTP upgrade.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from contextlib import suppress
from pathlib import Path

import wsdefrag
from upgrade import Upgrade, pass_on
from wsdefrag.capture import write_flow

BUDGET = wsdefrag.Budget(256 << 20)  # bytes, for all connections together


class Session:
    """A client, a server, and the relay between them."""

    def __init__(
        self, options: argparse.Namespace, agreed: Upgrade, writers: list[asyncio.StreamWriter]
    ) -> None:
        self.options, self.agreed, self.over = options, agreed, asyncio.Event()
        self.to_client, self.to_server = writers
        self.relay = wsdefrag.WebSocketRelay(
            deflate=agreed.deflate,
            limits=wsdefrag.Limits(max_message_size=8 << 20),
            budget=BUDGET,
            retain=None if options.write else 0,  # a saved flow needs all messages
        )

    async def pump(self, reader: asyncio.StreamReader, *, from_client: bool) -> None:
        """Forward one direction at the speed at which the other side reads."""
        writer = self.to_server if from_client else self.to_client
        data = self.agreed.from_client if from_client else self.agreed.from_server
        with suppress(OSError):
            while data or (data := await reader.read(1 << 16)):
                self.decide(data, from_client)
                self.send()
                await writer.drain()
                data = b""
        self.relay.receive_eof(from_client=from_client)
        with suppress(OSError):
            writer.write_eof()
        self.over.set()

    def decide(self, data: bytes, from_client: bool) -> None:
        """Print, edit and forward the events of a chunk."""
        for event in self.relay.receive_data(data, from_client=from_client):
            print("->" if from_client else "<-", shown(event), flush=True)
            if isinstance(event, wsdefrag.WebSocketMessage) and event.is_text:
                for old, new in self.options.replace:
                    event.text = event.text.replace(old, new)
            self.relay.forward(event)
            if isinstance(event, wsdefrag.ProtocolViolation):
                self.relay.send_close(event.error.close_code, to_client=from_client)
                self.relay.send_close(1011, to_client=not from_client)

    def send(self) -> None:
        """Write the output to both sides; the connection is over when both got a Close."""
        for to_client, writer in ((True, self.to_client), (False, self.to_server)):
            with suppress(RuntimeError):  # write_eof was called for this writer
                writer.write(self.relay.data_to_send(to_client=to_client))
        if self.relay.from_client.close_sent and self.relay.from_server.close_sent:
            self.over.set()

    def save(self, path: Path) -> None:
        """Append the connection to a file of flows."""
        peers = [side.get_extra_info("peername") for side in (self.to_client, self.to_server)]
        heads = self.agreed.request, self.agreed.response
        with path.open("ab") as file:
            write_flow(
                self.relay.websocket,
                file,
                *heads,
                client_address=peers[0][:2],
                server_address=peers[1][:2],
            )


def shown(event: wsdefrag.Event) -> str:
    """Return the `repr` of an event, or of the start of a message."""
    if isinstance(event, wsdefrag.WebSocketMessage):
        return repr(event.text[:90] if event.is_text else event.content[:90])
    return f"{event!r:.100}"


async def run(session: Session, ends: list[asyncio.StreamReader], grace: float) -> None:
    """Forward both directions; when one ends, the other may continue for `grace` seconds."""
    client, server = ends
    pumps = asyncio.gather(
        session.pump(client, from_client=True), session.pump(server, from_client=False)
    )
    pumps.add_done_callback(lambda _: session.over.set())
    await session.over.wait()
    if not (await asyncio.wait([pumps], timeout=grace))[0]:  # a peer does not read or disconnect
        session.to_client.transport.abort()
        session.to_server.transport.abort()
    await pumps


async def close(writers: list[asyncio.StreamWriter], grace: float) -> None:
    """Write the remaining output, for at most `grace` seconds."""
    for writer in writers:
        writer.close()
    ends = asyncio.gather(*(one.wait_closed() for one in writers), return_exceptions=True)
    try:
        await asyncio.wait([ends], timeout=grace)
    finally:
        for writer in writers:
            writer.transport.abort()
    await ends


async def forward(options: argparse.Namespace) -> None:
    """Forward connections until a signal comes."""
    running: dict[asyncio.Task[None], Session | None] = {}

    async def serve(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task, writers = asyncio.current_task(), [to_client]
        assert task is not None
        try:
            server, to_server = await asyncio.open_connection(*options.server.rsplit(":", 1))
            writers.append(to_server)
            agreement = pass_on((client, to_client), (server, to_server))
            agreed = await asyncio.wait_for(agreement, options.grace)
            session = running[task] = Session(options, agreed, writers)
            await run(session, [client, server], options.grace)
            if options.write:
                session.save(options.write)
        except (OSError, ValueError, wsdefrag.WebSocketError, asyncio.TimeoutError) as error:
            print(f"no WebSocket: {error!r}", flush=True)
        finally:
            await close(writers, options.grace)

    def accept(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        # start_server would make a task of a coroutine and print an error when it is cancelled.
        def ended(task: asyncio.Task[None]) -> None:
            del running[task]
            to_client.transport.abort()  # a task that was cancelled before it began closes nothing

        if stopped.is_set():
            to_client.transport.abort()
            return
        task = asyncio.create_task(serve(client, to_client))
        running[task] = None
        task.add_done_callback(ended)

    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    listener = await asyncio.start_server(accept, "127.0.0.1", options.listen)
    print("listening on port", listener.sockets[0].getsockname()[1], flush=True)
    await stopped.wait()
    listener.close()
    for task, session in running.items():
        if session:
            session.relay.send_close(1001, to_client=True)
            session.relay.send_close(1001, to_client=False)
            session.send()
        else:
            task.cancel()  # the handshake is not complete
    if running:
        await asyncio.wait(running)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("server", nargs="?", metavar="HOST:PORT", help="where to connect to")
    parser.add_argument("--listen", type=int, default=0, metavar="PORT", help="default: any")
    parser.add_argument("--replace", nargs=2, action="append", default=[], metavar=("OLD", "NEW"))
    parser.add_argument("--write", type=Path, metavar="FLOWS.mitm")
    grace = "for the upgrade, and for the rest of a connection that has ended; default: 5"
    parser.add_argument("--grace", type=float, default=5.0, metavar="SECONDS", help=grace)
    options = parser.parse_args()
    if options.server is None:
        parser.print_help()
    else:
        asyncio.run(forward(options))


if __name__ == "__main__":
    main()
