"""The subcommand ``proxy``: a WebSocket proxy, until Ctrl-C or ``kill``.

The signal closes all connections with 1001; what they still send passes until the close timeout. A
second one ends them at once.
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import logging
import ssl
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from wsdefrag.cli.metrics import METRICS, metrics_address
from wsdefrag.cli.network import (
    CLOSE_TIMEOUT,
    FIELDS,
    FILE,
    HANDSHAKE_TIMEOUT,
    LISTEN,
    TO_SERVER,
    allow_many_sockets,
    client_tls,
    new_loop,
    server_tls,
    takes,
)
from wsdefrag.cli.option_values import duration, size
from wsdefrag.cli.output.errors import UnusableInput, note, printable_name
from wsdefrag.cli.signals import end_in_order, given_to
from wsdefrag.limits import Limits
from wsdefrag.proxy import ListenAddress, Metrics, Proxy, Records, Timeouts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.abc import Loader
    from types import ModuleType

    from wsdefrag.message import WebSocketMessage
    from wsdefrag.proxy import ProxyConnection

_LEVELS = ("debug", "info", "warning", "error", "critical")
_HOOKS = {
    "on_connect": ("request",),
    "on_message": ("message", "connection"),
    "on_close": ("connection",),
}

# How often --stats writes its line, in seconds.
_EVERY = 1.0

_EPILOG = """
\b
SCRIPT has some of these functions, which may be coroutines:
  on_connect(request), on_message(message, connection), on_close(connection)

\b
Exit status:
  0  ended by Ctrl-C or kill, in order
  2  it cannot listen, or the arguments are wrong

\b
Examples:
  wsdefrag proxy --upstream wss://example.com --listen 8080
  wsdefrag proxy --upstream 127.0.0.1:9000 --edit Hello Goodbye --write day.mitm
  wsdefrag proxy --explicit --listen :3128 --via socks5://127.0.0.1:1080
"""


@click.command("proxy", epilog=_EPILOG)
@click.option("--upstream", metavar="URL", help="The server: ws://, wss://, HOST:PORT, ws+unix:.")
@takes(LISTEN)
@click.option("--explicit", is_flag=True, help="Clients may name the server, as with CONNECT.")
@takes(*TO_SERVER)
@click.option(
    "--edit",
    nargs=2,
    multiple=True,
    metavar="OLD NEW",
    help="Replace this in text messages; repeatable.",
)
@click.option("--script", type=FILE, metavar="SCRIPT", help="A Python file with hooks.")
@click.option("--write", metavar="FILE", help="Record into a .mitm, .jsonl or .parquet file.")
@click.option("--rotate-size", metavar="BYTES", callback=size, help="Number the files by size.")
@click.option(
    "--rotate-time", type=float, metavar="SECONDS", callback=duration, help="And by time."
)
@takes(*FIELDS)
@click.option("--keep-host", is_flag=True, help="Keep the Host of the client.")
@click.option("--cert", type=FILE, metavar="FILE", help="Certificate for TLS with clients.")
@click.option("--key", type=FILE, metavar="FILE", help="Its key, if it is not in the same file.")
@click.option("--client-ca", type=FILE, metavar="FILE", help="Clients need a certificate of it.")
@click.option("--tunnel-cert", type=FILE, metavar="FILE", help="Open TLS after a CONNECT with it.")
@click.option(
    "--idle-timeout",
    type=float,
    metavar="SECONDS",
    callback=duration,
    help="Close idle connections.  [default: never]",
)
@takes(HANDSHAKE_TIMEOUT, CLOSE_TIMEOUT)
@click.option(
    "--max-message-size",
    metavar="BYTES",
    callback=size,
    default=f"{Limits().max_message_size}",
    help="Limit of a message, inflated; 0: none.  [default: 64M]",
)
@METRICS
@click.option("--stats", is_flag=True, help="Show counts while it runs.")
@click.option("--log-level", type=click.Choice(_LEVELS), default="info", show_default=True)
def proxy(**options: Any) -> None:  # noqa: ANN401
    """Stand between WebSocket clients and a server.

    Forwards bytes as they arrive, or whole messages if there is something to
    edit. Runs until Ctrl-C or kill, and then closes all connections; a second one
    does not wait for the peers.
    """
    logging.basicConfig(
        level=options["log_level"].upper(),
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    try:
        made, listening = _made(options), _metrics_address(options["metrics"])
    except (ValueError, ssl.SSLError) as error:
        raise click.UsageError(f"{error}.") from None
    allow_many_sockets()
    ended = asyncio.Event()

    def end(_: int) -> None:
        if ended.is_set():
            for connection in list(made.connections):
                connection.abort()
        ended.set()

    try:
        with given_to(loop := new_loop(), end):
            loop.run_until_complete(_run(made, listening, ended, stats=options["stats"]))
            end_in_order()
    except OSError as error:
        raise UnusableInput(
            printable_name(error.filename or "proxy"), error.strerror or str(error)
        ) from None


def _made(options: dict[str, Any]) -> Proxy:
    """Make the proxy.

    Raises:
        ValueError: If the options do not fit together.
    """
    if options["upstream"] is None and not options["explicit"]:
        raise ValueError("give --upstream, or --explicit for clients that name the server")
    hooks = _hooks(options["script"], options["edit"])
    records = None
    if options["write"] is not None:
        records = Records(
            options["write"],
            max_bytes=options["rotate_size"] or None,
            max_seconds=options["rotate_time"] or None,
        )
    elif options["rotate_size"] or options["rotate_time"]:
        raise ValueError("--rotate-size and --rotate-time are for --write")
    removed = [(name, None) for name in options["remove_header"]]
    limit = options["max_message_size"] or None
    return Proxy(
        options["upstream"],
        listen=options["listen"],
        tls=server_tls(options["cert"], options["key"], options["client_ca"]),
        upstream_tls=client_tls(options),
        tunnel_tls=server_tls(options["tunnel_cert"], None, None),
        via=options["via"],
        explicit=options["explicit"],
        host="keep" if options["keep_host"] else "rewrite",
        fields=[*options["header"], *removed],
        records=records,
        limits=Limits(max_message_size=limit, max_frame_size=limit),
        timeouts=Timeouts(
            handshake=options["handshake_timeout"] or None,
            idle=options["idle_timeout"] or None,
            close=options["close_timeout"] or None,
        ),
        **hooks,
    )


def _hooks(script: str | None, edits: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the hooks of a script, and one for the edits."""
    hooks: dict[str, Any] = {}
    if script is not None:
        spec = importlib.util.spec_from_file_location("wsdefrag_proxy_script", script)
        if spec is None or spec.loader is None:
            raise ValueError(f"{printable_name(script)} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        _execute(spec.loader, module, script)
        hooks = {name: getattr(module, name) for name in _HOOKS if hasattr(module, name)}
        if not hooks:
            raise ValueError(f"{printable_name(script)} has none of {', '.join(_HOOKS)}")
    if edits:
        hooks["on_message"] = _editing(edits, hooks.get("on_message"))
    return hooks


def _execute(loader: Loader, module: ModuleType, script: str) -> None:
    """Run a script.

    Raises:
        ValueError: If it raises, or a hook does not take its arguments.
    """
    name = printable_name(script)
    try:
        loader.exec_module(module)
    except SyntaxError as error:
        raise ValueError(f"{name}, line {error.lineno}: {error.msg}") from None
    except Exception as error:
        lines = [
            line for file, line, *_ in traceback.extract_tb(error.__traceback__) if file == script
        ]
        where = f", line {lines[-1]}" if lines else ""
        raise ValueError(f"{name}{where}: {type(error).__name__}: {error}") from None
    for hook, arguments in _HOOKS.items():
        function = getattr(module, hook, None)
        if function is None:
            continue
        if not callable(function):
            raise ValueError(f"{name}: {hook} is not a function")
        with suppress(ValueError):  # no signature is known
            try:
                inspect.signature(function).bind(*arguments)
            except TypeError:
                text = f"{name}: {hook} has to take {' and '.join(arguments)}"
                raise click.UsageError(f"{text}.") from None


def _editing(
    edits: Sequence[tuple[str, str]], then: Callable[..., Any] | None
) -> Callable[[WebSocketMessage, ProxyConnection], Any]:
    """Return a hook that replaces texts, and then calls another one."""

    def edit(message: WebSocketMessage, connection: ProxyConnection) -> Any:  # noqa: ANN401
        if message.is_text:
            before = text = message.text
            for old, new in edits:
                text = text.replace(old, new)
            if text != before:
                message.text = text
        return None if then is None else then(message, connection)

    return edit


def _metrics_address(text: str | None) -> ListenAddress | None:
    if text is None:
        return None
    if importlib.util.find_spec("prometheus_client") is None:
        raise ValueError("--metrics needs: pip install prometheus_client")
    return metrics_address(text)


async def _run(
    proxy: Proxy, metrics: ListenAddress | None, ended: asyncio.Event, *, stats: bool
) -> None:
    """Run the proxy until a signal has set ``ended``."""
    server = None
    if metrics is not None:
        try:
            server = Metrics(proxy).serve(metrics.host or "", metrics.port)
        except OSError as error:
            name = f"--metrics {metrics.host or ''}:{metrics.port}"
            raise UnusableInput(printable_name(name), error.strerror or str(error)) from None
    async with proxy:
        # A log of this level has said it already.
        if not logging.getLogger("wsdefrag.proxy").isEnabledFor(logging.INFO):
            for address in proxy.addresses:
                note(address, "listening")
        try:
            while not ended.is_set():
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(ended.wait(), _EVERY if stats else None)
                if stats and sys.stderr.isatty():
                    click.echo(f"\r\x1b[K{proxy.stats}", err=True, nl=False)
        finally:
            if server is not None:
                server.shutdown()
                server.server_close()
    if stats:
        click.echo(f"\r\x1b[K{proxy.stats}" if sys.stderr.isatty() else str(proxy.stats), err=True)
