"""The exceptions and functions of ``wsproto.utilities``, unchanged."""

from wsproto.utilities import (
    ACCEPT_GUID,
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
    generate_accept_token,
    generate_nonce,
    normed_header_dict,
    split_comma_header,
)

__all__ = [
    "ACCEPT_GUID",
    "LocalProtocolError",
    "ProtocolError",
    "RemoteProtocolError",
    "generate_accept_token",
    "generate_nonce",
    "normed_header_dict",
    "split_comma_header",
]
