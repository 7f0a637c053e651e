"""The subcommand ``mitmproxy-addon``: where the script for mitmproxy lies."""

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
    """Print the path of a script that gives mitmproxy this engine.

    wsdefrag has to be installed where mitmproxy is (mitmproxy's own binaries
    take no other packages). With a release that it does not know, mitmproxy
    says so in one line and works as without it.
    """
    click.echo(SCRIPT)
