//! Reads `vectors/*.jsonl`: the bytes and expectations that the tests of both languages share.
//!
//! `vectors/README.md` describes the files field by field. An unknown field is an error in the file
//! and causes a panic, like any other error in it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use wsdefrag_core::strictness::Tolerated;
use wsdefrag_core::{DeflateParams, Limits, Opcode, Settings, Strictness};

/// An event that a case must give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A whole message.
    Message(Opcode, Vec<u8>),
    /// A message of an extension that is not known, with its RSV bits.
    Opaque(Opcode, Vec<u8>, u8),
    /// A ping.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// The close frame.
    Close(u16, String),
}

/// The error that a direction must end in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExpectedError {
    /// The name of its kind; a limit's is its field.
    pub(crate) kind: String,
    /// The offset of the offending frame.
    pub(crate) offset: u64,
    /// The close code.
    pub(crate) close_code: u16,
    /// The paragraph.
    pub(crate) rfc_section: String,
    /// The number of bytes after which it is known, and before which it is not.
    pub(crate) known_after: Option<usize>,
    /// What it says.
    pub(crate) text: Option<String>,
}

/// What has arrived of something at the end of stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExpectedCut {
    /// The kind of message or control frame.
    pub(crate) opcode: Opcode,
    /// What had arrived.
    pub(crate) content: Vec<u8>,
    /// The offset of its first frame.
    pub(crate) offset: u64,
}

/// A line of `wire.jsonl` or `errors.jsonl`: bytes of one direction, and what must come of them.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Its name.
    pub(crate) name: String,
    /// What it is read with.
    pub(crate) settings: Settings,
    /// The bytes.
    pub(crate) wire: Vec<u8>,
    /// The events, in order.
    pub(crate) events: Vec<Expected>,
    /// The error it ends in.
    pub(crate) error: Option<ExpectedError>,
    /// What the end of stream cuts.
    pub(crate) incomplete: Option<ExpectedCut>,
    /// How many bytes are dropped, where that is said.
    pub(crate) discarded: Option<u64>,
    /// The breaches that are counted, by the names of their rules.
    pub(crate) tolerated: Vec<(String, u64)>,
}

/// The folder of the vectors.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors")
}

/// The lines of a file.
pub(crate) fn lines(name: &str) -> Vec<Map<String, Value>> {
    let path = folder().join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let line = |(index, line)| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}:{}: {error}", index + 1))
    };
    text.lines().enumerate().map(line).collect()
}

/// The cases of `wire.jsonl` or `errors.jsonl`.
pub(crate) fn cases(name: &str) -> Vec<Case> {
    lines(name).iter().map(case).collect()
}

fn case(line: &Map<String, Value>) -> Case {
    const FIELDS: [&str; 15] = [
        "family",
        "name",
        "rule",
        "rfc",
        "from",
        "deflate",
        "extension",
        "limits",
        "strictness",
        "wire",
        "events",
        "error",
        "incomplete",
        "discarded",
        "tolerated",
    ];
    for field in line.keys() {
        assert!(FIELDS.contains(&field.as_str()), "unknown field {field:?} in {line:?}");
    }
    let from = text(&line["from"]);
    assert!(from == "client" || from == "server", "{from:?}");
    let settings = Settings {
        from_client: from == "client",
        deflate: line.get("deflate").map(params),
        foreign_extension: line.get("extension").is_some_and(|there| there == true),
        limits: limits(line.get("limits")),
        strictness: strictness(line.get("strictness")),
    };
    Case {
        name: text(&line["name"]).to_owned(),
        settings,
        wire: read_bytes(text(&line["wire"])),
        events: line["events"].as_array().unwrap().iter().map(event).collect(),
        error: line.get("error").map(|error| expected_error(error, text(&line["rfc"]))),
        incomplete: line.get("incomplete").map(expected_cut),
        discarded: line.get("discarded").map(|count| count.as_u64().unwrap()),
        tolerated: line.get("tolerated").map_or_else(Vec::new, |counts| {
            let counts = counts.as_object().unwrap().iter();
            counts.map(|(name, count)| (name.clone(), count.as_u64().unwrap())).collect()
        }),
    }
}

/// The parameters that a line names; the others are as after an answer that says nothing.
pub(crate) fn params(value: &Value) -> DeflateParams {
    let mut params = DeflateParams::default();
    let bits = |value: &Value| u8::try_from(value.as_u64().unwrap()).unwrap();
    for (name, value) in value.as_object().unwrap() {
        match name.as_str() {
            "server_no_context_takeover" => {
                params.server_no_context_takeover = value.as_bool().unwrap();
            }
            "client_no_context_takeover" => {
                params.client_no_context_takeover = value.as_bool().unwrap();
            }
            "server_max_window_bits" => params.server_max_window_bits = bits(value),
            "client_max_window_bits" => params.client_max_window_bits = bits(value),
            _ => panic!("unknown parameter {name:?}"),
        }
    }
    params
}

fn limits(value: Option<&Value>) -> Limits {
    let mut limits = Limits::default();
    for (name, value) in value.into_iter().flat_map(|value| value.as_object().unwrap()) {
        match name.as_str() {
            "max_frame_size" => limits.max_frame_size = value.as_u64(),
            "max_message_size" => limits.max_message_size = value.as_u64(),
            "max_fragments" => limits.max_fragments = value.as_u64(),
            "max_inflate_ratio" => limits.max_inflate_ratio = value.as_f64(),
            _ => panic!("unknown limit {name:?}"),
        }
    }
    limits
}

/// The rules as a line switches them; the others are as by default.
pub(crate) fn strictness(value: Option<&Value>) -> Strictness {
    let Some(switches) = value.map(|value| value.as_object().unwrap()) else {
        return Strictness::default();
    };
    for name in switches.keys() {
        assert!(Strictness::NAMES.contains(&name.as_str()), "unknown rule {name:?}");
    }
    let is_off = |rule| Tolerated::default().of(Strictness::default()).any(|(off, _)| off == rule);
    let switch = |rule| match switches.get(rule) {
        Some(value) => value.as_bool().ok_or(()),
        None => Ok(!is_off(rule)),
    };
    Strictness::from_names(switch).expect("a switch is true or false")
}

fn event(event: &Value) -> Expected {
    let event = event.as_object().unwrap();
    if let Some(code) = event.get("close") {
        let code = u16::try_from(code.as_u64().unwrap()).unwrap();
        return Expected::Close(code, text(&event["reason"]).to_owned());
    }
    if let Some(content) = event.get("opaque") {
        let rsv = u8::try_from(event["rsv"].as_u64().unwrap()).unwrap();
        return Expected::Opaque(opcode(text(&event["type"])), read_bytes(text(content)), rsv);
    }
    let (kind, content) = event.iter().next().unwrap();
    assert_eq!(event.len(), 1, "{event:?}");
    let content = read_bytes(text(content));
    match opcode(kind) {
        Opcode::Ping => Expected::Ping(content),
        Opcode::Pong => Expected::Pong(content),
        opcode => Expected::Message(opcode, content),
    }
}

fn opcode(name: &str) -> Opcode {
    match name {
        "text" => Opcode::Text,
        "binary" => Opcode::Binary,
        "close" => Opcode::Close,
        "ping" => Opcode::Ping,
        "pong" => Opcode::Pong,
        _ => panic!("unknown event {name:?}"),
    }
}

fn expected_error(error: &Value, rfc_section: &str) -> ExpectedError {
    ExpectedError {
        kind: text(&error["kind"]).to_owned(),
        offset: error["offset"].as_u64().unwrap(),
        close_code: u16::try_from(error["close_code"].as_u64().unwrap()).unwrap(),
        rfc_section: rfc_section.to_owned(),
        known_after: error["known_after"].as_u64().map(|bytes| usize::try_from(bytes).unwrap()),
        text: error["text"].as_str().map(str::to_owned),
    }
}

fn expected_cut(cut: &Value) -> ExpectedCut {
    ExpectedCut {
        opcode: opcode(text(&cut["type"])),
        content: read_bytes(text(&cut["content"])),
        offset: cut["offset"].as_u64().unwrap(),
    }
}

/// A value that is a string.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string"))
}

/// The bytes that the notation of the vectors stands for.
pub(crate) fn read_bytes(notation: &str) -> Vec<u8> {
    let mut stack = vec![Vec::new()];
    let mut rest = notation;
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_whitespace() || first == '|' {
            rest = &rest[1..];
        } else if let Some(quoted) = rest.strip_prefix('\'') {
            let (text, after) = quoted.split_once('\'').expect("a quote is closed");
            stack.last_mut().unwrap().extend(text.bytes());
            rest = after;
        } else if let Some(after) = rest.strip_prefix('(') {
            stack.push(Vec::new());
            rest = after;
        } else if let Some(after) = rest.strip_prefix(')') {
            let inner = stack.pop().unwrap();
            let outer = stack.last_mut().expect("a group that is closed was opened");
            rest = close_group(&inner, after, outer);
        } else {
            let first = byte(&rest[..2]);
            rest = &rest[2..];
            let last = match rest.strip_prefix("..") {
                Some(after) => {
                    rest = &after[2..];
                    byte(&after[..2])
                }
                None => first,
            };
            stack.last_mut().unwrap().extend(first..=last);
        }
    }
    assert_eq!(stack.len(), 1, "a group is not closed in {notation:?}");
    stack.remove(0)
}

/// Appends a group repeated or masked as what follows it says; the rest of the notation.
fn close_group<'a>(inner: &[u8], after: &'a str, outer: &mut Vec<u8>) -> &'a str {
    if let Some(masked) = after.strip_prefix('^') {
        let (key, rest) = masked.split_at(8);
        let key = [0, 2, 4, 6].map(|at| byte(&key[at..at + 2]));
        outer.extend(inner.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        return rest;
    }
    let repeated = after.strip_prefix('*').expect("a group is repeated or masked");
    let digits = repeated.bytes().take_while(u8::is_ascii_digit).count();
    let (times, rest) = repeated.split_at(digits);
    outer.extend(inner.repeat(times.parse().unwrap()));
    rest
}

fn byte(digits: &str) -> u8 {
    u8::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("{digits:?} is no byte"))
}
