"""The subcommand ``mitmproxy-addon``: prints the path of the script for mitmproxy."""

from __future__ import annotations

import click

from wsdefrag.compat.mitmproxy import SCRIPT

_EPILOG = """
\b
Examples:
  mitmdump -s "$(wsdefrag mitmproxy-addon)"
  mitmproxy -s "$(wsdefrag mitmproxy-addon)" --set wsdefrag_retain=1000
  mitmdump -s "$(wsdefrag mitmproxy-addon)" --options | grep wsdefrag_
"""


@click.command("mitmproxy-addon", epilog=_EPILOG)
def mitmproxy_addon() -> None:
    """Print the path of a script that makes mitmproxy use wsdefrag for WebSockets.

    wsdefrag and mitmproxy must be installed in the same Python environment
    (mitmproxy's own binaries cannot load other packages). With an unsupported
    release of mitmproxy, the script logs one line and changes nothing.
    """
    click.echo(SCRIPT)
