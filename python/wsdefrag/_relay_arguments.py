"""Checks the arguments that both relays share and collects them for the native module."""

from __future__ import annotations

from typing import Literal, TypedDict

import wsdefrag.events  # noqa: F401  (the native module makes events, and imports nothing)
from wsdefrag._arguments import (
    require_compression,
    require_extension,
    require_optional,
    require_seconds,
)
from wsdefrag.budget import Budget
from wsdefrag.deflate import DeflateParams
from wsdefrag.fragmenter import Fragmenter
from wsdefrag.limits import Limits
from wsdefrag.strictness import Strictness


class RelayTimeouts(TypedDict):
    """The timeouts of the native relays, in seconds."""

    idle: float | None
    ping_interval: float | None
    ping: float | None
    write: float | None
    close: float | None


class RelayOptions(TypedDict):
    """The arguments of the native relays."""

    deflate: DeflateParams | None
    server_deflate: DeflateParams | None
    client_limits: Limits
    server_limits: Limits
    strictness: Strictness
    fresh_keys: bool
    fragmenter: Fragmenter
    compress_from: int
    compression_level: int
    extension: str | None
    budget: Budget | None
    timeouts: RelayTimeouts


def relay_options(
    *,
    deflate: DeflateParams | None,
    server_deflate: DeflateParams | Literal["same"] | None,
    limits: Limits | None,
    client_limits: Limits | None,
    server_limits: Limits | None,
    budget: Budget | None,
    strictness: Strictness | None,
    masking: Literal["keep", "fresh"],
    fragmenter: Fragmenter | None,
    compress_from: int,
    compression_level: int,
    extension: str | None,
    timeouts: RelayTimeouts,
) -> RelayOptions:
    """Check the arguments of a relay.

    Raises TypeError if one has the wrong type, and ValueError if one is out of range.
    """
    if server_deflate == "same":
        server_deflate = deflate
    for name, value, wanted in (
        ("deflate", deflate, DeflateParams),
        ("server_deflate", server_deflate, DeflateParams),
        ("limits", limits, Limits),
        ("client_limits", client_limits, Limits),
        ("server_limits", server_limits, Limits),
        ("budget", budget, Budget),
        ("strictness", strictness, Strictness),
        ("fragmenter", fragmenter, Fragmenter),
    ):
        require_optional(name, value, wanted)
    if masking not in ("keep", "fresh"):
        raise ValueError(f'masking must be "keep" or "fresh", not {masking!r}')
    return {
        "deflate": deflate,
        "server_deflate": server_deflate,
        "client_limits": client_limits or limits or Limits(),
        "server_limits": server_limits or limits or Limits(),
        "strictness": strictness or Strictness(),
        "fresh_keys": masking == "fresh",
        "fragmenter": fragmenter or Fragmenter(),
        "compress_from": require_compression(compress_from, compression_level),
        "compression_level": compression_level,
        "extension": require_extension(extension),
        "budget": budget,
        "timeouts": timeouts,
    }


def relay_timeouts(
    *,
    idle_timeout: float | None,
    ping_interval: float | None,
    ping_timeout: float | None,
    write_timeout: float | None,
    close_timeout: float | None,
) -> RelayTimeouts:
    """Check the timeouts of a relay.

    Raises TypeError if one has the wrong type, and ValueError if one is out of range.
    """
    if ping_timeout is not None and ping_interval is None:
        raise ValueError("ping_timeout needs ping_interval: without it no ping is sent")
    return {
        "idle": require_seconds("idle_timeout", idle_timeout),
        "ping_interval": require_seconds("ping_interval", ping_interval),
        "ping": require_seconds("ping_timeout", ping_timeout),
        "write": require_seconds("write_timeout", write_timeout),
        "close": require_seconds("close_timeout", close_timeout),
    }
