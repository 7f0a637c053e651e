"""The keys of mitmproxy's flow format 21, all of them, and the types of their values."""

from __future__ import annotations

from typing import Any

CONNECTION = {
    "id": str,
    "peername": list,
    "sockname": list,
    "transport_protocol": str,
    "error": None,
    "tls": bool,
    "certificate_list": list,
    "alpn": None,
    "alpn_offers": list,
    "cipher": None,
    "cipher_list": list,
    "tls_version": None,
    "sni": None,
    "timestamp_start": float,
    "timestamp_end": (float, None),
    "timestamp_tls_setup": None,
}
HEAD = {
    "http_version": bytes,
    "headers": list,
    "trailers": None,
    "timestamp_start": float,
    "timestamp_end": float,
}
FLOW: dict[str, Any] = {
    "version": int,
    "type": str,
    "id": str,
    "error": None,
    "client_conn": CONNECTION | {"mitmcert": None, "proxy_mode": str},
    "server_conn": CONNECTION | {"address": list, "timestamp_tcp_setup": None, "via": None},
    "intercepted": bool,
    "is_replay": None,
    "marked": str,
    "metadata": dict,
    "comment": str,
    "timestamp_created": float,
    "request": HEAD
    | {
        "content": bytes,
        "host": str,
        "port": int,
        "method": bytes,
        "scheme": bytes,
        "authority": bytes,
        "path": bytes,
    },
    "response": HEAD | {"content": (bytes, None), "status_code": int, "reason": bytes},
    "websocket": {
        "messages": list,
        "closed_by_client": (bool, None),
        "close_code": (int, None),
        "close_reason": (str, None),
        "timestamp_end": (float, None),
    },
}
MAY_BE_MISSING = ("response", "websocket")


def check(found: Any, wanted: Any, name: str = "flow") -> None:
    """Compare with the keys that flow format 21 has, all of them and no other."""
    if isinstance(wanted, dict):
        if found is None:
            assert name in MAY_BE_MISSING
            return
        assert found.keys() == wanted.keys(), name
        for key, of in wanted.items():
            check(found[key], of, key)
        return
    allowed = wanted if isinstance(wanted, tuple) else (wanted,)
    assert any(found is None if of is None else type(found) is of for of in allowed), (name, found)
    assert found != 0.0 or type(found) is not float, name
