"""``CapturedTls`` and ``TlsAccount``: what is known of the TLS of a captured connection.

The reader makes these objects. They never hold a key.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from wsdefrag._shown import shown_fields


@dataclass(frozen=True)
class TlsAccount:
    """Counts every byte of one side of a TLS connection.

    The counters add up to the bytes of the TCP stream from where TLS begins, gaps included.

    Attributes:
        application: Bytes of application data that were decrypted.
        overhead: Bytes of records beside the application data: headers, tags, padding.
        handshake: Bytes of records with other contents: handshake messages, alerts.
        undecryptable: Bytes of records that could not be decrypted.
        missing: Bytes that were not captured.

    Example:
        >>> from wsdefrag.capture import TlsAccount
        >>> TlsAccount(application=200, overhead=22).bytes
        222
    """

    application: int = 0
    overhead: int = 0
    handshake: int = 0
    undecryptable: int = 0
    missing: int = 0

    def __repr__(self) -> str:
        """Show the counters that are not zero."""
        return shown_fields(self)

    @property
    def bytes(self) -> int:
        """Bytes of the TCP stream: the sum of the counters."""
        return self.application + self.overhead + self.handshake + self.undecryptable + self.missing


@dataclass(frozen=True)
class CapturedTls:
    """What is known of the TLS of a connection.

    Attributes:
        status: ``ok`` if application data was decrypted. Otherwise ``no_keys``,
            ``unknown_cipher``, ``no_handshake``, ``no_server_hello`` or ``undecryptable``; see
            docs/captures.md.
        version: The negotiated version, such as ``"TLS 1.3"``, or None.
        cipher: The registered name of the cipher suite, such as ``"TLS_AES_128_GCM_SHA256"``; the
            number in hexadecimal digits if it cannot be read; None if it was not captured.
        sni: The name of the server that the client asked for (RFC 6066 section 3), or None.
        alpn: The protocol that was agreed upon (RFC 7301), such as ``"h2"``, or None.
        resumed: Whether an earlier session was resumed; None if the handshake was not captured.
        early_data: Whether the server accepted early data (RFC 8446 section 2.3).
        key_updates: How often the keys were changed (RFC 8446 section 4.6.3).
        key_source: Where the keys came from, ``"key_log"`` or ``"secrets_block"``, or None.
        bad_tags: Records that were changed or damaged: the tag or MAC is wrong with the right key.
        found_by_trial: Records after a loss whose number or key was found by trial.
        from_client: The account of the client's bytes.
        from_server: The account of the server's bytes.

    Example:
        >>> from wsdefrag.capture import CapturedTls
        >>> CapturedTls("ok", version="TLS 1.3", sni="a.example").key_updates
        0
    """

    status: str
    version: str | None = None
    cipher: str | None = None
    sni: str | None = None
    alpn: str | None = None
    resumed: bool | None = None
    early_data: bool = False
    key_updates: int = 0
    key_source: str | None = None
    bad_tags: int = 0
    found_by_trial: int = 0
    from_client: TlsAccount = field(default_factory=TlsAccount)
    from_server: TlsAccount = field(default_factory=TlsAccount)

    def __repr__(self) -> str:
        """Show the attributes that differ from their defaults."""
        return shown_fields(self)
