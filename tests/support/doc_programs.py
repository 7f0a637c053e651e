"""The programs that commands of the documentation find before those of the machine.

`wsdefrag` and `python` are those of the tests. Programs that would need a network, root, a server
that runs until it is stopped, or an installation, are replaced: each is named here, with what it
does instead. What they do with wsdefrag is tested elsewhere (the wheel by `make wheel`, servers in
`tests/compat`, the proxies in `tests/examples`).
"""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

_CAPTURES = Path(__file__).resolve().parents[2] / "vectors" / "captures"

# Writes a recording to standard output or to the file after `-w`.
_CAPTURES_PACKETS = f"""
file=-
while [ $# != 0 ]; do [ "$1" = -w ] && file=$2; shift; done
case "$file" in
-) cat {_CAPTURES}/demo.pcapng ;;
/*) ;;
*) cp {_CAPTURES}/demo.pcapng "$file" ;;
esac
"""
# Writes keys as a TLS library does.
_LOGS_KEYS = f'[ -z "$SSLKEYLOGFILE" ] || cat {_CAPTURES}/tls.keys.log >>"$SSLKEYLOGFILE"'
_DOES_NOTHING = "exit 0"
_PYTHON = f"""
case "$*" in
*wsdefrag.compat.wsproto*|*examples/*|*ssl*) {_LOGS_KEYS}; exit 0 ;;
esac
exec {sys.executable} "$@"
"""

SERVERS = ("mock", "proxy", "replay")
"""The subcommands of `wsdefrag` that are or need a server: only their arguments are read."""

PROGRAMS = {
    "wsdefrag": f'exec {sys.executable} -m wsdefrag "$@"',
    "python": _PYTHON,
    "tcpdump": _CAPTURES_PACKETS,
    "dumpcap": _CAPTURES_PACKETS,
    "ssh": f"cat {_CAPTURES}/demo.pcapng",
    "kubectl": f"cat {_CAPTURES}/demo.pcapng",
    "curl": _LOGS_KEYS,
    "chromium": _LOGS_KEYS,
    "firefox": _LOGS_KEYS,
    "node": _LOGS_KEYS,
    "ecapture": _DOES_NOTHING,
    "pip": _DOES_NOTHING,
    "pipx": _DOES_NOTHING,
    "make": _DOES_NOTHING,
    "mitmdump": _DOES_NOTHING,
    "xdg-open": _DOES_NOTHING,
}


@cache
def folder() -> Path:
    """A folder with these programs."""
    made = Path(tempfile.mkdtemp(prefix="wsdefrag-docs-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    for name, script in PROGRAMS.items():
        path = made / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    return made
