"""The option ``--metrics``: where a command answers Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from wsdefrag.proxy import ListenAddress

METRICS: Callable[[Any], Any] = click.option(
    "--metrics",
    metavar="[HOST:]PORT",
    help="Answer Prometheus here; HOST is 127.0.0.1 by default, 0.0.0.0 is all addresses.",
)
"""Where counters are served."""


def metrics_address(text: str) -> ListenAddress:
    """Parse the value of ``METRICS``. Counters are for this machine, unless a host says otherwise.

    Raises:
        ValueError: If it is no address with a port.
    """
    # An ingest has nothing else of a proxy, which takes long to import.
    from wsdefrag.proxy import ListenAddress

    address = ListenAddress.parse(text)
    if address.host is None:
        raise ValueError("--metrics listens on a TCP port")
    return replace(address, host=address.host or "127.0.0.1")
