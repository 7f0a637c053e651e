"""``Timeouts``: how long a proxy waits for its peers.

Invariant: each value is None, which waits for ever, or more than 0 seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long a proxy waits for its peers, in seconds; None waits for ever.

    Args:
        handshake: For a client's whole request, with its TLS handshake (a client that is late gets
            408), and for the server's whole response (504).
        connect: For the connection to the server, through proxies and with TLS (504).
        idle: For bytes of either side of an open connection; then both sides get a Close with code
            1001.
        ping_interval: For bytes of one side; then it gets a ping of the proxy.
        ping: For bytes of a side that got such a ping; then both sides get a Close with 1001.
        write: For a side to read any of what waits for it; then its connection is aborted.
        close: For the rest of a connection that is ending: the other Close, the ends of both
            streams, the output that is left. Then both are aborted. ``Proxy.close`` waits for
            connections as long.

    Raises:
        ValueError: If a value is not more than 0, or ``ping`` is given without ``ping_interval``.

    Example:
        >>> from wsdefrag.proxy import Timeouts
        >>> Timeouts(idle=300).connect
        10.0
    """

    handshake: float | None = 10.0
    connect: float | None = 10.0
    idle: float | None = None
    ping_interval: float | None = None
    ping: float | None = None
    write: float | None = 60.0
    close: float | None = 10.0

    def __post_init__(self) -> None:
        """Check the values."""
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not value > 0:
                raise ValueError(f"{field.name} must be more than 0 seconds, not {value!r}")
        if self.ping is not None and self.ping_interval is None:
            raise ValueError("ping needs ping_interval: without it no ping is sent")
