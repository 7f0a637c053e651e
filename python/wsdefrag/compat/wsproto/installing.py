"""``install``: replaces names in wsproto's modules with this package's.

The modules stay; only the names that differ are set to this package's classes and functions. A name
that a program imported before keeps wsproto's, so ``install`` must run before such imports.
"""

from __future__ import annotations

from types import ModuleType

import wsproto.connection
import wsproto.extensions
import wsproto.handshake
import wsproto.utilities

from wsdefrag.compat.wsproto.connection import Connection
from wsdefrag.compat.wsproto.extensions import SUPPORTED_EXTENSIONS, PerMessageDeflate
from wsdefrag.compat.wsproto.handshake import (
    H11Handshake,
    client_extensions_handshake,
    server_extensions_handshake,
)
from wsdefrag.compat.wsproto.utilities import split_comma_header
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
    wsproto.handshake: {
        "Connection": Connection,
        "H11Handshake": H11Handshake,
        "client_extensions_handshake": client_extensions_handshake,
        "server_extensions_handshake": server_extensions_handshake,
        "split_comma_header": split_comma_header,
    },
    wsproto.utilities: {"split_comma_header": split_comma_header},
}


def install() -> None:
    """Replace wsproto's names for all imports from now on.

    Affects only this process; may be called again. To include the processes that a program starts,
    run it with ``python -m wsdefrag.compat.wsproto``.
    """
    for module, names in _REPLACED.items():
        for name, value in names.items():
            setattr(module, name, value)


__all__ = ["install"]
