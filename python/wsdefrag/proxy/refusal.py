"""``Refusal``: an HTTP response other than 101, with a body that says why.

What a proxy answers by itself:

- 400 and other codes of ``HandshakeFailed``: the request breaks a rule of RFC 6455 section 4.2.1.
- 408: the request did not come in time.
- 500: the hook ``on_connect`` failed.
- 502: the server cannot be reached, or its response is no response to a WebSocket request.
- 503: the proxy is shutting down.
- 504: the server did not answer in time.
"""

from __future__ import annotations

from dataclasses import dataclass

from wsdefrag.handshake import ServerHandshake


@dataclass(eq=False)
class Refusal(Exception):
    r"""An HTTP response that refuses a WebSocket.

    The hook ``on_connect`` returns or raises one.

    Args:
        status: The status code, from 200 to 599.
        text: Why, for people; it becomes the body.
        fields: Further header fields: names and values.

    Raises:
        ValueError: If the status is not from 200 to 599, or a field cannot be sent.

    Example:
        >>> from wsdefrag.proxy import Refusal
        >>> Refusal(403, "members only").response().partition(b"\r\n")[0]
        b'HTTP/1.1 403 Forbidden'
    """

    status: int
    text: str = ""
    fields: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Check the values."""
        self.response()

    def __str__(self) -> str:
        """Status and reason."""
        return f"{self.status} {self.text}"

    def response(self) -> bytes:
        """Write the whole response (RFC 9110 section 15)."""
        body = f"{self.text}\n".encode() if self.text else b""
        return ServerHandshake().reject(self.status, fields=self.fields, body=body)
