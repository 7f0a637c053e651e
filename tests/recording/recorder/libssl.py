"""OpenSSL's libssl by ctypes: what Python's `ssl` has no switch for.

A `Configuration` is an SSL_CTX, a `Session` one side of a connection whose records go through two
memory BIOs: `received` takes what came from TCP, `to_send` gives what TCP shall carry. Nothing
here waits, and nothing here knows of sockets.

The numbers are those of openssl/ssl.h of OpenSSL 3.0; functions are as in its manual pages.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable
from ctypes import (
    CFUNCTYPE,
    POINTER,
    byref,
    c_char,
    c_char_p,
    c_int,
    c_long,
    c_size_t,
    c_ubyte,
    c_uint,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
    create_string_buffer,
)
from pathlib import Path

TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 = 0x0301, 0x0302, 0x0303, 0x0304

# Options (SSL_OP_...).
ALLOW_CLIENT_RENEGOTIATION = 1 << 8
NO_TICKET = 1 << 14
NO_ENCRYPT_THEN_MAC = 1 << 19
NO_ANTI_REPLAY = 1 << 24

_SET_MIN_VERSION, _SET_MAX_VERSION = 123, 124
_SET_HOST_NAME = 55
_SET_MAX_SEND_FRAGMENT = 52
_SET_GROUPS_LIST = 92
_SET_SESSION_CACHE_MODE, _CACHE_SERVER = 44, 2
_KEY_FILE_PEM = 1
_WANT_READ, _WANT_WRITE, _ZERO_RETURN = 2, 3, 6
_EARLY_ERROR, _EARLY_FINISH = 0, 2
_ACCEPTED = 2

_ssl = ctypes.CDLL(ctypes.util.find_library("ssl") or "libssl.so.3")
_crypto = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")

_KeyLog = CFUNCTYPE(None, c_void_p, c_char_p)
_PskClient = CFUNCTYPE(
    c_uint, c_void_p, c_char_p, POINTER(c_char), c_uint, POINTER(c_ubyte), c_uint
)
_PskServer = CFUNCTYPE(c_uint, c_void_p, c_char_p, POINTER(c_ubyte), c_uint)
_AllowEarly = CFUNCTYPE(c_int, c_void_p, c_void_p)


def _declare(library: ctypes.CDLL, name: str, result: object, *arguments: object) -> None:
    function = getattr(library, name)
    function.restype, function.argtypes = result, list(arguments)


for _name, _result, *_arguments in (
    ("TLS_method", c_void_p),
    ("SSL_CTX_new", c_void_p, c_void_p),
    ("SSL_CTX_ctrl", c_long, c_void_p, c_int, c_long, c_void_p),
    ("SSL_CTX_set_options", c_uint64, c_void_p, c_uint64),
    ("SSL_CTX_set_cipher_list", c_int, c_void_p, c_char_p),
    ("SSL_CTX_set_ciphersuites", c_int, c_void_p, c_char_p),
    ("SSL_CTX_set_keylog_callback", None, c_void_p, _KeyLog),
    ("SSL_CTX_use_certificate_chain_file", c_int, c_void_p, c_char_p),
    ("SSL_CTX_use_PrivateKey_file", c_int, c_void_p, c_char_p, c_int),
    ("SSL_CTX_set_session_id_context", c_int, c_void_p, c_char_p, c_uint),
    ("SSL_CTX_set_max_early_data", c_int, c_void_p, c_uint32),
    ("SSL_CTX_set_block_padding", c_int, c_void_p, c_size_t),
    ("SSL_CTX_set_num_tickets", c_int, c_void_p, c_size_t),
    ("SSL_CTX_set_psk_client_callback", None, c_void_p, _PskClient),
    ("SSL_CTX_set_psk_server_callback", None, c_void_p, _PskServer),
    ("SSL_CTX_set_allow_early_data_cb", None, c_void_p, _AllowEarly, c_void_p),
    ("SSL_new", c_void_p, c_void_p),
    ("SSL_free", None, c_void_p),
    ("SSL_ctrl", c_long, c_void_p, c_int, c_long, c_void_p),
    ("SSL_set_bio", None, c_void_p, c_void_p, c_void_p),
    ("SSL_set_connect_state", None, c_void_p),
    ("SSL_set_accept_state", None, c_void_p),
    ("SSL_do_handshake", c_int, c_void_p),
    ("SSL_is_init_finished", c_int, c_void_p),
    ("SSL_read_ex", c_int, c_void_p, c_void_p, c_size_t, POINTER(c_size_t)),
    ("SSL_write_ex", c_int, c_void_p, c_char_p, c_size_t, POINTER(c_size_t)),
    ("SSL_read_early_data", c_int, c_void_p, c_void_p, c_size_t, POINTER(c_size_t)),
    ("SSL_write_early_data", c_int, c_void_p, c_char_p, c_size_t, POINTER(c_size_t)),
    ("SSL_get_early_data_status", c_int, c_void_p),
    ("SSL_shutdown", c_int, c_void_p),
    ("SSL_get_error", c_int, c_void_p, c_int),
    ("SSL_get1_session", c_void_p, c_void_p),
    ("SSL_set_session", c_int, c_void_p, c_void_p),
    ("SSL_session_reused", c_int, c_void_p),
    ("SSL_get_version", c_char_p, c_void_p),
    ("SSL_get_current_cipher", c_void_p, c_void_p),
    ("SSL_CIPHER_get_name", c_char_p, c_void_p),
    ("SSL_CIPHER_get_protocol_id", c_uint16, c_void_p),
    ("SSL_key_update", c_int, c_void_p, c_int),
    ("SSL_renegotiate", c_int, c_void_p),
    ("SSL_renegotiate_pending", c_int, c_void_p),
    ("SSL_new_session_ticket", c_int, c_void_p),
    ("SSL_set_tlsext_max_fragment_length", c_int, c_void_p, c_ubyte),
):
    _declare(_ssl, _name, _result, *_arguments)
for _name, _result, *_arguments in (
    ("BIO_s_mem", c_void_p),
    ("BIO_new", c_void_p, c_void_p),
    ("BIO_read", c_int, c_void_p, c_void_p, c_int),
    ("BIO_write", c_int, c_void_p, c_char_p, c_int),
    ("BIO_ctrl_pending", c_size_t, c_void_p),
    ("ERR_get_error", ctypes.c_ulong),
    ("ERR_error_string_n", None, ctypes.c_ulong, c_char_p, c_size_t),
):
    _declare(_crypto, _name, _result, *_arguments)

OPENSSL_VERSION = 0
_crypto.OpenSSL_version.restype = c_char_p


def version() -> str:
    """Return the name and version of the OpenSSL that is used."""
    text: bytes = _crypto.OpenSSL_version(OPENSSL_VERSION)
    return " ".join(text.decode().split()[:2])


def _problem(what: str) -> OSError:
    """Describe the errors on the error queue of OpenSSL."""
    found = []
    while code := _crypto.ERR_get_error():
        text = create_string_buffer(256)
        _crypto.ERR_error_string_n(code, text, len(text))
        found.append(text.value.decode())
    return OSError(f"{what}: {'; '.join(found) or 'no reason given'}")


def _checked(what: str, result: int) -> None:
    if result <= 0:
        raise _problem(what)


class Configuration:
    """One SSL_CTX; `key_log` collects the lines of its connections' secrets."""

    def __init__(self, low: int = TLS_1_2, high: int = TLS_1_3, options: int = 0) -> None:
        self.key_log: list[str] = []
        self.context = _ssl.SSL_CTX_new(_ssl.TLS_method())
        self._callbacks: list[object] = []
        for command, value in ((_SET_MIN_VERSION, low), (_SET_MAX_VERSION, high)):
            _checked("version", _ssl.SSL_CTX_ctrl(self.context, command, value, None))
        _ssl.SSL_CTX_set_options(self.context, options)
        log = _KeyLog(lambda _, line: self.key_log.append(line.decode()))
        self._callbacks.append(log)
        _ssl.SSL_CTX_set_keylog_callback(self.context, log)

    def ciphers(self, old: str | None = None, new: str | None = None) -> Configuration:
        """Allow these suites of TLS up to 1.2, and these of TLS 1.3, by OpenSSL's names."""
        if old is not None:
            done = _ssl.SSL_CTX_set_cipher_list(self.context, old.encode())
            _checked(old, done)
        if new is not None:
            done = _ssl.SSL_CTX_set_ciphersuites(self.context, new.encode())
            _checked(new, done)
        return self

    def groups(self, names: str) -> Configuration:
        """Offer or accept these groups for the key exchange, the first one first."""
        done = _ssl.SSL_CTX_ctrl(self.context, _SET_GROUPS_LIST, 0, names.encode())
        _checked(names, done)
        return self

    def identity(self, certificates: Path, key: Path) -> Configuration:
        """Use these certificates; a server may have one identity for each kind of key."""
        chain, own = str(certificates).encode(), str(key).encode()
        _checked("chain", _ssl.SSL_CTX_use_certificate_chain_file(self.context, chain))
        _checked("key", _ssl.SSL_CTX_use_PrivateKey_file(self.context, own, _KEY_FILE_PEM))
        _ssl.SSL_CTX_set_session_id_context(self.context, b"record", 6)
        _ssl.SSL_CTX_ctrl(self.context, _SET_SESSION_CACHE_MODE, _CACHE_SERVER, None)
        return self

    def early_data(self, size: int) -> Configuration:
        """Accept so many bytes of early data, and give tickets that allow it."""
        _checked("early data", _ssl.SSL_CTX_set_max_early_data(self.context, size))
        return self

    def early_data_if(self, allow: Callable[[], bool]) -> Configuration:
        """Ask `allow` for each connection whether its early data is accepted."""
        callback = _AllowEarly(lambda *_: int(allow()))
        self._callbacks.append(callback)
        _ssl.SSL_CTX_set_allow_early_data_cb(self.context, callback, None)
        return self

    def padding(self, block: int) -> Configuration:
        """Pad the records of TLS 1.3 to a multiple of so many bytes."""
        _checked("padding", _ssl.SSL_CTX_set_block_padding(self.context, block))
        return self

    def tickets(self, count: int) -> Configuration:
        """Give so many tickets after a handshake of TLS 1.3."""
        _checked("tickets", _ssl.SSL_CTX_set_num_tickets(self.context, count))
        return self

    def shared_key(self, identity: bytes, key: bytes) -> Configuration:
        """Use a pre-shared key (PSK), which the other side has too."""

        def give(target: object, limit: int) -> int:
            if len(key) > limit:
                return 0
            ctypes.memmove(target, key, len(key))  # type: ignore[arg-type]
            return len(key)

        def client(_: int, __: bytes, name: object, names: int, target: object, limit: int) -> int:
            ctypes.memmove(name, identity + b"\0", len(identity) + 1)  # type: ignore[arg-type]
            return give(target, limit)

        def server(_: int, name: bytes, target: object, limit: int) -> int:
            return give(target, limit) if name == identity else 0

        callbacks = _PskClient(client), _PskServer(server)
        self._callbacks += callbacks
        _ssl.SSL_CTX_set_psk_client_callback(self.context, callbacks[0])
        _ssl.SSL_CTX_set_psk_server_callback(self.context, callbacks[1])
        return self


class Session:
    """One side of a TLS connection."""

    def __init__(self, configuration: Configuration, *, is_server: bool) -> None:
        self._configuration = configuration  # it must live as long
        self._ssl = _ssl.SSL_new(configuration.context)
        self._in, self._out = (_crypto.BIO_new(_crypto.BIO_s_mem()) for _ in range(2))
        _ssl.SSL_set_bio(self._ssl, self._in, self._out)
        (_ssl.SSL_set_accept_state if is_server else _ssl.SSL_set_connect_state)(self._ssl)
        self.is_server = is_server
        self.ended = False
        self.key_updates = 0
        self.key_updates_asked_for = 0

    def close(self) -> None:
        """Free the session; no other method may be called afterwards."""
        if self._ssl:
            _ssl.SSL_free(self._ssl)
            self._ssl = None

    # What TCP carries.

    def received(self, data: bytes) -> None:
        """Take bytes that came from the other side."""
        _crypto.BIO_write(self._in, data, len(data))

    def to_send(self) -> bytes:
        """Return the bytes that are to be sent to the other side."""
        size = _crypto.BIO_ctrl_pending(self._out)
        if not size:
            return b""
        data = create_string_buffer(size)
        count = _crypto.BIO_read(self._out, data, size)
        return data.raw[:count]

    # What an application does.

    def handshake(self) -> bool:
        """Continue the handshake; return whether it is done.

        Raises:
            OSError: it failed.
        """
        return self._went_on("handshake", _ssl.SSL_do_handshake(self._ssl))

    @property
    def is_ready(self) -> bool:
        """Whether no handshake is under way."""
        return bool(_ssl.SSL_is_init_finished(self._ssl))

    def read(self) -> bytes | None:
        """Return bytes of the other application, None if there are none yet.

        Raises:
            OSError: the connection failed.
        """
        data, count = create_string_buffer(1 << 16), c_size_t()
        done = _ssl.SSL_read_ex(self._ssl, data, len(data), byref(count))
        return data.raw[: count.value] if self._went_on("read", done) else None

    def write(self, data: bytes) -> None:
        """Send bytes, in records of up to 16 KiB.

        Raises:
            OSError: that is not possible now.
        """
        count = c_size_t()
        if not self._went_on("write", _ssl.SSL_write_ex(self._ssl, data, len(data), byref(count))):
            raise OSError("write: a handshake is under way")

    def read_early(self) -> tuple[bytes, bool]:
        """Return the early data that has arrived, and whether more can come.

        Raises:
            OSError: the handshake failed.
        """
        data, count = create_string_buffer(1 << 16), c_size_t()
        done = _ssl.SSL_read_early_data(self._ssl, data, len(data), byref(count))
        if done == _EARLY_ERROR:
            self._went_on("early data", done)
        return data.raw[: count.value], done != _EARLY_FINISH

    def write_early(self, data: bytes) -> None:
        """Send early data with the ClientHello."""
        count = c_size_t()
        done = _ssl.SSL_write_early_data(self._ssl, data, len(data), byref(count))
        _checked("early data", done)

    @property
    def early_data_accepted(self) -> bool:
        """Whether early data was sent and accepted."""
        return bool(_ssl.SSL_get_early_data_status(self._ssl) == _ACCEPTED)

    def shut_down(self) -> None:
        """Send the alert that ends a direction."""
        _ssl.SSL_shutdown(self._ssl)

    def _went_on(self, what: str, result: int) -> bool:
        if result > 0:
            return True
        reason = _ssl.SSL_get_error(self._ssl, result)
        if reason == _ZERO_RETURN:
            self.ended = True
            return False
        if reason in (_WANT_READ, _WANT_WRITE):
            return False
        raise _problem(what)

    # What Python's `ssl` does not offer.

    def name_host(self, name: str) -> None:
        """Put a server name into the ClientHello (SNI)."""
        _ssl.SSL_ctrl(self._ssl, _SET_HOST_NAME, 0, name.encode())

    def limit_records(self) -> None:
        """Ask for records of at most 512 bytes, both ways (RFC 6066, section 4)."""
        _checked("fragments", _ssl.SSL_set_tlsext_max_fragment_length(self._ssl, 1))

    def limit_own_records(self, size: int) -> None:
        """Send records of at most so many bytes."""
        _checked("fragment", _ssl.SSL_ctrl(self._ssl, _SET_MAX_SEND_FRAGMENT, size, None))

    def update_keys(self, *, both: bool) -> None:
        """Change this side's keys before the next bytes, and ask the other side for the same."""
        _checked("key update", _ssl.SSL_key_update(self._ssl, int(both)))
        self.key_updates += 1
        self.key_updates_asked_for += both

    def renegotiate(self) -> None:
        """Begin another handshake; a server asks the client for it."""
        _checked("renegotiation", _ssl.SSL_renegotiate(self._ssl))
        _ssl.SSL_do_handshake(self._ssl)

    @property
    def is_renegotiating(self) -> bool:
        """Whether another handshake is under way."""
        return bool(_ssl.SSL_renegotiate_pending(self._ssl)) or not self.is_ready

    def give_ticket(self) -> None:
        """Send another ticket before the next bytes."""
        _checked("ticket", _ssl.SSL_new_session_ticket(self._ssl))

    def keep(self) -> int:
        """Return the session, for a later connection that resumes it."""
        session: int = _ssl.SSL_get1_session(self._ssl)
        return session

    def resume(self, session: int) -> None:
        """Offer to resume a kept session."""
        _checked("session", _ssl.SSL_set_session(self._ssl, session))

    def facts(self) -> dict[str, object]:
        """Return what was agreed on."""
        cipher = _ssl.SSL_get_current_cipher(self._ssl)
        return {
            "version": _ssl.SSL_get_version(self._ssl).decode(),
            "cipher": f"{_ssl.SSL_CIPHER_get_protocol_id(cipher):04x}",
            "resumed": bool(_ssl.SSL_session_reused(self._ssl)),
            "early_data": self.early_data_accepted,
        }
