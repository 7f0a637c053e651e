"""The subcommand ``replay``: sends one recorded side to a server and compares the answers."""

from __future__ import annotations

import ssl
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal

import click

from wsdefrag.cli.input.inputs import EXISTING, captures
from wsdefrag.cli.network import FIELDS, TO_SERVER, allow_many_sockets, client_tls
from wsdefrag.cli.option_values import duration
from wsdefrag.cli.options import CONNECTION_FILTERS, READING, selects
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
from wsdefrag.replay import Replay

if TYPE_CHECKING:
    from wsdefrag.cli.output.rows import Rows
    from wsdefrag.cli.selection import Selection
    from wsdefrag.replay import RecordedConnection

_EPILOG = """
\b
Examples:
  wsdefrag replay day.pcapng --to ws://127.0.0.1:9000
  wsdefrag replay day.mitm --to wss://test.example --speed max --in-turn
  wsdefrag replay day.pcapng --to 127.0.0.1:9000 --connection 3 --differences
  wsdefrag replay day.har --to 127.0.0.1:9000 --ignore '"time": [0-9.]+'
"""

_PLAYING = (
    click.option(
        "--to", required=True, metavar="URL", help="The server: ws://, wss://, HOST:PORT, ws+unix:."
    ),
    click.option(
        "--side",
        type=click.Choice(["client", "server"]),
        default="client",
        show_default=True,
        help="Whose messages are sent.",
    ),
    speed_option("1"),
    click.option(
        "--in-turn", is_flag=True, help="Wait for the answers that came before each message."
    ),
    click.option(
        "--wait",
        type=float,
        default=5.0,
        show_default=True,
        metavar="SECONDS",
        callback=duration,
        help="Silence after which an answer is missing.",
    ),
    click.option(
        "--parallel",
        type=click.IntRange(min=1),
        default=100,
        show_default=True,
        metavar="N",
        help="Most connections at a time.",
    ),
)


@click.command("replay", cls=PlayingCommand, epilog=_EPILOG)
@click.argument("inputs", metavar="CAPTURE...", type=EXISTING, nargs=-1, required=True)
@selects(_PLAYING, FIELDS, TO_SERVER, CONNECTION_FILTERS, PRINTING, WAITING, READING)
@click.pass_context
def replay(
    context: click.Context,
    /,
    *,
    inputs: tuple[str, ...],
    selection: Selection,
    to: str,
    side: Literal["client", "server"],
    speed: float | Literal["max"],
    in_turn: bool,
    wait: float,
    parallel: int,
    **options: Any,  # noqa: ANN401
) -> None:
    """Send one side of recorded connections to a server, and compare its answers.

    Each connection of a capture, a flow file (.mitm) or a HAR file is opened again, with the path,
    the subprotocols and the header fields of its request, cookies included. A line for each answer
    says whether it is equal, different, missing, extra, or unknown because it was not captured.
    """
    reading, connections = read(context, captures(inputs), selection)
    removed = [(name, None) for name in options["remove_header"]]
    try:
        player = Replay(
            to,
            side=side,
            speed=None if speed == "max" else speed,
            in_turn=in_turn,
            patience=wait or 1e-3,
            parallel=parallel,
            fields=[*options["header"], *removed],
            tls=client_tls(options),
            via=options["via"],
            timeouts=timeouts_of(options),
            limits=selection.limits(),
            key=key_without(options["ignore"]),
        )
    except (ValueError, ssl.SSLError) as error:
        raise click.UsageError(f"{error}.") from None
    allow_many_sockets()
    rows = rows_of(options)
    rows.start()
    stopped = run(_play(player, connections, rows))
    if stopped is not None:
        rows.finish()
        raise stopped
    finish(context, reading, rows)


async def _play(player: Replay, connections: list[RecordedConnection], rows: Rows) -> None:
    async with aclosing(player.run(connections)) as results:
        async for played in results:
            rows.add(played)
