"""Where a proxy listens and where it connects to: ``ListenAddress`` and ``Upstream``.

    127.0.0.1:8080  [::1]:8080  :8080  8080  unix:/run/proxy.sock       to listen
    ws://host:port/path  wss://host  host:port  ws+unix:///run/app.sock   a server
    http://user:password@host:3128  https://...  socks5://host:1080      a proxy on the way

Ports are those of RFC 6455 section 3 where a URL has none: 80 for ``ws``, 443 for ``wss``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

_PORTS = {"ws": 80, "wss": 443, "http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_LARGEST_PORT = 65_535


@dataclass(frozen=True)
class ListenAddress:
    """An address to listen on.

    Attributes:
        host: IP address or name; empty for all addresses, None for a Unix socket.
        port: TCP port; 0 for any free one.
        path: The path of a Unix socket, or None.
    """

    host: str | None
    port: int = 0
    path: str | None = None

    @classmethod
    def parse(cls, text: str | int) -> ListenAddress:
        """Parse ``PORT``, ``HOST:PORT``, ``[IPv6]:PORT``, ``:PORT`` or ``unix:PATH``.

        A port alone listens on 127.0.0.1, ``:PORT`` on all addresses.

        Raises:
            ValueError: If the text is none of these.
        """
        text = str(text)
        if text.startswith("unix:"):
            if not text[5:]:
                raise ValueError(f"{text!r} has no path")
            return cls(None, path=text[5:])
        host, colon, port = text.rpartition(":")
        if not colon:
            host = "127.0.0.1"
        elif host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise ValueError(f"{text!r}: an IPv6 address stands in brackets")
        return cls(host, _port(port, text, least=0))


@dataclass(frozen=True)
class Upstream:
    """A server, or a proxy on the way to one.

    Attributes:
        scheme: ``ws``, ``wss``; ``http``, ``https``, ``socks5`` for a proxy.
        host: IP address or name, without brackets; ``localhost`` for a Unix socket.
        port: TCP port.
        path: What stands before the paths of clients; empty, or a path without a slash at its end.
        socket_path: The path of a Unix socket, or None.
        credentials: User name and password for a proxy, or None.

    Example:
        >>> from wsdefrag.proxy import Upstream
        >>> server = Upstream.parse("wss://example.com/api/")
        >>> server.authority, server.port, server.path
        ('example.com', 443, '/api')
    """

    scheme: str
    host: str
    port: int
    path: str = ""
    socket_path: str | None = None
    credentials: tuple[str, str] | None = None

    @classmethod
    def parse(cls, text: str) -> Upstream:
        """Parse the URL of a server, or ``HOST:PORT`` for ``ws``.

        Raises:
            ValueError: If it is no URL of a WebSocket server (RFC 6455 section 3).
        """
        if "://" not in text and not text.startswith(("ws+unix:", "unix:")):
            text = f"ws://{text}"
        if text.startswith(("ws+unix:", "unix:")):
            path = text.partition("unix:")[2]
            path = "/" + path.lstrip("/") if path.startswith("//") else path
            if not path:
                raise ValueError(f"{text!r} has no path")
            return cls("ws", "localhost", 80, socket_path=path)
        return cls._of_url(text, ("ws", "wss"))

    @classmethod
    def parse_proxy(cls, text: str) -> Upstream:
        """Parse the URL of a proxy: ``http``, ``https``, ``socks5`` or ``socks5h``.

        Raises:
            ValueError: If it is no such URL.
        """
        return cls._of_url(text, ("http", "https", "socks5", "socks5h"))

    @classmethod
    def _of_url(cls, text: str, schemes: tuple[str, ...]) -> Upstream:
        url = urlsplit(text)
        if url.scheme not in schemes:
            *names, last = (f"{name}://" for name in schemes)
            raise ValueError(f"{text!r} does not begin with {', '.join(names)} or {last}")
        if not url.hostname or url.query or url.fragment:
            raise ValueError(f"{text!r} is not SCHEME://HOST:PORT/PATH")
        credentials = None
        if url.username is not None:
            credentials = unquote(url.username), unquote(url.password or "")
        if credentials and url.scheme in ("ws", "wss"):
            raise ValueError("a server's URL has no user name; give an Authorization field")
        try:
            port = url.port
        except ValueError:
            raise ValueError(f"{text!r} has no port from 1 to {_LARGEST_PORT}") from None
        scheme = "socks5" if url.scheme == "socks5h" else url.scheme
        path = url.path.rstrip("/")
        return cls(scheme, url.hostname, port or _PORTS[scheme], path, None, credentials)

    @classmethod
    def of_authority(cls, authority: str, *, scheme: str = "ws") -> Upstream:
        """Parse the ``host:port`` of a CONNECT request (RFC 9110 section 9.3.6).

        Raises:
            ValueError: If it has no host or no port.
        """
        host, colon, port = authority.rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        if not colon or not host or any(one in host for one in "/@[] "):
            raise ValueError(f"{authority!r} is not HOST:PORT")
        return cls(scheme, host, _port(port, authority, least=1))

    def with_scheme(self, scheme: str) -> Upstream:
        """The same server with another scheme."""
        return replace(self, scheme=scheme)

    @property
    def is_secure(self) -> bool:
        """Whether TLS is used."""
        return self.scheme in ("wss", "https")

    @property
    def host_port(self) -> str:
        """Host and port, as CONNECT names them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def authority(self) -> str:
        """The ``Host`` field: without the port that the scheme has anyway."""
        return (
            self.host_port.rpartition(":")[0]
            if self.port == _PORTS[self.scheme]
            else (self.host_port)
        )

    def __str__(self) -> str:
        """The URL, without credentials."""
        if self.socket_path is not None:
            return f"ws+unix://{self.socket_path}"
        return f"{self.scheme}://{self.authority}{self.path}"


def _port(text: str, whole: str, *, least: int) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text) <= _LARGEST_PORT):
        raise ValueError(f"{whole!r} has no port from {least} to {_LARGEST_PORT}")
    return int(text)
