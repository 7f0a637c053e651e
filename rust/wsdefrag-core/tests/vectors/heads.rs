//! Heads of handshakes, whole, byte by byte and cut in two at every place.

use serde_json::{Map, Value};
use wsdefrag_core::DeflateParams;
use wsdefrag_core::handshake::client::{Asking, ClientHandshake};
use wsdefrag_core::handshake::fault::HandshakeError;
use wsdefrag_core::handshake::server::ServerHandshake;
use wsdefrag_core::handshake::tap::HandshakeTap;

use crate::reading::{self, params, read_bytes, text};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const MAX_SIZE: usize = 65536;

type Line = Map<String, Value>;

fn lines(from: &str) -> Vec<Line> {
    let lines = reading::lines("heads.jsonl").into_iter();
    let found: Vec<_> = lines.filter(|line| line["from"] == from).collect();
    assert!(found.len() > 50, "only {} heads from the {from}", found.len());
    found
}

fn bytes(line: &Line, field: &str) -> Vec<u8> {
    line.get(field).map_or_else(Vec::new, |notation| read_bytes(text(notation)))
}

fn names(value: Option<&Value>) -> Vec<String> {
    let names = value.and_then(Value::as_array).into_iter().flatten();
    names.map(|name| text(name).to_owned()).collect()
}

/// Calls `read` with the bytes whole, one by one, and cut in two at every place.
fn splits(wire: &[u8], mut read: impl FnMut(&[&[u8]])) {
    read(&[wire]);
    read(&wire.chunks(1).collect::<Vec<_>>());
    for cut in 1..wire.len() {
        read(&[&wire[..cut], &wire[cut..]]);
    }
}

fn check_error(line: &Line, error: Option<&HandshakeError>) {
    let expected = line
        .get("error")
        .map(|error| (text(&error["kind"]), error["offset"].as_u64(), error["status"].as_u64()));
    let found = error.map(|error| {
        (error.fault.name(), Some(error.offset as u64), Some(u64::from(error.status())))
    });
    assert_eq!(found, expected, "{}", line["name"]);
}

#[test]
fn server_reads_or_refuses_each_request() {
    for line in lines("client") {
        let (head, after) = (bytes(&line, "bytes"), bytes(&line, "after"));
        splits(&[&head[..], &after].concat(), |chunks| {
            let mut server = ServerHandshake::new(MAX_SIZE, true);
            let error = chunks.iter().find_map(|chunk| server.receive_data(chunk).err());
            check_error(&line, error.as_ref());
            let Some(request) = server.request() else { return };
            let skipped = line.get("skipped").and_then(Value::as_u64).unwrap_or(0);
            let skipped = usize::try_from(skipped).unwrap();
            assert_eq!(request.bytes, head[skipped..], "{}", line["name"]);
            assert_eq!(request.head.target, text(&line["target"]), "{}", line["name"]);
            assert_eq!(request.subprotocols(), names(line.get("subprotocols")));
            if let Some(chosen) = line.get("chosen") {
                let params = DeflateParams::default();
                let found = DeflateParams::choose(&request.extensions(), params).unwrap();
                let answer = found.map(|(_, answer)| answer);
                assert_eq!(answer.as_deref(), chosen.as_str(), "{}", line["name"]);
            }
            assert_eq!(server.take_leftover(), after, "{}", line["name"]);
        });
    }
}

/// The client that a response of the vectors answers.
fn client(line: &Line) -> ClientHandshake {
    let asked = line.get("asked");
    let subprotocols = names(asked.map(|asked| &asked["subprotocols"]));
    let offers = asked.map_or("", |asked| text(&asked["extensions"]));
    let field = ("Sec-WebSocket-Extensions".to_owned(), offers.as_bytes().to_vec());
    let fields = if offers.is_empty() { vec![] } else { vec![field] };
    let asking = Asking {
        host: "example.com",
        target: "/chat",
        key: KEY,
        subprotocols: &subprotocols,
        fields: &fields,
        ..Asking::default()
    };
    ClientHandshake::new(&asking, MAX_SIZE, true).unwrap()
}

#[test]
fn client_reads_or_refuses_each_response() {
    for line in lines("server") {
        let (head, after) = (bytes(&line, "bytes"), bytes(&line, "after"));
        splits(&[&head[..], &after].concat(), |chunks| {
            let mut client = client(&line);
            let error = chunks.iter().find_map(|chunk| client.receive_data(chunk).err());
            check_error(&line, error.as_ref());
            let Some(response) = client.response() else { return };
            assert!(head.ends_with(&response.bytes), "{}", line["name"]);
            assert_eq!(Some(u64::from(response.head.status)), line["status"].as_u64());
            let subprotocol = line.get("subprotocol").map(text);
            assert_eq!(response.subprotocol().as_deref(), subprotocol, "{}", line["name"]);
            assert_eq!(client.deflate(), line.get("deflate").map(params), "{}", line["name"]);
            assert_eq!(client.take_leftover(), after, "{}", line["name"]);
        });
    }
}

#[test]
fn bystander_counts_what_an_endpoint_refuses() {
    for (line, from_client) in lines("client")
        .iter()
        .map(|line| (line, true))
        .chain(lines("server").iter().map(|line| (line, false)))
    {
        let (head, after) = (bytes(line, "bytes"), bytes(line, "after"));
        let fails = line.contains_key("error") && line.get("tolerated").is_none_or(Value::is_null);
        splits(&[&head[..], &after].concat(), |chunks| {
            let mut tap = HandshakeTap::new(MAX_SIZE, false);
            if !from_client {
                let request = client(line).data_to_send();
                tap.receive_data(&request, true).unwrap();
            }
            let mut left = Vec::new();
            let mut failed = false;
            for chunk in chunks {
                match tap.receive_data(chunk, from_client) {
                    Ok(rest) => left.extend_from_slice(rest),
                    Err(_) => failed = true,
                }
            }
            assert_eq!(failed, fails, "{}", line["name"]);
            if fails {
                return;
            }
            assert_eq!(left, after, "{}", line["name"]);
            let expected = line.get("tolerated").and_then(Value::as_object);
            let mut counts = expected.map_or_else(Vec::new, |counts| {
                counts.iter().map(|(name, count)| (&name[..], count.as_u64().unwrap())).collect()
            });
            counts.sort_unstable();
            let found = tap.tolerated(from_client);
            let mut found: Vec<_> = found.map(|(name, count)| (name, u64::from(count))).collect();
            found.sort_unstable();
            assert_eq!(found, counts, "{}", line["name"]);
            if !from_client {
                assert_eq!(tap.deflate(), line.get("deflate").map(params), "{}", line["name"]);
            }
        });
    }
}
