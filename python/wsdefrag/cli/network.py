"""What the subcommands that talk have in common: options of TLS and of fields, and event loops."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import click

from wsdefrag.cli.options import duration

FILE = click.Path(exists=True, dir_okay=False, readable=True)

_Option = Callable[[Any], Any]
_F = TypeVar("_F", bound=Callable[..., Any])


def takes(*options: _Option) -> Callable[[_F], _F]:
    """Add options to a command, in this order."""

    def decorate(command: _F) -> _F:
        decorated: Any = command
        for option in reversed(options):
            decorated = option(decorated)
        return decorated  # type: ignore[no-any-return]

    return decorate


def _fields(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Parse ``NAME: VALUE``."""
    fields = []
    for text in values:
        name, colon, value = text.partition(":")
        if not colon:
            raise click.BadParameter(f"{text!r} is not NAME: VALUE.")
        fields.append((name.strip(), value.strip()))
    return tuple(fields)


TO_SERVER: tuple[_Option, ...] = (
    click.option("--via", metavar="URL", help="A proxy on the way: http://, https://, socks5://."),
    click.option("--upstream-ca", type=FILE, metavar="FILE", help="The server's has to be of it."),
    click.option("--upstream-cert", type=FILE, metavar="FILE", help="Certificate for the server."),
    click.option("--insecure", is_flag=True, help="Do not check the server's certificate."),
)
"""Options of the connection to a server."""

FIELDS: tuple[_Option, ...] = (
    click.option(
        "--header",
        multiple=True,
        metavar="'NAME: VALUE'",
        callback=_fields,
        help="Set a field of the requests; repeatable.",
    ),
    click.option(
        "--remove-header", multiple=True, metavar="NAME", help="Remove a field; repeatable."
    ),
)
"""Options of the requests' fields."""

LISTEN: _Option = click.option(
    "--listen",
    multiple=True,
    default=("127.0.0.1:8080",),
    show_default=True,
    metavar="ADDRESS",
    help="PORT, HOST:PORT, :PORT (all addresses) or unix:PATH; repeatable.",
)

HANDSHAKE_TIMEOUT: _Option = click.option(
    "--handshake-timeout",
    type=float,
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    callback=duration,
    help="For a whole request, and for its response.",
)

CLOSE_TIMEOUT: _Option = click.option(
    "--close-timeout",
    type=float,
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    callback=duration,
    help="For the rest of a connection that ends.",
)


def server_tls(
    certificate: str | None, key: str | None, client_ca: str | None
) -> ssl.SSLContext | None:
    """Make the context of a server; None without a certificate.

    Raises:
        ValueError: If there is something for a certificate, and no certificate.
        OSError: If a file is not what it should be.
    """
    if certificate is None:
        if key is not None or client_ca is not None:
            raise ValueError("--key and --client-ca are for --cert")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client_ca)
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, key)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_tls(options: dict[str, Any]) -> ssl.SSLContext | None:
    """Make the context of a client of the values of ``TO_SERVER``; None for the usual one.

    Raises:
        OSError: If a file is not what it should be.
    """
    names = ("upstream_ca", "upstream_cert", "insecure")
    if not any(options[name] for name in names):
        return None
    context = ssl.create_default_context(cafile=options["upstream_ca"])
    context.set_alpn_protocols(["http/1.1"])
    if options["insecure"]:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options["upstream_cert"] is not None:
        context.load_cert_chain(options["upstream_cert"])
    return context


def new_loop() -> asyncio.AbstractEventLoop:
    """Make a loop of uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def allow_many_sockets() -> None:
    """Raise the limit of open files as far as it goes; each connection has two."""
    try:
        import resource
    except ImportError:
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
