//! Arbitrary bytes as a request or as responses, read by an endpoint and by a bystander.
//!
//! An input is a byte of flags, a byte that says how to cut, and the bytes of one side.
//!
//! ```text
//! bit 0   the bytes of the client; else those of the server
//! bit 1   an endpoint that is not strict
//! bit 2   a head may have 64 bytes only
//! ```

use wsdefrag_core::DeflateParams;
use wsdefrag_core::deflate::offer::DeflateOffer;
use wsdefrag_core::handshake::client::{Asking, ClientHandshake};
use wsdefrag_core::handshake::fault::HandshakeError;
use wsdefrag_core::handshake::head::RequestHead;
use wsdefrag_core::handshake::response::Response;
use wsdefrag_core::handshake::server::ServerHandshake;
use wsdefrag_core::handshake::tap::HandshakeTap;

use super::input;

/// Where the bytes of a server are read by a client.
pub(crate) const FROM_CLIENT: u8 = 1;
const LENIENT: u8 = 2;
const SMALL: u8 = 4;

/// The key of the RFC's example, and what its client offers here.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// What became of the bytes.
#[derive(Debug, PartialEq)]
struct Outcome {
    error: Option<HandshakeError>,
    /// The heads, joined.
    heads: Vec<u8>,
    leftover: Vec<u8>,
    /// Whether the handshake has all the heads that it needs.
    is_complete: bool,
    deflate: Option<DeflateParams>,
    tolerated: Vec<(&'static str, u32)>,
}

/// Panics if a handshake that reads `input` breaks its contract.
pub(crate) fn check(input: &[u8]) {
    let [flags, cuts, wire @ ..] = input else { return };
    let max = if flags & SMALL != 0 { 64 } else { 65536 };
    let from_client = flags & FROM_CLIENT != 0;
    let strict = flags & LENIENT == 0;
    let middle = wire.len() * usize::from(*cuts) / 256;
    let halves = [&wire[..middle], &wire[middle..]];
    let ways: [Vec<&[u8]>; 4] =
        [vec![wire], wire.chunks(1).collect(), halves.to_vec(), input::cut(wire, *cuts).collect()];
    let endpoint = |chunks: &Vec<&[u8]>| {
        if from_client { serve(chunks, max, strict) } else { ask(chunks, max, strict) }
    };
    let whole = endpoint(&ways[0]);
    let tapped = tap(&ways[0], max, from_client);
    for chunks in &ways[1..] {
        assert_eq!(endpoint(chunks), whole, "the chunks show");
        assert_eq!(tap(chunks, max, from_client), tapped, "the chunks show to a bystander");
    }
    check_bytes(&whole, wire, max);
    check_bytes(&tapped, wire, max);
    if strict {
        assert!(whole.tolerated.is_empty(), "a strict endpoint tolerates nothing");
        // What an endpoint reads, a bystander reads in the same way.
        if whole.error.is_none() {
            let (heads, leftover) = (&whole.heads, &whole.leftover);
            assert_eq!((&tapped.heads, &tapped.leftover), (heads, leftover));
            assert!(tapped.tolerated.is_empty(), "what is right is not tolerated");
            check_lines(&whole.heads);
        }
    }
}

/// No byte is lost or invented.
fn check_bytes(outcome: &Outcome, wire: &[u8], max: usize) {
    if outcome.is_complete {
        let read = [&outcome.heads[..], &outcome.leftover].concat();
        assert!(wire.ends_with(&read) || outcome.error.is_some());
        let skipped = &wire[..wire.len() - read.len().min(wire.len())];
        assert!(skipped.iter().all(|byte| b"\r\n".contains(byte)), "bytes before the head");
    } else if outcome.error.is_none() {
        assert!(outcome.leftover.is_empty(), "bytes after an incomplete head");
    }
    if let Some(error) = &outcome.error {
        assert!(error.offset <= wire.len().min(max), "{error:?}");
        assert!(error.to_string().ends_with(&format!("({})", error.rfc_section())));
        assert!((400..600).contains(&error.status()));
    }
}

/// What a strict endpoint accepts cannot be read in two ways.
fn check_lines(heads: &[u8]) {
    let mut lines = heads.split(|&byte| byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        if lines.peek().is_none() {
            assert_eq!(line, b"", "the last line ends");
            break;
        }
        let line = line.strip_suffix(b"\r").expect("each line ends in CR LF");
        let is_text = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7F);
        assert!(line.iter().all(is_text), "a control character in {line:?}");
        assert!(!line.starts_with(b" ") && !line.starts_with(b"\t"), "a folded line");
    }
}

fn serve(chunks: &[&[u8]], max: usize, strict: bool) -> Outcome {
    let mut server = ServerHandshake::new(max, strict);
    let mut error = None;
    for chunk in chunks {
        error = error.or(server.receive_data(chunk).err());
        assert!(server.request().is_some() || server.bytes_buffered() <= max);
        assert_eq!(server.failure(), error.as_ref());
    }
    let request = server.request().cloned();
    if let (Some(request), None, true) = (&request, &error, strict) {
        check_request(&request.head);
        answer(&mut server, &request.bytes);
    } else if let Some(error) = &error {
        let refusal = server.reject(None, None, &[], None).expect("a refusal can be made");
        let status = format!("HTTP/1.1 {} ", error.status());
        assert!(refusal.starts_with(status.as_bytes()));
    }
    Outcome {
        error,
        is_complete: request.is_some(),
        heads: request.map_or_else(Vec::new, |request| request.bytes),
        leftover: server.take_leftover(),
        deflate: None,
        tolerated: server.tolerated().collect(),
    }
}

/// A request that a strict server accepts has each field once that it needs once.
fn check_request(head: &RequestHead) {
    assert_eq!(head.method, "GET");
    for name in ["host", "sec-websocket-key", "sec-websocket-version"] {
        let named = head.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        assert_eq!(named.count(), 1, "{name}");
    }
    let is_coding = |name: &String| name.eq_ignore_ascii_case("transfer-encoding");
    assert!(!head.fields.iter().any(|(name, _)| is_coding(name)));
}

/// The answer to a request is one that a bystander understands.
fn answer(server: &mut ServerHandshake, request: &[u8]) {
    let offers = server.request().expect("there is one").extensions();
    let preferred = DeflateParams { client_max_window_bits: 10, ..DeflateParams::default() };
    let chosen = DeflateParams::choose(&offers, preferred).expect("extensions were checked");
    if let Some((params, answer)) = &chosen {
        let checked = DeflateParams::check_answer(answer, &offers).expect("the answer fits");
        assert_eq!(checked, Some(*params));
    }
    let params = chosen.map(|(params, _)| params);
    let head = server.accept(None, params, &[]).expect("an answer can be made");
    let mut tap = HandshakeTap::new(1 << 20, true);
    assert_eq!(tap.receive_data(request, true), Ok(&b""[..]));
    assert_eq!(tap.receive_data(&head, false), Ok(&b""[..]));
    assert_eq!((tap.is_websocket(), tap.deflate()), (Some(true), params));
}

fn asking() -> ([String; 2], [DeflateOffer; 2]) {
    let limited = DeflateOffer { server_max_window_bits: Some(12), ..DeflateOffer::default() };
    (["chat".to_owned(), "v2".to_owned()], [limited, DeflateOffer::default()])
}

fn client(max: usize, strict: bool) -> ClientHandshake {
    let (subprotocols, deflate) = asking();
    let asking = Asking {
        host: "example.com",
        target: "/chat",
        key: KEY,
        subprotocols: &subprotocols,
        deflate: &deflate,
        ..Asking::default()
    };
    ClientHandshake::new(&asking, max, strict).expect("the request is valid")
}

fn ask(chunks: &[&[u8]], max: usize, strict: bool) -> Outcome {
    let mut client = client(max, strict);
    let mut error = None;
    for chunk in chunks {
        error = error.or(client.receive_data(chunk).err());
        assert!(client.response().is_some() || client.bytes_buffered() <= max);
    }
    let final_head = client.response().cloned();
    let heads = client.informational().iter().chain(&final_head);
    Outcome {
        error,
        is_complete: final_head.is_some(),
        heads: if final_head.is_some() { joined(heads) } else { Vec::new() },
        leftover: client.take_leftover(),
        deflate: client.deflate(),
        tolerated: client.tolerated().collect(),
    }
}

fn joined<'a>(heads: impl Iterator<Item = &'a Response>) -> Vec<u8> {
    heads.flat_map(|head| head.bytes.clone()).collect()
}

fn tap(chunks: &[&[u8]], max: usize, from_client: bool) -> Outcome {
    let mut tap = HandshakeTap::new(max, false);
    if !from_client {
        let request = client(max, true).data_to_send();
        let _ = HandshakeTap::receive_data(&mut tap, &request, true);
    }
    let (mut error, mut leftover) = (None, Vec::new());
    for chunk in chunks {
        match tap.receive_data(chunk, from_client) {
            Ok(rest) => leftover.extend_from_slice(rest),
            Err(met) => error = error.or(Some(met)),
        }
    }
    let request = tap.request().filter(|_| from_client).map(|request| request.bytes.clone());
    let response = tap.response().map(|response| response.bytes.clone());
    let head = if from_client { request } else { response };
    // Heads of informational responses are not kept.
    let skipped = chunks.concat().len() - head.as_ref().map_or(0, Vec::len) - leftover.len();
    let before = if from_client { 0 } else { skipped };
    let heads = head.as_ref().map(|head| [&chunks.concat()[..before], head].concat());
    Outcome {
        error,
        is_complete: head.is_some(),
        heads: heads.unwrap_or_default(),
        leftover,
        deflate: tap.deflate(),
        tolerated: tap.tolerated(from_client).collect(),
    }
}
