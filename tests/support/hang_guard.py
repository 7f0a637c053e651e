"""How long a test waits before it says that something hangs.

No test measures time by it: on a busy machine everything may take as long as it takes. Tests wait
for events, and this ends only those whose event never comes.
"""

from __future__ import annotations

from typing import Any

HANG_SECONDS = 600

PATIENT: dict[str, Any] = {"open_timeout": None, "close_timeout": None, "ping_interval": None}
"""Options for clients and servers of websockets, which would give up a slow peer by themselves."""
