"""``Settings``: what all connections of a proxy share, and the type of the hook for requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from wsdefrag.proxy.read_buffer import ReadBuffer
from wsdefrag.proxy.stats import Stats
from wsdefrag.proxy.timeouts import Timeouts

if TYPE_CHECKING:
    import ssl

    from wsdefrag.budget import Budget
    from wsdefrag.limits import Limits
    from wsdefrag.proxy.address import Upstream
    from wsdefrag.proxy.records import Records
    from wsdefrag.proxy.refusal import Refusal
    from wsdefrag.proxy.request import ProxyRequest
    from wsdefrag.strictness import Strictness

    OnConnect: TypeAlias = Callable[[ProxyRequest], Refusal | Awaitable[Refusal | None] | None]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What all connections of a proxy share; ``Proxy`` documents the values."""

    upstream: Upstream | None
    via: Upstream | None
    is_explicit: bool
    upstream_tls: ssl.SSLContext | None
    tunnel_tls: ssl.SSLContext | None
    on_connect: OnConnect | None
    host: Literal["rewrite", "keep"]
    fields: tuple[tuple[str, str | None], ...]
    limits: Limits | None
    strictness: Strictness | None
    budget: Budget | None
    timeouts: Timeouts
    water: tuple[int, int]
    max_head_size: int
    retain: int | None
    records: Records | None
    stats: Stats = field(default_factory=Stats)
    buffer: ReadBuffer = field(default_factory=ReadBuffer)
