//! The docstrings of the types of events; each begins with the signature of its constructor.

use std::ffi::CStr;

pub(crate) const PING: &CStr = cr#"Ping(payload, from_client, timestamp, offset)
--

A Ping frame (RFC 6455 section 5.5.2).

Attributes:
    payload: Its application data, 0 to 125 bytes.
    from_client: Whether the client sent it.
    timestamp: Seconds since the epoch.
    offset: First byte of the frame, in bytes.

Example:
    >>> import wsdefrag
    >>> server = wsdefrag.WebSocketDirection(from_client=False)
    >>> server.receive_data(b"\x89\x02ok", timestamp=1.5)
    [Ping(payload=b'ok', from_client=False, timestamp=1.5, offset=0)]
"#;

pub(crate) const PONG: &CStr = cr#"Pong(payload, from_client, timestamp, offset)
--

A Pong frame, solicited or unsolicited (RFC 6455 section 5.5.3).

Attributes:
    payload: Its application data, 0 to 125 bytes.
    from_client: Whether the client sent it.
    timestamp: Seconds since the epoch.
    offset: First byte of the frame, in bytes.

Example:
    >>> import wsdefrag
    >>> server = wsdefrag.WebSocketDirection(from_client=False)
    >>> server.receive_data(b"\x8a\x00", timestamp=1.5)
    [Pong(payload=b'', from_client=False, timestamp=1.5, offset=0)]
"#;

pub(crate) const CLOSE: &CStr = cr#"Close(close_code, close_reason, from_client, timestamp, offset)
--

A Close frame (RFC 6455 section 5.5.1).

Attributes:
    close_code: The close code; 1005 if the frame has none (RFC 6455 section 7.1.5).
    close_reason: The close reason; ``""`` if the frame has none (RFC 6455 section 7.1.6).
    from_client: Whether the client sent it.
    timestamp: Seconds since the epoch.
    offset: First byte of the frame, in bytes.

Example:
    >>> import wsdefrag
    >>> server = wsdefrag.WebSocketDirection(from_client=False)
    >>> (close,) = server.receive_data(b"\x88\x05\x03\xe8bye")
    >>> close.close_code, close.close_reason
    (1000, 'bye')
"#;

pub(crate) const OPAQUE: &CStr =
    cr#"OpaqueMessage(type, content, rsv, extension, from_client, timestamp, offset)
--

A complete message of an agreed extension that this package does not implement.

It occurs only if the argument ``extension`` was given, in two cases: the message has reserved
bits that permessage-deflate does not use; or the message is compressed and may refer to such a
message.

Attributes:
    type: ``Opcode.TEXT`` or ``Opcode.BINARY``, from its first frame.
    content: The payload, unmasked, but neither inflated nor checked for UTF-8. Empty if
        inflation of the message had started before a frame with the extension's bits.
    rsv: The reserved bits of all its frames: the sum of 4 for RSV1, 2 for RSV2, 1 for RSV3.
    extension: The name of the extension.
    from_client: Whether the client sent it.
    timestamp: Seconds since the epoch.
    offset: First byte of its first frame, in bytes.

Example:
    >>> import wsdefrag
    >>> connection = wsdefrag.WebSocketConnection(extension="x-shorthand")
    >>> (message,) = connection.receive_data(b"\xa1\x02\xfe\xff", from_client=False)
    >>> message.content, message.rsv, message.extension
    (b'\xfe\xff', 2, 'x-shorthand')
"#;

pub(crate) const INCOMPLETE: &CStr = cr#"Incomplete(type, content, from_client, timestamp, offset)
--

A header, frame or message that was incomplete when its direction ended.

Attributes:
    type: The opcode of the open message, or of the incomplete frame if no message was open.
    content: The payload received so far, unmasked and inflated.
    from_client: Whether the client sent it.
    timestamp: Seconds since the epoch.
    offset: First byte of the message's first frame, or of the incomplete frame, in bytes.

Example:
    >>> import wsdefrag
    >>> server = wsdefrag.WebSocketDirection(from_client=False)
    >>> server.receive_data(b"\x01\x03Hel")
    []
    >>> (incomplete,) = server.receive_eof()
    >>> incomplete.type, incomplete.content
    (<Opcode.TEXT: 1>, b'Hel')
"#;

pub(crate) const UNCOLLECTED: &CStr =
    cr#"UncollectedMessage(type, length, from_client, timestamp, offset)
--

A complete message that was read and checked, but whose content was not collected.

It occurs only in a ``PassThroughRelay``: for every message if the argument ``collect_up_to`` was
not given, otherwise for those that are longer or exceed a limit.

Attributes:
    type: ``Opcode.TEXT`` or ``Opcode.BINARY``.
    length: Bytes of its content; of its payload, if an unknown extension is used in it.
    from_client: Whether the client sent it.
    timestamp: Seconds since the epoch.
    offset: First byte of its first frame, in bytes.

Example:
    >>> import wsdefrag
    >>> relay = wsdefrag.PassThroughRelay()
    >>> relay.receive_data(b"\x81\x05hello", from_client=False, timestamp=1.5)
    [UncollectedMessage(type=<Opcode.TEXT: 1>, length=5, from_client=False, timestamp=1.5, offset=0)]
"#;

pub(crate) const CHUNK: &CStr =
    cr#"MessageChunk(type, content, message_finished, from_client, timestamp, offset)
--

A part of a message, given out before the whole message has arrived; see ``ChunkDecoder``.

Attributes:
    type: The type of the message: ``Opcode.TEXT`` or ``Opcode.BINARY``.
    content: The next bytes of the content, unmasked and inflated. Only the last chunk of a message
        may be empty.
    message_finished: Whether it is the last chunk of the message.
    from_client: Whether the client sent it.
    timestamp: Seconds since the epoch.
    offset: First byte of the message's first frame, in bytes.

Example:
    >>> import wsdefrag
    >>> decoder = wsdefrag.ChunkDecoder(from_client=False)
    >>> (chunk,) = decoder.receive_data(b"\x81\x05he")
    >>> chunk.content, chunk.message_finished
    (b'he', False)
"#;
