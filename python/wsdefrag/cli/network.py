"""What the subcommands that talk have in common: options of TLS and of fields, and event loops."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import click

from wsdefrag.cli.option_values import duration
from wsdefrag.cli.output.errors import printable_name

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
        ValueError: If there is something for a certificate, and no certificate, or a file is not
            what it should be.
        OSError: If a file cannot be read.
    """
    if certificate is None:
        if key is not None or client_ca is not None:
            raise ValueError("--key and --client-ca are for --cert")
        return None
    context = _context(ssl.Purpose.CLIENT_AUTH, "--client-ca", client_ca)
    context.set_alpn_protocols(["http/1.1"])
    _load(context, certificate, key, "; give its key as well")
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _context(purpose: ssl.Purpose, option: str, authorities: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(purpose, cafile=authorities)
    except ssl.SSLError as error:
        name, reason = printable_name(authorities or ""), error.reason or str(error)
        if "certificate" in reason.lower() or b"-----BEGIN CERTIFICATE" not in _read(authorities):
            reason = "has no certificate in PEM"
        raise ValueError(f"{option}: {name} {reason}") from None


def _load(context: ssl.SSLContext, certificate: str, key: str | None, hint: str) -> None:
    """Load a certificate and its key; an error says what is not in which file."""
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        name, key_name = printable_name(certificate), printable_name(key or certificate)
        if b"-----BEGIN CERTIFICATE" not in _read(certificate):
            raise ValueError(f"{name} has no certificate in PEM") from None
        if b"PRIVATE KEY-----" not in _read(key or certificate):
            more = "" if key else hint
            raise ValueError(f"{key_name} has no private key in PEM{more}") from None
        raise ValueError(f"{name} and the key in {key_name}: {error.reason or error}") from None


def _read(path: str | None) -> bytes:
    return b"" if path is None else Path(path).read_bytes()


def client_tls(options: dict[str, Any]) -> ssl.SSLContext | None:
    """Make the context of a client of the values of ``TO_SERVER``; None for the usual one.

    Raises:
        ValueError: If a file is not what it should be.
        OSError: If a file cannot be read.
    """
    names = ("upstream_ca", "upstream_cert", "insecure")
    if not any(options[name] for name in names):
        return None
    context = _context(ssl.Purpose.SERVER_AUTH, "--upstream-ca", options["upstream_ca"])
    context.set_alpn_protocols(["http/1.1"])
    if options["insecure"]:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options["upstream_cert"] is not None:
        _load(context, options["upstream_cert"], None, ", which has to be in the same file")
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
