//! Headers that agree on deflate, and payloads that are inflated.

use serde_json::{Map, Value};
use wsdefrag_core::{DeflateParams, Opcode, Settings};

use crate::common;
use crate::contract::journal::{self, Seen};
use crate::contract::writer::Wire;
use crate::reading::{self, read_bytes, text};

fn lines(what: &str) -> impl Iterator<Item = Map<String, Value>> {
    let lines = reading::lines("deflate.jsonl").into_iter();
    let found: Vec<_> = lines.filter(|line| line["what"] == what).collect();
    assert!(!found.is_empty(), "no line says {what:?}");
    found.into_iter()
}

/// The parameters of a line; `None` if it has none.
fn params(line: &Map<String, Value>) -> Option<DeflateParams> {
    line.get("params").filter(|params| !params.is_null()).map(reading::params)
}

#[test]
fn answer_gives_its_parameters_or_is_refused_with_the_reason() {
    for line in lines("answer") {
        let header = text(&line["header"]);
        match DeflateParams::from_header(header) {
            Ok(found) => {
                assert!(!line.contains_key("reason"), "{header:?} is read");
                assert_eq!(found, params(&line), "{header:?}");
            }
            Err(reason) => assert_eq!(reason.to_string(), text(&line["reason"]), "{header:?}"),
        }
    }
}

#[test]
fn bystander_reads_an_odd_answer_and_says_what_was_odd() {
    for line in lines("answer") {
        let header = text(&line["header"]);
        let read = DeflateParams::from_header_tolerant(header);
        let Some(tolerant) = line.get("tolerant") else {
            // A valid answer is the same to everybody.
            assert_eq!(read, Ok((params(&line), vec![])), "{header:?}");
            continue;
        };
        assert!(line.contains_key("reason"), "{header:?} needs no tolerance");
        match read {
            Ok((found, oddities)) => {
                assert_eq!(found, params(tolerant.as_object().unwrap()), "{header:?}");
                let expected = tolerant["oddities"].as_array().unwrap();
                assert_eq!(oddities, expected.iter().map(text).collect::<Vec<_>>(), "{header:?}");
                assert!(!oddities.is_empty(), "{header:?} is refused without a reason");
            }
            Err(reason) => assert_eq!(reason.to_string(), text(&tolerant["reason"]), "{header:?}"),
        }
    }
}

#[test]
fn first_valid_offer_is_accepted_and_others_are_declined() {
    for line in lines("offers") {
        let header = text(&line["header"]);
        match DeflateParams::choose(header, DeflateParams::default()) {
            Ok(Some((found, answer))) => {
                assert_eq!(answer, text(&line["answer"]), "{header:?}");
                assert_eq!(Some(found), params(&line), "{header:?}");
                assert_eq!(DeflateParams::from_header(&answer), Ok(Some(found)), "{header:?}");
            }
            Ok(None) => assert!(line["answer"].is_null(), "{header:?} is declined"),
            Err(reason) => assert_eq!(reason.to_string(), text(&line["reason"]), "{header:?}"),
        }
    }
}

#[test]
fn payloads_inflate_to_what_the_vectors_say() {
    for line in lines("inflate") {
        let name = text(&line["name"]);
        let each = |field: &str| {
            let list = line[field].as_array().unwrap().iter();
            list.map(|notation| read_bytes(text(notation))).collect::<Vec<_>>()
        };
        let fresh = line.get("no_context_takeover").is_some_and(|fresh| fresh == true);
        let params = DeflateParams { server_no_context_takeover: fresh, ..Default::default() };
        let strictness = reading::strictness(line.get("strictness"));
        let settings = Settings { deflate: Some(params), strictness, ..common::strict() };
        let mut wire = Vec::new();
        for payload in each("payloads") {
            Wire { rsv: 4, ..Wire::new(Opcode::Binary as u8) }.write(&payload, &mut wire);
        }
        let whole = journal::read(settings, [&wire[..]]);
        let bytes = journal::read(settings, wire.chunks(1));
        // After each byte, and so between any two messages.
        let parked = journal::read_parking(settings, wire.chunks(1));
        for (journal, _) in [whole, bytes, parked] {
            let contents = journal.events.into_iter().map(|(_, event)| match event {
                Seen::Message(Opcode::Binary, content) => content,
                other => panic!("{name}: {other:?}"),
            });
            assert_eq!(contents.collect::<Vec<_>>(), each("contents"), "{name}");
            let kind = journal.error.map(|error| error.kind.name());
            assert_eq!(kind, line.get("error").map(text), "{name}");
        }
    }
}
