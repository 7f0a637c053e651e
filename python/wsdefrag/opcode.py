"""``Opcode`` and ``CloseCode``: names for the numbers of the WebSocket protocol.

Both are ``IntEnum``s: members are equal to plain integers and to the members of wsproto's
``Opcode`` and ``CloseReason``, and have the same names as these.

Follows RFC 6455 section 5.2 (opcodes), section 7.4.1 (close codes) and the IANA registry of
WebSocket close codes (1012 to 1014).
"""

from __future__ import annotations

from enum import IntEnum

_CONTROL_BIT = 0x8


class Opcode(IntEnum):
    """The type of a frame: the low four bits of its first byte (RFC 6455 section 5.2).

    Messages are ``TEXT`` or ``BINARY``. Only frames have the other opcodes.

    Example:
        >>> from wsdefrag import Opcode
        >>> Opcode(2)
        <Opcode.BINARY: 2>
        >>> Opcode.TEXT == 1
        True
        >>> Opcode.PING.iscontrol()
        True
    """

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA

    def iscontrol(self) -> bool:
        """Whether frames of this opcode are control frames (RFC 6455 section 5.5).

        Returns:
            True for ``CLOSE``, ``PING`` and ``PONG``, False for the others.
        """
        return bool(self & _CONTROL_BIT)


class CloseCode(IntEnum):
    """The registered close codes (RFC 6455 section 7.4.1).

    Codes from 3000 to 4999 belong to libraries and applications and have no member here, so
    ``close_code`` attributes are plain integers everywhere in this package.

    Example:
        >>> from wsdefrag import CloseCode
        >>> CloseCode(1009).name
        'MESSAGE_TOO_BIG'
        >>> 1000 == CloseCode.NORMAL_CLOSURE
        True
    """

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    # Never sent: a Close frame had no code.
    NO_STATUS_RCVD = 1005
    # Never sent: the connection ended without a Close frame.
    ABNORMAL_CLOSURE = 1006
    INVALID_FRAME_PAYLOAD_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXT = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    # Never sent: the TLS handshake failed.
    TLS_HANDSHAKE_FAILED = 1015
