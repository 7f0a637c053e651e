"""The subcommand ``mock``: plays the recorded server for clients, until Ctrl-C or ``kill``."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any, Literal

import click

from wsdefrag.cli.input.inputs import EXISTING, captures
from wsdefrag.cli.network import FILE, LISTEN, allow_many_sockets, server_tls
from wsdefrag.cli.options import CONNECTION_FILTERS, READING, selects
from wsdefrag.cli.output.errors import note
from wsdefrag.cli.playing import (
    PRINTING,
    WAITING,
    PlayingCommand,
    finish,
    key_without,
    read,
    rows_of,
    run,
    speed_option,
    timeouts_of,
)
from wsdefrag.replay import Mock

if TYPE_CHECKING:
    from wsdefrag.cli.selection import Selection

_EPILOG = """
\b
Examples:
  wsdefrag mock day.pcapng --listen 9000
  wsdefrag mock day.mitm --listen 9000 --path /chat --once
  wsdefrag mock day.har --any-path --speed 1
"""

_PLAYING = (
    LISTEN,
    speed_option("max"),
    click.option(
        "--any-path", is_flag=True, help="Answer paths that were not recorded, with any connection."
    ),
    click.option("--once", is_flag=True, help="End when each connection has been played."),
    click.option("--cert", type=FILE, metavar="FILE", help="Certificate for TLS with clients."),
    click.option("--cert-key", type=FILE, metavar="FILE", help="Its key, if it is not in there."),
    click.option(
        "--client-ca", type=FILE, metavar="FILE", help="Clients need a certificate of it."
    ),
)


@click.command("mock", cls=PlayingCommand, epilog=_EPILOG)
@click.argument("inputs", metavar="CAPTURE...", type=EXISTING, nargs=-1, required=True)
@selects(_PLAYING, CONNECTION_FILTERS, PRINTING, WAITING, READING)
@click.pass_context
def mock(
    context: click.Context,
    /,
    *,
    inputs: tuple[str, ...],
    selection: Selection,
    listen: tuple[str, ...],
    speed: float | Literal["max"],
    any_path: bool,
    once: bool,
    **options: Any,  # noqa: ANN401
) -> None:
    """Play the server of recorded connections for clients that connect.

    A client gets the next recorded connection of its path: the response, and what the server sent,
    each message after as many messages of the client as had come before it. A line for each message
    of the client says whether it is equal, different, missing, extra, or unknown. Runs until Ctrl-C
    or kill.
    """
    reading, connections = read(context, captures(inputs), selection)
    rows = rows_of(options)
    try:
        made = Mock(
            connections,
            listen=listen,
            any_path=any_path,
            speed=None if speed == "max" else speed,
            on_played=rows.add,
            tls=server_tls(options["cert"], options["cert_key"], options["client_ca"]),
            timeouts=timeouts_of(options),
            limits=selection.limits(),
            key=key_without(options["ignore"]),
        )
    except (ValueError, ssl.SSLError) as error:
        raise click.UsageError(f"{error}.") from None
    allow_many_sockets()
    rows.start()
    run(_serve(made, once=once))
    finish(context, reading, rows)


async def _serve(made: Mock, *, once: bool) -> None:
    async with made:
        for address in made.addresses:
            note(address, "listening")
        await (made.wait_played() if once else asyncio.Event().wait())
