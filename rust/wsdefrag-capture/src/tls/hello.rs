//! What ClientHello and ServerHello say that is needed to find keys, and that is worth reporting.
//!
//! Both are read as far as they go: a long ClientHello spans packets, and one of them may be
//! missing. Only the start is essential: the random of the client names the secrets in a key log,
//! the version and the cipher of the server say how they are used.
//!
//! RFC 8446 section 4.1 and RFC 5246 section 7.4.1 (hellos), RFC 6066 section 3 (server name),
//! RFC 7301 section 3.1 (ALPN), RFC 5077 section 3.2 (tickets), RFC 7366 section 2 (encrypt-then-MAC).

use crate::tls::cursor::Cursor;

/// The random of a hello.
pub type Random = [u8; 32];

/// The version numbers of TLS.
pub const TLS12: u16 = 0x0303;
/// TLS 1.3, which stands only in the extension `supported_versions`.
pub const TLS13: u16 = 0x0304;

/// The random of a HelloRetryRequest, which is a ServerHello otherwise (RFC 8446 section 4.1.3): the
/// SHA-256 of "HelloRetryRequest".
pub const RETRY_RANDOM: Random = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

// Extensions, by their numbers.
const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
const ENCRYPT_THEN_MAC: u16 = 22;
const SESSION_TICKET: u16 = 35;
const PRE_SHARED_KEY: u16 = 41;
const EARLY_DATA: u16 = 42;
const SUPPORTED_VERSIONS: u16 = 43;

/// A ClientHello, as far as it was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientHello<'a> {
    /// The random of this hello.
    pub random: Random,
    /// The session that the client asks to resume (TLS 1.2), or a value of no meaning.
    pub session_id: &'a [u8],
    /// The ticket by which the client asks to resume a session (TLS 1.2); empty if it only says
    /// that it would take one.
    pub ticket: &'a [u8],
    /// The host that the client wants to reach.
    pub server_name: Option<&'a str>,
    /// Whether TLS 1.3 is among the versions offered.
    pub offers_tls13: bool,
    /// Whether early data follow if the server takes them.
    pub early_data: bool,
    /// The cipher suites offered, two bytes each.
    suites: &'a [u8],
    /// The protocols offered for the application, each after its length.
    alpn: &'a [u8],
}

impl<'a> ClientHello<'a> {
    /// Reads the body of a message of type 1. `None` if not even the random is there.
    #[must_use]
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor(body);
        cursor.u16()?;
        let mut hello = Self {
            random: cursor.array()?,
            session_id: &[],
            ticket: &[],
            server_name: None,
            offers_tls13: false,
            early_data: false,
            suites: &[],
            alpn: &[],
        };
        let _ = hello.rest(cursor);
        Some(hello)
    }

    /// Reads what follows the random; `None` where it ends early.
    fn rest(&mut self, mut cursor: Cursor<'a>) -> Option<()> {
        self.session_id = cursor.vector8()?;
        self.suites = cursor.start_of_vector16()?;
        cursor.vector8()?;
        for (number, content) in extensions(cursor) {
            let mut content = Cursor(content);
            match number {
                SERVER_NAME => self.server_name = server_name(content),
                ALPN => self.alpn = content.start_of_vector16().unwrap_or_default(),
                SESSION_TICKET => self.ticket = content.0,
                EARLY_DATA => self.early_data = true,
                SUPPORTED_VERSIONS => {
                    let versions = content.vector8().unwrap_or_default();
                    self.offers_tls13 = versions.chunks_exact(2).any(|pair| pair == [3, 4]);
                }
                _ => {}
            }
        }
        Some(())
    }

    /// The cipher suites offered, in the client's order.
    pub fn suites(&self) -> impl Iterator<Item = u16> {
        self.suites.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
    }

    /// The protocols offered for the application, in the client's order.
    pub fn alpn(&self) -> impl Iterator<Item = &'a [u8]> {
        names(self.alpn)
    }
}

/// A ServerHello, as far as it was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerHello<'a> {
    /// The random of this hello.
    pub random: Random,
    /// The version that was chosen, such as [`TLS13`].
    pub version: u16,
    /// TLS 1.2: the session that is resumed if the client asked for it, or that may be later.
    pub session_id: &'a [u8],
    /// The cipher suite that was chosen.
    pub suite: u16,
    /// Whether records of CBC carry the MAC of what was encrypted (TLS 1.2).
    pub encrypt_then_mac: bool,
    /// Whether a key of an earlier session was accepted (TLS 1.3).
    pub pre_shared_key: bool,
    /// The protocol that was chosen for the application (TLS 1.2; TLS 1.3 has it encrypted).
    pub alpn: Option<&'a [u8]>,
}

impl<'a> ServerHello<'a> {
    /// Reads the body of a message of type 2. `None` if the cipher suite is not there.
    #[must_use]
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor(body);
        let mut hello = Self {
            version: cursor.u16()?,
            random: cursor.array()?,
            session_id: cursor.vector8()?,
            suite: cursor.u16()?,
            encrypt_then_mac: false,
            pre_shared_key: false,
            alpn: None,
        };
        cursor.u8();
        for (number, content) in extensions(cursor) {
            let mut content = Cursor(content);
            match number {
                ALPN => hello.alpn = chosen(content),
                ENCRYPT_THEN_MAC => hello.encrypt_then_mac = true,
                PRE_SHARED_KEY => hello.pre_shared_key = true,
                SUPPORTED_VERSIONS => hello.version = content.u16().unwrap_or(hello.version),
                _ => {}
            }
        }
        Some(hello)
    }

    /// Whether this is a HelloRetryRequest: another ClientHello with the same random follows.
    #[must_use]
    pub fn is_retry(&self) -> bool {
        self.random == RETRY_RANDOM
    }
}

/// What the server answers under the first keys of TLS 1.3 (RFC 8446 section 4.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncryptedExtensions<'a> {
    /// The protocol that was chosen for the application.
    pub alpn: Option<&'a [u8]>,
    /// Whether the client's early data were accepted.
    pub early_data: bool,
}

impl<'a> EncryptedExtensions<'a> {
    /// Reads the body of a message of type 8.
    #[must_use]
    pub fn parse(body: &'a [u8]) -> Self {
        let mut read = Self { alpn: None, early_data: false };
        for (number, content) in extensions(Cursor(body)) {
            match number {
                ALPN => read.alpn = chosen(Cursor(content)),
                EARLY_DATA => read.early_data = true,
                _ => {}
            }
        }
        read
    }
}

/// The number and the content of each extension. The last one may be cut.
fn extensions(mut cursor: Cursor<'_>) -> impl Iterator<Item = (u16, &[u8])> {
    let mut list = Cursor(cursor.start_of_vector16().unwrap_or_default());
    std::iter::from_fn(move || Some((list.u16()?, list.start_of_vector16()?)))
}

/// The first host name of the extension `server_name`.
fn server_name(mut content: Cursor<'_>) -> Option<&str> {
    let mut list = Cursor(content.start_of_vector16()?);
    while let Some(kind) = list.u8() {
        let name = list.vector16()?;
        if kind == 0 {
            let is_name = |byte: &u8| byte.is_ascii_graphic();
            return if name.iter().all(is_name) { std::str::from_utf8(name).ok() } else { None };
        }
    }
    None
}

/// The one protocol of a server's ALPN extension.
fn chosen(mut content: Cursor<'_>) -> Option<&[u8]> {
    names(content.vector16()?).next()
}

/// Names of protocols, each after its length.
fn names(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut list = Cursor(list);
    std::iter::from_fn(move || list.vector8())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An extension of TLS.
    fn extension(number: u16, content: &[u8]) -> Vec<u8> {
        [&number.to_be_bytes(), &length(content), content].concat()
    }

    fn length(bytes: &[u8]) -> [u8; 2] {
        u16::try_from(bytes.len()).unwrap().to_be_bytes()
    }

    /// A hello: version, random, session id, what follows it, and extensions.
    fn hello(middle: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
        let extensions = extensions.concat();
        let start = [&[3, 3], &[7; 32][..], &[2, 0xaa, 0xbb], middle].concat();
        [&start, &length(&extensions)[..], &extensions].concat()
    }

    fn client_hello() -> Vec<u8> {
        hello(
            &[0, 4, 0x13, 1, 0xc0, 0x2f, 1, 0],
            &[
                extension(0x0a0a, &[0; 300]),
                extension(0, b"\x00\x0c\x00\x00\x09localhost"),
                extension(16, b"\x00\x0c\x02h2\x08http/1.1"),
                extension(35, b"ticket"),
                extension(42, b""),
                extension(43, &[4, 3, 3, 3, 4]),
            ],
        )
    }

    #[test]
    fn a_client_hello_is_read_whole() {
        let body = client_hello();
        let read = ClientHello::parse(&body).unwrap();
        assert_eq!(read.random, [7; 32]);
        assert_eq!(read.session_id, [0xaa, 0xbb]);
        assert_eq!(read.suites().collect::<Vec<_>>(), [0x1301, 0xc02f]);
        assert_eq!(read.server_name, Some("localhost"));
        assert_eq!(read.alpn().collect::<Vec<_>>(), [&b"h2"[..], b"http/1.1"]);
        assert_eq!(read.ticket, b"ticket");
        assert!(read.early_data && read.offers_tls13);
    }

    #[test]
    fn a_client_hello_that_ends_early_is_read_as_far_as_it_goes() {
        let body = client_hello();
        for length in 0..body.len() {
            let read = ClientHello::parse(&body[..length]);
            assert_eq!(read.is_some(), length >= 34, "{length}");
            assert!(read.is_none_or(|read| read.random == [7; 32]));
        }
        assert_eq!(ClientHello::parse(&body[..34]).unwrap().server_name, None);
    }

    #[test]
    fn a_server_hello_says_the_version_and_the_suite() {
        let body =
            hello(&[0xc0, 0x13, 0], &[extension(22, b""), extension(16, b"\x00\x09\x08http/1.1")]);
        let read = ServerHello::parse(&body).unwrap();
        assert_eq!((read.version, read.suite, read.session_id), (TLS12, 0xc013, &[0xaa, 0xbb][..]));
        assert!(read.encrypt_then_mac && !read.pre_shared_key && !read.is_retry());
        assert_eq!(read.alpn, Some(&b"http/1.1"[..]));
        for length in 0..body.len() {
            assert_eq!(ServerHello::parse(&body[..length]).is_some(), length >= 39, "{length}");
        }
        let body = hello(&[0x13, 2, 0], &[extension(43, &[3, 4]), extension(41, &[0, 0])]);
        let read = ServerHello::parse(&body).unwrap();
        assert_eq!((read.version, read.suite), (TLS13, 0x1302));
        assert!(read.pre_shared_key && !read.encrypt_then_mac);
    }

    #[test]
    fn a_retry_is_known_by_its_random() {
        use sha2::{Digest, Sha256};
        assert_eq!(Sha256::digest(b"HelloRetryRequest")[..], RETRY_RANDOM);
        let mut body = hello(&[0x13, 1, 0], &[extension(43, &[3, 4])]);
        body[2..34].copy_from_slice(&RETRY_RANDOM);
        assert!(ServerHello::parse(&body).unwrap().is_retry());
    }

    #[test]
    fn encrypted_extensions_say_whether_early_data_count() {
        let list = [extension(16, b"\x00\x03\x02h2"), extension(42, b"")].concat();
        let body = [&length(&list)[..], &list].concat();
        let read = EncryptedExtensions::parse(&body);
        assert_eq!(read, EncryptedExtensions { alpn: Some(b"h2"), early_data: true });
        let none = EncryptedExtensions { alpn: None, early_data: false };
        for body in [&b""[..], b"\0\0", b"\0\x05\0\x10"] {
            assert_eq!(EncryptedExtensions::parse(body), none);
        }
    }

    #[test]
    fn a_name_of_a_host_is_printable() {
        for (name, expected) in [
            (&b"\x00\x04\x00\x00\x01a"[..], Some("a")),
            (b"\x00\x08\x01\x00\x01x\x00\x00\x01a", Some("a")),
            (b"\x00\x05\x00\x00\x02a\n", None),
            (b"\x00\x05\x00\x00\x02\xff\xff", None),
            (b"\x00\x05\x00\x00\x05ab", None),
            (b"", None),
        ] {
            let body = hello(&[0, 0, 1, 0], &[extension(0, name)]);
            assert_eq!(ClientHello::parse(&body).unwrap().server_name, expected, "{name:x?}");
        }
    }
}
