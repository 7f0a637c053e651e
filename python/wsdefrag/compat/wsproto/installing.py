"""Putting this package's classes in the place of wsproto's.

wsproto's modules stay what they are; the few names that this package has something else for are
set to it. What was imported from wsproto before keeps what it got, so this comes first.
"""

from __future__ import annotations

from types import ModuleType

import wsproto.connection
import wsproto.extensions
import wsproto.handshake

from wsdefrag.compat.wsproto.connection import Connection
from wsdefrag.compat.wsproto.extensions import SUPPORTED_EXTENSIONS, PerMessageDeflate
from wsdefrag.compat.wsproto.handshake import H11Handshake
from wsdefrag.compat.wsproto.wsconnection import WSConnection

_REPLACED: dict[ModuleType, dict[str, object]] = {
    wsproto: {
        "Connection": Connection,
        "H11Handshake": H11Handshake,
        "WSConnection": WSConnection,
    },
    wsproto.connection: {"Connection": Connection},
    wsproto.extensions: {
        "PerMessageDeflate": PerMessageDeflate,
        "SUPPORTED_EXTENSIONS": SUPPORTED_EXTENSIONS,
    },
    wsproto.handshake: {"Connection": Connection, "H11Handshake": H11Handshake},
}


def install() -> None:
    """Have everything that imports wsproto from now on get this package's classes.

    It holds for this process, and may be called again. Processes that it starts are their own:
    ``python -m wsdefrag.compat.wsproto`` sees to those too.
    """
    for module, names in _REPLACED.items():
        for name, value in names.items():
            setattr(module, name, value)


__all__ = ["install"]
