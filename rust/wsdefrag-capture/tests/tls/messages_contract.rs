//! The rules for records and handshake messages of any bytes, shared with the fuzz target
//! `tls_messages`.
//!
//! The input is a byte that says how contents are cut, then one direction's stream.
//!
//! - nothing panics
//! - a header is read the same wherever it stands, and its length is within the limits
//! - the candidates for records are exactly the headers of version 3.3
//! - how messages are cut changes nothing, and none takes much memory
//! - what the start of a hello says, the whole hello says too

use wsdefrag_capture::tls::handshake::{self, MessageType};
use wsdefrag_capture::tls::hello::{ClientHello, EncryptedExtensions, ServerHello};
use wsdefrag_capture::tls::messages::Messages;
use wsdefrag_capture::tls::record::{self, HEADER, Header, MAX_LENGTH};

/// Memory that a message may take, in bytes: twice what is kept of one.
const MAX_HELD: usize = 32 << 10;

/// Checks the rules for one input.
///
/// # Panics
///
/// If a rule is broken.
pub(crate) fn check(input: &[u8]) {
    let Some((&size, stream)) = input.split_first() else { return };
    check_candidates(stream);
    check_records(stream);
    // The stream as records, and all of it as the content of one.
    check_messages(&contents(stream), usize::from(size) + 1);
    check_messages(stream, usize::from(size) + 1);
    check_hello(stream);
}

fn check_candidates(stream: &[u8]) {
    let stream = &stream[..stream.len().min(2000)];
    let mut from = 0;
    for position in 0..stream.len() {
        let header = Header::parse(&stream[position..]);
        assert!(header.is_none_or(|header| (1..=MAX_LENGTH).contains(&header.length)));
        let whole = stream[position..].len() >= HEADER;
        let starts = record::starts_like_record(&stream[position..]);
        assert_eq!(starts.is_some_and(|starts| starts), header.is_some());
        assert!(starts.is_some() || !whole);
        if let Some(header) = header.filter(|header| header.version == 0x0303) {
            let found = record::find_candidate(stream, from, MAX_LENGTH);
            assert_eq!(found, Some((position, header)));
            from = position + 1;
        }
    }
    assert_eq!(record::find_candidate(stream, from, MAX_LENGTH), None);
}

fn check_records(stream: &[u8]) {
    let mut rest = stream;
    while let Some(header) = Header::parse(rest) {
        assert_eq!(header.bytes[..], rest[..HEADER]);
        assert_eq!(header.whole(), HEADER + header.length);
        rest = rest.get(header.whole()..).unwrap_or_default();
    }
}

/// The contents of the records of a stream, as far as they are there.
fn contents(stream: &[u8]) -> Vec<u8> {
    let mut contents = Vec::new();
    let mut rest = stream;
    while let Some(header) = Header::parse(rest) {
        let (record, others) = rest.split_at(header.whole().min(rest.len()));
        contents.extend_from_slice(&record[HEADER..]);
        rest = others;
    }
    contents
}

fn check_messages(contents: &[u8], size: usize) {
    let whole = read(contents, contents.len().max(1));
    assert_eq!(whole, read(contents, size));
    for (message_type, body) in &whole.0 {
        match message_type {
            MessageType::ClientHello | MessageType::ServerHello => check_hello(body),
            MessageType::EncryptedExtensions => {
                let _ = EncryptedExtensions::parse(body);
            }
            _ => {
                let _ = (handshake::tls12_ticket(body), handshake::key_update_requested(body));
            }
        }
    }
}

/// The messages that end in contents cut into parts of a size, and the one that does not.
type Read = (Vec<(MessageType, Vec<u8>)>, Option<(MessageType, Vec<u8>)>, bool);

fn read(contents: &[u8], size: usize) -> Read {
    let mut messages = Messages::default();
    let mut read = Vec::new();
    for mut content in contents.chunks(size) {
        while let Some(message) = messages.next(&mut content) {
            read.push((message.message_type, message.body.to_vec()));
        }
        assert!(content.is_empty());
        assert!(messages.bytes_held() <= MAX_HELD);
    }
    let unfinished = messages.unfinished();
    let unfinished = unfinished.map(|message| (message.message_type, message.body.to_vec()));
    (read, unfinished, messages.is_between_messages())
}

fn check_hello(body: &[u8]) {
    let (client, server) = (ClientHello::parse(body), ServerHello::parse(body));
    assert_eq!(client.is_some(), body.len() >= 34);
    if let Some(client) = &client {
        let _ = (client.suites().count(), client.alpn().count());
    }
    for length in 0..body.len().min(200) {
        let start = &body[..length];
        if let Some(start) = ClientHello::parse(start) {
            assert_eq!(Some(start.random), client.map(|client| client.random));
        }
        if let Some(start) = ServerHello::parse(start) {
            let whole = server.expect("more bytes say more");
            assert_eq!((start.random, start.suite), (whole.random, whole.suite));
            assert_eq!((start.session_id, start.is_retry()), (whole.session_id, whole.is_retry()));
        }
        let _ = EncryptedExtensions::parse(start);
    }
}
