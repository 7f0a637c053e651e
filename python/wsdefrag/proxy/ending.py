"""``Ending``: who closed a WebSocket that went through a proxy, with which codes, and why.

The record of a relay has one Close, the first that it received. A proxy that closes by itself sends
a Close to each side, and what it then receives are answers. So the proxy notes what it did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Ending:
    """How a WebSocket was closed.

    Attributes:
        closed_by: ``"client"`` or ``"server"``: the side whose Close, or whose end without a Close,
            came first; or ``"proxy"``.
        close_code: The code that it was closed with; 1006 without a Close (RFC 6455 section 7.1.5).
            If a side broke a rule, the code of that rule.
        client_code: The code of the Close that the client got; None if it got none.
        server_code: The code of the Close that the server got; None if it got none.
        reason: Why the proxy closed it, as a sentence; else the reason in the Close; may be empty.

    Example:
        >>> from wsdefrag.proxy import Ending
        >>> str(Ending("proxy", 1001, 1001, 1001, "idle for 60 seconds"))
        'closed by the proxy, 1001 to the client, 1001 to the server: idle for 60 seconds'
    """

    closed_by: Literal["client", "server", "proxy"]
    close_code: int
    client_code: int | None
    server_code: int | None
    reason: str = ""

    def __str__(self) -> str:
        """Return the ending as a sentence."""
        if self.closed_by == "proxy":
            sides = (("client", self.client_code), ("server", self.server_code))
            codes = [f", {code} to the {side}" for side, code in sides if code is not None]
            how = "".join(codes) or " without a Close"
        else:
            how = f" with {self.close_code}"
        return f"closed by the {self.closed_by}{how}{f': {self.reason}' if self.reason else ''}"
