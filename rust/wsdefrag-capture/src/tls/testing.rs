//! The sending side of TLS for tests: records are sealed as a peer would, by ring alone.

use std::fmt::Write;

use ring::aead::{
    AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey,
};

use crate::packet::Origin;
use crate::stream_part::{Gap, GapKind, StreamPart};
use crate::tls::keys::{KeySource, Keys};
use crate::tls::schedule;
use crate::tls::secret::Secret;
use crate::tls::session::Session;
use crate::tls::suite::{Cipher, Suite};
use crate::tls_facts::{TlsAccount, TlsFacts};

pub(super) const CLIENT: usize = 1;
pub(super) const SERVER: usize = 0;
pub(super) const CLIENT_RANDOM: [u8; 32] = [0xc1; 32];
pub(super) const SERVER_RANDOM: [u8; 32] = [0x5e; 32];

pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const DATA: u8 = 23;

/// A record as it stands on the wire.
pub(super) fn record(content_type: u8, version: u16, body: &[u8]) -> Vec<u8> {
    let [major, minor] = version.to_be_bytes();
    let [high, low] = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[content_type, major, minor, high, low], body].concat()
}

pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind, a, b, c], body].concat()
}

fn vector16(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

fn extension(number: u16, content: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &vector16(content)].concat()
}

/// The extensions of hellos, by name.
pub(super) fn early_data() -> Vec<u8> {
    extension(42, b"")
}

pub(super) fn alpn(name: &str) -> Vec<u8> {
    let name = [&[u8::try_from(name.len()).unwrap()], name.as_bytes()].concat();
    extension(16, &vector16(&name))
}

fn server_name(name: &str) -> Vec<u8> {
    extension(0, &vector16(&[&[0][..], &vector16(name.as_bytes())].concat()))
}

/// A ClientHello with these extensions besides the usual ones.
pub(super) fn client_hello(session_id: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(CLIENT_RANDOM);
    body.push(u8::try_from(session_id.len()).unwrap());
    body.extend(session_id);
    body.extend([0, 4, 0x13, 1, 0xc0, 0x2f, 1, 0]);
    let mut all = server_name("example.test");
    all.extend(extension(43, &[4, 3, 4, 3, 3]));
    all.extend(extensions.concat());
    body.extend(vector16(&all));
    message(1, &body)
}

/// A ServerHello of the version of the suite.
pub(super) fn server_hello(suite: u16, session_id: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    server_hello_with(SERVER_RANDOM, suite, session_id, extensions)
}

pub(super) fn server_hello_with(
    random: [u8; 32],
    suite: u16,
    session_id: &[u8],
    extensions: &[Vec<u8>],
) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(random);
    body.push(u8::try_from(session_id.len()).unwrap());
    body.extend(session_id);
    body.extend(suite.to_be_bytes());
    body.push(0);
    let mut all = extensions.concat();
    if suite >> 8 == 0x13 {
        all.extend(extension(43, &[3, 4]));
    }
    body.extend(vector16(&all));
    message(2, &body)
}

pub(super) fn encrypted_extensions(extensions: &[Vec<u8>]) -> Vec<u8> {
    message(8, &vector16(&extensions.concat()))
}

/// Seals the records of one direction of an AEAD suite.
#[derive(Clone)]
pub(super) struct Sealer {
    suite: &'static Suite,
    secret: Option<Secret>,
    key: Vec<u8>,
    iv: [u8; 12],
    pub(super) sequence: u64,
}

impl Sealer {
    pub(super) fn tls13(suite: u16, secret: &[u8]) -> Self {
        let suite = Suite::of(suite).unwrap();
        let secret = Secret::new(secret).unwrap();
        let keys = schedule::tls13_keys(suite, &secret).unwrap();
        let key = keys.key[..suite.cipher.key_length()].to_vec();
        Self { suite, secret: Some(secret), key, iv: keys.iv, sequence: 0 }
    }

    pub(super) fn tls12(suite: u16, master: &[u8], from_client: bool) -> Self {
        Self::tls12_with(suite, master, CLIENT_RANDOM, SERVER_RANDOM, from_client)
    }

    pub(super) fn tls12_with(
        suite: u16,
        master: &[u8],
        client_random: [u8; 32],
        server_random: [u8; 32],
        from_client: bool,
    ) -> Self {
        let suite = Suite::of(suite).unwrap();
        let master = Secret::new(master).unwrap();
        let keys =
            schedule::tls12_keys(suite, &master, &client_random, &server_random, from_client);
        let key = keys.key[..suite.cipher.key_length()].to_vec();
        Self { suite, secret: None, key, iv: keys.iv, sequence: 0 }
    }

    /// The keys after a KeyUpdate.
    pub(super) fn update(&mut self) {
        let next = schedule::tls13_update(self.suite, &self.secret.unwrap()).unwrap();
        *self = Self::tls13(self.suite.number, next.bytes());
    }

    /// The next record.
    pub(super) fn seal(&mut self, content_type: u8, content: &[u8]) -> Vec<u8> {
        self.seal_padded(content_type, content, 0)
    }

    pub(super) fn seal_padded(
        &mut self,
        content_type: u8,
        content: &[u8],
        padding: usize,
    ) -> Vec<u8> {
        let algorithm = match self.suite.cipher {
            Cipher::Aes128Gcm => &AES_128_GCM,
            Cipher::Aes256Gcm => &AES_256_GCM,
            Cipher::ChaCha20Poly1305 => &CHACHA20_POLY1305,
            _ => panic!("CBC is not sealed"),
        };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, &self.key).unwrap());
        let sequence = self.sequence.to_be_bytes();
        self.sequence += 1;
        let mut nonce = self.iv;
        let is_tls13 = self.suite.is_tls13;
        let explicit = !is_tls13 && self.suite.cipher != Cipher::ChaCha20Poly1305;
        for (byte, number) in nonce[4..].iter_mut().zip(sequence) {
            *byte = if explicit { number } else { *byte ^ number };
        }
        let nonce = Nonce::assume_unique_for_key(nonce);
        let mut sealed = content.to_vec();
        let (outer_type, data) = if is_tls13 {
            sealed.push(content_type);
            sealed.resize(sealed.len() + padding, 0);
            let length = u16::try_from(sealed.len() + 16).unwrap().to_be_bytes();
            (DATA, [&[DATA, 3, 3], &length[..]].concat())
        } else {
            let length = u16::try_from(sealed.len()).unwrap().to_be_bytes();
            (content_type, [&sequence[..], &[content_type, 3, 3], &length].concat())
        };
        key.seal_in_place_append_tag(nonce, Aad::from(data), &mut sealed).unwrap();
        if explicit {
            sealed.splice(..0, sequence);
        }
        record(outer_type, 0x0303, &sealed)
    }
}

/// What a sender sends next: bytes of its TCP stream, or a gap.
#[derive(Clone, Debug)]
pub(super) enum Sent {
    Bytes(usize, Vec<u8>),
    Lost(usize, u64),
}

/// What came out of a session.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Received {
    /// The bytes of each sender, with the gaps before positions in them.
    pub(super) bytes: [Vec<u8>; 2],
    pub(super) gaps: [Vec<(usize, u64, GapKind)>; 2],
    /// What no tag confirms, with its position in the bytes.
    pub(super) unauthenticated: [Vec<(usize, Vec<u8>)>; 2],
    /// The lengths of the parts of each sender.
    pub(super) parts: [Vec<usize>; 2],
    /// The senders of the parts, in order.
    pub(super) order: Vec<usize>,
    pub(super) facts: TlsFacts,
    pub(super) accounts: [TlsAccount; 2],
}

impl Received {
    pub(super) fn take(&mut self, sender: usize, part: StreamPart<'_>) {
        let position = self.bytes[sender].len();
        match part {
            StreamPart::Gap(gap) => self.gaps[sender].push((position, gap.length, gap.kind)),
            StreamPart::Unauthenticated(bytes, _) => {
                self.unauthenticated[sender].push((position, bytes.to_vec()));
            }
            StreamPart::Data(bytes, _) => {
                self.bytes[sender].extend_from_slice(bytes);
                self.parts[sender].push(bytes.len());
                self.order.push(sender);
            }
        }
    }

    pub(super) fn text(&self, sender: usize) -> String {
        String::from_utf8_lossy(&self.bytes[sender]).into_owned()
    }
}

/// Keys from the text of a key log.
pub(super) fn keys(log: &str) -> Keys {
    let mut keys = Keys::default();
    keys.add(log.as_bytes(), KeySource::KeyLog(0));
    keys
}

pub(super) fn line(label: &str, secret: &[u8]) -> String {
    line_of(label, &CLIENT_RANDOM, secret)
}

pub(super) fn line_of(label: &str, random: &[u8], secret: &[u8]) -> String {
    let mut line = format!("{label} ");
    for byte in random {
        write!(line, "{byte:02x}").unwrap();
    }
    line.push(' ');
    for byte in secret {
        write!(line, "{byte:02x}").unwrap();
    }
    line + "\n"
}

pub(super) fn origin(packet: u64) -> Origin {
    Origin { packet, ..Origin::default() }
}

/// Feeds all that was sent to a session, a packet each.
pub(super) fn receive(sent: &[Sent], keys: &mut Keys) -> Received {
    receive_by(Session::new(Some(CLIENT)), sent, keys)
}

pub(super) fn receive_by(mut session: Session, sent: &[Sent], keys: &mut Keys) -> Received {
    let mut received = Received::default();
    let mut lengths = [0; 2];
    for (number, sent) in sent.iter().enumerate() {
        let out = &mut |sender, part: StreamPart<'_>| received.take(sender, part);
        let (sender, part) = match sent {
            Sent::Bytes(sender, bytes) => {
                (*sender, StreamPart::Data(bytes, origin(number as u64 + 1)))
            }
            Sent::Lost(sender, length) => {
                (*sender, StreamPart::Gap(Gap { length: *length, ..Gap::default() }))
            }
        };
        lengths[sender] += part.length();
        session.part(sender, part, keys, out);
    }
    session.finish(keys, &mut |sender, part| received.take(sender, part));
    for (sender, length) in lengths.into_iter().enumerate() {
        let account = session.account(sender);
        assert_eq!(account.bytes(), length, "{account:?}");
        received.accounts[sender] = *account;
    }
    received.facts = session.facts().clone();
    received
}
