//! Connections of OpenSSL in `vectors/tls_records.jsonl`, read from both hellos to the last record.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::tls::handshake::MessageType;
use crate::tls::hello::{ClientHello, EncryptedExtensions, Random, ServerHello, TLS13};
use crate::tls::keylog::Label;
use crate::tls::keys::{KeyCounts, KeySource, Keys};
use crate::tls::messages::Messages;
use crate::tls::opener::{Opener, explicit_nonce};
use crate::tls::record::{ContentType, HEADER, Header};
use crate::tls::secret::Secret;
use crate::tls::suite::Suite;
use crate::tls::tests::{bytes, open};

/// What the hellos of a connection say, and its secrets.
struct Connection {
    keys: Keys,
    client_random: Random,
    server_random: Random,
    suite: &'static Suite,
    encrypt_then_mac: bool,
}

/// An encrypted record of a direction.
struct Encrypted {
    opener: Opener,
    sequence: u64,
    record: Vec<u8>,
    content_type: ContentType,
    content: Vec<u8>,
}

fn lines() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/tls_records.jsonl");
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The records of a stream, with their headers.
fn records(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = stream;
    let mut records = Vec::new();
    while !rest.is_empty() {
        let (record, others) = rest.split_at(Header::parse(rest).unwrap().whole());
        records.push(record.to_vec());
        rest = others;
    }
    records
}

/// The body of the first handshake message of a stream.
fn first_message(stream: &[u8], expected: MessageType) -> Vec<u8> {
    let mut messages = Messages::default();
    let record = &records(stream)[0];
    let message = messages.next(&mut &record[HEADER..]).unwrap();
    assert_eq!(message.message_type, expected);
    message.body.to_vec()
}

impl Connection {
    fn of(line: &Value) -> Self {
        let stream = |side: &str| bytes(line[side].as_str().unwrap());
        let client = first_message(&stream("client"), MessageType::ClientHello);
        let client = ClientHello::parse(&client).unwrap();
        assert_eq!(client.server_name, Some("localhost"));
        assert_eq!(client.alpn().collect::<Vec<_>>(), [b"http/1.1"]);
        let server = first_message(&stream("server"), MessageType::ServerHello);
        let server = ServerHello::parse(&server).unwrap();
        let suite = Suite::of(server.suite).unwrap();
        assert_eq!(suite.is_tls13, line["version"] == "TLSv1.3");
        assert_eq!(suite.is_tls13, server.version == TLS13);
        assert_eq!(server.alpn, (!suite.is_tls13).then_some(&b"http/1.1"[..]));
        assert_eq!(server.encrypt_then_mac, line["encrypt_then_mac"] == true);
        let mut keys = Keys::default();
        for text in line["keylog"].as_array().unwrap() {
            keys.add(format!("{}\n", text.as_str().unwrap()).as_bytes(), KeySource::KeyLog(0));
        }
        // The lines that are ignored begin with RSA or EXPORTER_SECRET.
        let KeyCounts { repeated: 0, malformed: 0, dropped: 0, ignored: 0..=1, .. } = keys.counts()
        else {
            panic!("{:?}", keys.counts());
        };
        Self {
            keys,
            client_random: client.random,
            server_random: server.random,
            suite,
            encrypt_then_mac: server.encrypt_then_mac,
        }
    }

    fn secret(&mut self, label: Label) -> Secret {
        self.keys.find(&self.client_random, label).unwrap().secret
    }

    /// The opener after a number of changes of keys.
    fn opener(&mut self, from_client: bool, changes: usize) -> Opener {
        let labels = match (self.suite.is_tls13, from_client) {
            (false, _) => [Label::Master; 2],
            (true, true) => [Label::ClientHandshake, Label::ClientTraffic],
            (true, false) => [Label::ServerHandshake, Label::ServerTraffic],
        };
        let secret = self.secret(labels[changes]);
        if self.suite.is_tls13 {
            return Opener::tls13(self.suite, &secret).unwrap();
        }
        let (client, server) = (&self.client_random, &self.server_random);
        let etm = self.encrypt_then_mac;
        Opener::tls12(self.suite, &secret, client, server, from_client, etm).unwrap()
    }

    /// The encrypted records of a direction, opened.
    fn encrypted(&mut self, stream: &[u8], from_client: bool) -> Vec<Encrypted> {
        let mut encrypted = Vec::new();
        let (mut changes, mut sequence, mut is_encrypted) = (0, 0, false);
        for record in records(stream) {
            let header = Header::parse(&record).unwrap();
            if header.content_type == ContentType::ChangeCipherSpec {
                is_encrypted |= !self.suite.is_tls13;
                continue;
            }
            is_encrypted |=
                self.suite.is_tls13 && header.content_type == ContentType::ApplicationData;
            if !is_encrypted {
                continue;
            }
            let opener = self.opener(from_client, changes);
            let (content_type, content) = open(&opener, sequence, &record).unwrap();
            let mut messages = Messages::default();
            let has_messages = content_type == ContentType::Handshake && self.suite.is_tls13;
            let mut rest = if has_messages { &content[..] } else { &[] };
            let mut is_last = false;
            while let Some(message) = messages.next(&mut rest) {
                is_last |= message.message_type == MessageType::Finished;
                if message.message_type == MessageType::EncryptedExtensions {
                    let extensions = EncryptedExtensions::parse(message.body);
                    assert_eq!(extensions.alpn, Some(&b"http/1.1"[..]));
                }
            }
            encrypted.push(Encrypted { opener, sequence, record, content_type, content });
            (changes, sequence) = if is_last { (changes + 1, 0) } else { (changes, sequence + 1) };
        }
        encrypted
    }
}

/// Calls `check` with the encrypted records of each direction, and the contents that were sent.
fn each_direction(check: impl Fn(&Suite, Vec<Encrypted>, Vec<Encrypted>, Vec<Vec<u8>>)) {
    for line in lines() {
        let mut connection = Connection::of(&line);
        for (side, peer) in [("client", "server"), ("server", "client")] {
            let mut read = |side: &str| {
                let stream = bytes(line[side].as_str().unwrap());
                connection.encrypted(&stream, side == "client")
            };
            let (records, others) = (read(side), read(peer));
            let contents = line[format!("{side}_contents")].as_array().unwrap();
            let contents =
                contents.iter().map(|content| bytes(content.as_str().unwrap())).collect();
            check(connection.suite, records, others, contents);
        }
    }
}

#[test]
fn every_suite_of_openssl_is_opened() {
    let mut numbers = Vec::new();
    for line in lines() {
        numbers.push(Connection::of(&line).suite.number);
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), crate::tls::suite::SUITES.len());
    each_direction(|_, records, _, contents| {
        let is_data = |record: &&Encrypted| record.content_type == ContentType::ApplicationData;
        let read: Vec<_> =
            records.iter().filter(is_data).map(|record| record.content.clone()).collect();
        assert_eq!(read, contents);
    });
}

#[test]
fn records_open_only_with_their_key_their_number_and_unchanged() {
    each_direction(|suite, records, others, _| {
        for (index, record) in records.iter().enumerate() {
            let wrong = record.sequence + 1;
            assert_eq!(open(&record.opener, wrong, &record.record), None, "{}", suite.name);
            for other in &others {
                assert_eq!(open(&other.opener, record.sequence, &record.record), None);
            }
            // All changed bytes of a short record; of others some.
            let step = if index % 3 == 0 { 1 } else { 37 };
            for position in (0..record.record.len()).step_by(step) {
                // Changing the length would cut or lengthen the record.
                if !(3..HEADER).contains(&position) {
                    let mut changed = record.record.clone();
                    changed[position] ^= 1;
                    if Header::parse(&changed).is_some() {
                        assert_eq!(open(&record.opener, record.sequence, &changed), None);
                    }
                }
            }
        }
    });
}

#[test]
fn cut_records_are_refused() {
    each_direction(|_, records, _, _| {
        for record in &records {
            for length in 1..record.record.len() - HEADER {
                let mut cut = record.record[..HEADER + length].to_vec();
                cut[3..HEADER].copy_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
                assert_eq!(open(&record.opener, record.sequence, &cut), None);
            }
        }
    });
}

#[test]
fn sequence_numbers_are_read() {
    each_direction(|suite, records, others, _| {
        let can_be_read = suite.is_tls13 && suite.name.contains("GCM");
        for record in &records {
            let header = Header::parse(&record.record).unwrap();
            let rest = &record.record[HEADER..];
            let number = record.opener.read_sequence(&header, rest);
            assert_eq!(number, can_be_read.then_some(record.sequence));
            for other in &others {
                assert_eq!(other.opener.read_sequence(&header, rest), None);
            }
        }
    });
}

#[test]
fn explicit_nonces_of_gcm_count_the_records() {
    each_direction(|suite, records, _, _| {
        if suite.overhead() == Some(29) {
            let nonce = |record: &Encrypted| explicit_nonce(&record.record[HEADER..]).unwrap();
            for record in &records {
                let counted = nonce(record).wrapping_sub(nonce(&records[0]));
                assert_eq!(counted, record.sequence);
            }
        }
    });
}

#[test]
fn overhead_is_what_records_have_beside_their_content() {
    each_direction(|suite, records, _, _| {
        for record in &records {
            if let Some(overhead) = suite.overhead() {
                assert_eq!(record.record.len() - record.content.len(), overhead);
            }
        }
    });
}

#[test]
fn parts_of_records_are_decrypted() {
    each_direction(|suite, records, _, _| {
        for record in &records {
            let header = Header::parse(&record.record).unwrap();
            let rest = &record.record[HEADER..];
            let start = if suite.overhead() == Some(29) { 8 } else { 0 };
            let nonce = (start > 0).then(|| explicit_nonce(rest).unwrap());
            // TLS 1.3: the content is followed by its type.
            let content = &record.content;
            for offset in (0..rest.len()).step_by(5) {
                for end in [offset, offset + 1, offset + 9, offset + 100, rest.len()] {
                    let end = end.min(rest.len());
                    let mut part = rest[offset..end].to_vec();
                    let read =
                        record.opener.open_part(record.sequence, &header, nonce, offset, &mut part);
                    if suite.cipher.is_cbc() {
                        assert_eq!(read, None);
                        continue;
                    }
                    let read = read.unwrap();
                    let limit = rest.len() - start - 16;
                    let from = (offset.max(start) - start).min(limit);
                    let to = end.saturating_sub(start).clamp(from, limit);
                    let plain = &part[read];
                    assert_eq!(plain.len(), to - from);
                    let common = to.min(content.len()).saturating_sub(from);
                    assert_eq!(plain[..common], content[from.min(content.len())..][..common]);
                }
            }
            let mut whole = rest.to_vec();
            let read = record.opener.open_part(record.sequence, &header, None, 0, &mut whole);
            assert_eq!(read.is_some(), !suite.cipher.is_cbc());
            let mut rest = rest[1..].to_vec();
            let read = record.opener.open_part(record.sequence, &header, None, 1, &mut rest);
            assert_eq!(read.is_some(), !suite.cipher.is_cbc() && start == 0);
        }
    });
}

#[test]
fn nothing_that_holds_secrets_shows_them() {
    for line in lines() {
        let mut connection = Connection::of(&line);
        let opener = connection.opener(true, 0);
        let shown = format!("{:?} {:?} {:?}", opener, connection.keys, connection.keys.since(0));
        for stored in connection.keys.since(0) {
            let [hex, list] =
                [format!("{:02x?}", stored.secret.bytes()), format!("{:?}", stored.secret.bytes())];
            assert!(!shown.contains(&hex[1..30]) && !shown.contains(&list[1..30]), "{shown}");
            let digits: String = hex[1..30].split(", ").collect();
            assert!(!shown.contains(&digits), "{shown}");
        }
    }
}
