"""A WebSocket proxy for asyncio; ``Proxy`` is where to start."""

from wsdefrag.proxy.address import ListenAddress, Upstream
from wsdefrag.proxy.connection import ProxyConnection
from wsdefrag.proxy.ending import Ending
from wsdefrag.proxy.metrics import Metrics
from wsdefrag.proxy.peer import Peer
from wsdefrag.proxy.proxy import Proxy
from wsdefrag.proxy.records import Records
from wsdefrag.proxy.refusal import Refusal
from wsdefrag.proxy.request import ProxyRequest
from wsdefrag.proxy.stats import Latencies, Stats
from wsdefrag.proxy.timeouts import Timeouts

__all__ = [
    "Ending",
    "Latencies",
    "ListenAddress",
    "Metrics",
    "Peer",
    "Proxy",
    "ProxyConnection",
    "ProxyRequest",
    "Records",
    "Refusal",
    "Stats",
    "Timeouts",
    "Upstream",
]
